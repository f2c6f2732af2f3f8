"""docs/plugin-authors.md as its reader follows it: every file of it is written, every command run, in the order of the page. Fences that
open with `c file=PATH` are files, those with `sh author` are commands; `expect=TEXT` (+ for a space) must be in their output."""

import os
import re
import subprocess

import pytest
from kit.gateway import BINARY, ROOT

FENCE = re.compile(r"^```(\w+) (file=(?P<file>\S+)|author(?P<words>[^\n]*))\n(?P<text>.*?)^```$", re.M | re.S)


@pytest.mark.timeout(300)
def test_every_step(tmp_path):
    page = (ROOT / "docs/plugin-authors.md").read_text()
    steps = list(FENCE.finditer(page))
    assert len(steps) >= 9
    environment = {**os.environ, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
    for step in steps:
        line = page.count("\n", 0, step.start()) + 1
        if step["file"]:
            file = tmp_path / step["file"]
            file.parent.mkdir(exist_ok=True)
            file.write_text(step["text"])
            continue
        command = ["bash", "-euo", "pipefail", "-c", step["text"]]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"line {line}: {said}"
        for word in re.findall(r"expect=(\S+)", step["words"]):
            assert word.replace("+", " ") in said, f"line {line}: expected {word!r} in:\n{said}"


def test_no_file_of_the_page_is_outside_the_folder():
    for step in FENCE.finditer((ROOT / "docs/plugin-authors.md").read_text()):
        assert not step["file"] or re.fullmatch(r"[a-z]+/[a-z_]+\.[ch]", step["file"])
