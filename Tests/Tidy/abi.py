#!/usr/bin/env python3
"""What is made of the headers of the plugin contract and must stay in step with them: the golden of every size, offset, number and
id (SDK/abi-1.golden), the reference pages (docs/abi/), and the list that `sluice abi` shows. `make tidy` compares; `abi.py --write`
writes golden and pages anew. A line of the golden that is gone or different is a broken promise: then write a new revision instead."""
import os
import re
import subprocess
import sys
import tempfile

import abi_headers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = "SDK/Sources/CSluiceABI/include"
GOLDEN = "SDK/abi-1.golden"
PAGES = "docs/abi"
CATALOG = "Sources/SluiceInspect/ExtensionCatalog.swift"
NOT_PINNED = {"helpers.h", "json.h", "json_text.h", "sluice.h"}  # helpers that are compiled into the plugin, no border


def golden(root, headers):
    """The golden's lines as this machine's C compiler computes them."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = os.path.join(folder, "golden.c"), os.path.join(folder, "golden")
        with open(source, "w", encoding="utf-8") as f:
            f.write(_program(headers))
        command = ["cc", "-std=c17", "-w", "-I", os.path.join(root, INCLUDE), source, "-o", program]
        compile_ = subprocess.run(command, capture_output=True, text=True)
        if compile_.returncode:
            raise RuntimeError(f"the golden's program does not compile: {compile_.stderr}")
        return subprocess.run([program], capture_output=True, text=True, check=True).stdout.split("\n")[:-1]


def _program(headers):
    out = ["#include <stdio.h>", *(f"#include <sluice/{h.path}>" for h in headers), "int main(void) {"]
    for h in (h for h in headers if h.path not in NOT_PINNED):
        mark = "draft " if h.is_draft else ""
        for macro, text in h.ids.items():
            out.append(f'  printf("{mark}id {text} {h.side(macro)}\\n");')
        for item in h.items:
            if item.kind == "struct":
                out.append(f'  printf("{mark}struct {item.name} %zu\\n", sizeof({item.name}));')
                for name, _, _ in item.fields:
                    where = f"offsetof({item.name}, {name}), sizeof((({item.name} *)0)->{name})"
                    out.append(f'  printf("{mark}field {item.name}.{name} %zu %zu\\n", {where});')
            if item.kind == "enum":
                out += [f'  printf("{mark}number {name} %lld\\n", (long long){name});' for name, _, _ in item.fields]
    return "\n".join(out + ["}"]) + "\n"


def page(header):
    """The reference page of one header, as Markdown."""
    title = ", ".join(f"`{i}`" for i in header.ids.values()) or f"`{header.path}`"
    folder = "../" * (2 + header.is_draft)
    out = [f"# {title}", "", f"Made from [`sluice/{header.path}`]({folder}{abi_headers.FOLDER}/{header.path}) by `Tests/Tidy/abi.py`.", ""]
    if header.is_draft:
        out += ["**Draft**: not promised; no host serves it yet.", ""]
    out += [_prose(header.intro), ""]
    for item in header.items:
        out += _section(item)
    return "\n".join(out).rstrip("\n") + "\n"


def _prose(text):
    """Paragraphs as they are; an indented passage behind an empty line is code."""
    parts = re.split(r"\n\s*\n", text)
    out = []
    for part in parts:
        lines = part.split("\n")
        if out and all(line.startswith("     ") for line in lines if line.strip()):
            out.append("```c\n" + "\n".join(line[5:] for line in lines).rstrip() + "\n```")
        else:
            out.append(" ".join(line.strip() for line in lines))
    return "\n\n".join(out)


def _section(item):
    if item.kind == "struct":
        out = [f"## {item.name}", ""] + ([_flat(item.comment), ""] if item.comment else [])
        for name, comment, declaration in item.fields:
            out += [f"### {name}", "", "```c", declaration + ";", "```", ""] + ([_flat(comment), ""] if comment else [])
        return out
    if item.kind == "enum":
        rows = [f"| `{name}` | {value} | {_cell(comment)} |" for name, comment, value in item.fields]
        comment = [_flat(item.comment), ""] if item.comment else []
        return [f"## {item.fields[0][0]} …", "", *comment, "| name | value | |", "|---|---|---|", *rows, ""]
    if not item.comment:
        return []
    shown = item.text.split("\\\n")[0].rstrip() if item.kind == "macro" else item.text
    return [f"## {item.name}", "", "```c", re.sub(r"[ \t]+", " ", shown), "```", "", _flat(item.comment), ""]


def _flat(text):
    return re.sub(r"\s*\n\s*", " ", text)


def _cell(text):
    return _flat(text).replace("|", "\\|")


def page_path(header):
    return f"{PAGES}/{header.path[:-2]}.md"


def index(headers):
    rows = [f"| [`{h.path}`]({h.path[:-2]}.md) | {', '.join(f'`{i}`' for i in h.ids.values())} | {_cell(_flat(h.intro).split('. ')[0])} |"
            for h in headers]
    return ("# The contract, header by header\n\nMade from the headers by `Tests/Tidy/abi.py`; the promises are in "
            "[ABI.md](../../SDK/ABI.md), the guide for authors is [plugin-authors.md](../plugin-authors.md).\n\n"
            "| header | extensions | what it is |\n|---|---|---|\n" + "\n".join(rows) + "\n")


def pages(headers):
    out = {f"{PAGES}/README.md": index(headers)}
    out.update({page_path(h): page(h) for h in headers})
    return out


def catalog(text):
    """{id: (side, status)} of the Swift list."""
    rows = re.findall(r'ExtensionFact\("(sluice\.[^"]+)", \.(\w+), \.(\w+)', text)
    return {name: (side, status) for name, side, status in rows}


def _read(root, path):
    try:
        with open(os.path.join(root, path), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def check(root):
    if not os.path.isdir(os.path.join(root, abi_headers.FOLDER)):
        return
    headers = abi_headers.all_headers(root)
    yield from check_golden(_read(root, GOLDEN).split("\n")[:-1], golden(root, headers))
    wanted = pages(headers)
    for path, text in wanted.items():
        if _read(root, path) != text:
            yield path, 1, "the reference page is not what the headers say", "python3 Tests/Tidy/abi.py --write"
    for folder, _, names in os.walk(os.path.join(root, PAGES)):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            if path not in wanted:
                yield path, 1, "a reference page without a header", "remove it"
    yield from check_catalog(headers, catalog(_read(root, CATALOG)))
    yield from check_umbrella(headers, _read(root, f"{abi_headers.FOLDER}/sluice.h"), _read(root, "SDK/ABI.md"))


def check_golden(old, new):
    """Promised lines may not change; new ones must be written down."""
    for number, line in enumerate(old, 1):
        if line not in new and not line.startswith("draft "):
            wrong = f'"{line}" is promised and no longer true'
            yield GOLDEN, number, wrong, "undo the change; append fields, or make a new revision (fields appended to a table: abi.py --write)"
    for line in new:
        if line not in old:
            yield GOLDEN, 1, f'"{line}" is not in the golden', "python3 Tests/Tidy/abi.py --write, and review the difference"


def check_catalog(headers, listed):
    wanted = {i: (h.side(macro), "draft" if h.is_draft else "released") for h in headers for macro, i in h.ids.items()}
    for name, facts in wanted.items():
        if listed.get(name, ("", ""))[0] != facts[0] or (listed[name][1] == "draft") != (facts[1] == "draft"):
            yield CATALOG, 1, f"{name} is missing or wrong; the headers say {facts[0]}, {facts[1]}", "mend the list"
    for name in listed:
        if name not in wanted:
            yield CATALOG, 1, f"{name} is in no header", "remove it"


def check_umbrella(headers, umbrella, promise):
    for h in headers:
        included = f"#include <sluice/{h.path}>" in umbrella
        if included == h.is_draft and h.path not in NOT_PINNED:
            yield f"{abi_headers.FOLDER}/sluice.h", 1, f"{h.path} is {'included' if included else 'missing'}", "released headers in, drafts out"
        for name in h.ids.values():
            if f"`{name}`" not in promise:
                yield "SDK/ABI.md", 1, f"{name} is not in the table", "add a row"


def write(root):
    headers = abi_headers.all_headers(root)
    with open(os.path.join(root, GOLDEN), "w", encoding="utf-8") as f:
        f.write("\n".join(golden(root, headers)) + "\n")
    for path, text in pages(headers).items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write(ROOT)
    findings = list(check(ROOT))
    for path, line, wrong, mend in findings:
        print(f"{path}:{line}: {wrong}; {mend}")
    sys.exit(1 if findings else 0)
