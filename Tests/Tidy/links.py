"""Documentation that points to nothing is a finding: relative links of markdown files must name files that exist, and the
examples that are to be run must be closed (docs_examples.py). Nothing is fetched."""
import os
import re

import docs_examples

SKIP = {".build", ".git", ".venv", "venv", "__pycache__", "results", "run"}
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")


def pages(root):
    for folder, names, entries in os.walk(root):
        names[:] = sorted(n for n in names if n not in SKIP and not n.startswith(".build"))
        for e in sorted(entries):
            if e.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, e), root)


def check(root):
    for page in pages(root):
        with open(os.path.join(root, page), encoding="utf-8") as f:
            text = f.read()
        fence = False
        for number, line in enumerate(text.split("\n"), 1):
            fence ^= line.startswith("```")
            for m in [] if fence else LINK.finditer(line):
                target = m[1]
                if not re.match(r"[a-z]+:", target) and not os.path.exists(os.path.join(root, os.path.dirname(page), target)):
                    yield page, number, f"link to {target}, which does not exist", "mend the path"
        if fence:
            yield page, text.count("\n"), "a code fence is not closed", "close it"
        for example in docs_examples.examples(text):
            if not example.text.strip():
                yield page, example.line, "an empty example marked as runnable", "write it or remove the mark"
