#!/usr/bin/env python3
"""`make tidy`: every finding as `file:line: what is wrong; how to mend it`, and a failure when there is one. The rules are in
floors.py (imports), rules.py (one file at a time), links.py (documentation) and abi.py (the contract); formatting is swift-format's."""
import os
import shutil
import subprocess
import sys

import abi
import floors
import links
import rules

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def formatting(root):
    """What swift-format finds; nothing when the toolchain is not there (then nothing builds either)."""
    if not shutil.which("swift"):
        return
    places = [p for p in ("Sources", "SDK", "Plugins", "Tests") if os.path.exists(os.path.join(root, p))]
    run = subprocess.run(["swift", "format", "lint", "--strict", "--parallel", "--recursive", *places], cwd=root, capture_output=True, text=True)
    for line in run.stderr.splitlines():
        place, _, text = line.partition(": error: ")
        if text:
            path, number = place.split(":")[:2]
            yield os.path.relpath(os.path.join(root, path), root), int(number), f"format: {text}", "make fmt"
    if run.returncode and not run.stderr:
        yield ".swift-format", 1, f"swift format ended with status {run.returncode}", "run it by hand"


def check(root):
    for part in (floors, rules, links, abi):
        yield from part.check(root)
    yield from formatting(root)


def main():
    findings = list(check(ROOT))
    for path, line, wrong, mend in findings:
        print(f"{path}:{line}: {wrong}; {mend}")
    print(f"tidy: {len(findings)} finding{'s' * (len(findings) != 1)}")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
