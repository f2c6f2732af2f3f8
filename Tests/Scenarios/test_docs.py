"""Every runnable example of README and docs, as a reader would type it, against the bundled configuration on free ports."""
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kit.gateway import accepts
from kit.ports import free_port
from kit.wait import until

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "Tidy"))
from docs_examples import examples  # noqa: E402

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md")), *sorted((ROOT / "Plugins").glob("*/README.md"))]
EXAMPLES = [(page.relative_to(ROOT), e) for page in PAGES for e in examples(page.read_text())]
BIN = Path(os.environ.get("SLUICE_BIN", ROOT / ".build/release/sluice"))


def moved(text: str, ports: dict) -> str:
    for old, new in ports.items():
        text = text.replace(f":{old}", f":{new}")
    return text


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    """What `make run` starts: docs/example.yaml, the demo upstream, the three plugins."""
    ports = {old: free_port() for old in (8080, 8081, 8082, 8090)}
    folder = tmp_path_factory.mktemp("docs")
    file = folder / "example.yaml"
    file.write_text(moved((ROOT / "docs/example.yaml").read_text(), ports))
    env = {**os.environ, "SLUICE_STATE": str(folder / "state"), "SLUICE_PLUGIN_PATH": str(ROOT / ".build/plugins")}
    (folder / "state").mkdir()
    with open(folder / "log", "w") as log:
        commands = ([BIN, "demo-upstream", "--listen", f"127.0.0.1:{ports[8090]}"], [BIN, "run", "-c", str(file)])
        processes = [subprocess.Popen([str(w) for w in c], env=env, cwd=ROOT, stdout=log, stderr=log) for c in commands]
    try:
        until(lambda: all(accepts(p) for p in ports.values()), 20, f"all four ports; log: {(folder / 'log').read_text()}")
        yield ports
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(20)


def test_there_are_examples():
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("page,example", EXAMPLES, ids=[f"{page}:{e.line}" for page, e in EXAMPLES])
def test_example(request, page, example):
    ports = request.getfixturevalue("bundled") if example.needs == "gateway" else {}
    done = subprocess.run(["bash", "-euc", moved(example.text, ports)], cwd=ROOT, capture_output=True, text=True, timeout=25)
    assert done.returncode == 0, done.stderr
    for text in example.expect:
        assert text in done.stdout, f"expected {text!r} in:\n{done.stdout}\n{done.stderr}"
