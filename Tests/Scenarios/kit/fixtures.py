"""Plugins for tests: copies of the built ones under new names, files that are no plugin, small ones compiled from C.

`Plugins/` builds into `.build/plugins`; the C headers are in `SDK/`.
"""

import shutil
import subprocess
from pathlib import Path

from .gateway import PLUGINS, ROOT

HEADERS = ROOT / "SDK/Sources/CSluiceABI/include"
KEYS = {"keys": [{"key": "secret-1", "consumer": "ann"}, {"key": "secret-2", "consumer": "bob"}], "header": "x-api-key", "query": "api_key"}


def built(name: str) -> Path:
    path = PLUGINS / f"{name}.so"
    assert path.exists(), f"{path} is missing: run `make build` first"
    return path


def plugin(name: str) -> dict:
    """The entry of the configuration's `plugins` list."""
    return {"name": name, "path": str(built(name))}


def copy(name: str, folder: Path, suffix: str) -> Path:
    """A copy nobody has loaded before."""
    path = folder / f"{name}-{suffix}.so"
    shutil.copyfile(built(name), path)
    return path


def compiled(folder: Path, name: str, source: str) -> Path:
    """A shared object from C, with the SDK's headers."""
    file, out = folder / f"{name}.c", folder / f"{name}.so"
    file.write_text(source)
    command = ["cc", "-std=c11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{HEADERS}", "-o", str(out), str(file)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stderr
    return out


def mapped(pid: int, word: str) -> set:
    """Files with `word` in their name that this process has mapped."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {words[5] for words in (line.split(maxsplit=5) for line in lines) if len(words) == 6 and word in words[5]}
