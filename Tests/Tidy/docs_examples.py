#!/usr/bin/env python3
"""Takes the runnable examples out of documentation: fences that open with ```sh run. A word after it names what must be running:
`gateway` (docs/example.yaml with its demo upstream, as `make run` starts them) or nothing; `expect=TEXT` says what the output
must contain (+ stands for a space).

    docs_examples.py FILE…     prints them, one JSON object a line: file, line, needs, expect, text
"""
import dataclasses
import json
import re
import sys

FENCE = re.compile(r"^```sh run((?:[ ][^\n]*)?)\n(.*?)^```[ ]*$", re.M | re.S)


@dataclasses.dataclass(frozen=True)
class Example:
    line: int
    needs: str
    expect: tuple
    text: str


def examples(page):
    """Every runnable example of a page's text, in order."""
    out = []
    for m in FENCE.finditer(page):
        words = m[1].split()
        expect = tuple(w[7:].replace("+", " ") for w in words if w.startswith("expect="))
        needs = " ".join(w for w in words if not w.startswith("expect="))
        out.append(Example(page.count("\n", 0, m.start()) + 1, needs, expect, m[2]))
    return out


def main():
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            for e in examples(f.read()):
                print(json.dumps(dict(file=path, **dataclasses.asdict(e))))


if __name__ == "__main__":
    main()
