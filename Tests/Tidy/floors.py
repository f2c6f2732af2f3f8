"""The plan of the house as a test: the table of Sources/README.md, the targets of Package.swift and the `import` lines must say
the same, imports go down only, the data plane stays free of Foundation and NIO, plugins see nothing but the SDK.
Findings are (path, line, what is wrong, how to mend it)."""
import os
import re

import source

PLAN = "Sources/README.md"
PACKAGE = "Package.swift"
ALWAYS = {"Swift", "Synchronization", "Builtin", "_Concurrency"}
LIBC = {"Glibc", "Musl"}
FORBIDDEN = re.compile(r"^(Foundation\w*|NIO\w*|_NIO\w*|Dispatch|Logging|Hummingbird\w*|Yams|ArgumentParser)$")
IMPORT = re.compile(r"^[ \t]*(?:@\w+(?:\([^)]*\))?[ \t]+)*(?:(?:public|package|internal|private|fileprivate)[ \t]+)?import[ \t]+"
                    r"(?:(?:struct|class|enum|protocol|func|var|let|typealias)[ \t]+)?(\w+)", re.M)


def plan(text):
    """({module: (floor, line, allowed modules, allowed outsiders)}, findings) of the table in Sources/README.md."""
    rooms, findings, floor = {}, [], None
    for number, line in enumerate(text.split("\n"), 1):
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if len(cells) != 4 or not (m := re.fullmatch(r"`(\w+)`", cells[1])):
            continue
        if digits := re.match(r"\d+", cells[0]):
            floor = int(digits[0])
        outside = {w for italic in re.findall(r"\*([^*]+)\*", cells[3]) for w in re.findall(r"\w+", italic)}
        inside = set(re.findall(r"\w+", re.sub(r"\*[^*]+\*", "", cells[3])))
        rooms[m[1]] = (floor, number, inside, outside)
    if not rooms:
        findings.append((PLAN, 1, "no table of modules found", "keep the table | floor | module | what it is | may import |"))
    for name, (floor, number, inside, _) in rooms.items():
        for other in sorted(inside):
            if other in rooms and rooms[other][0] >= floor:
                wrong = f"{name} (floor {floor}) may import {other} (floor {rooms[other][0]})"
                findings.append((PLAN, number, wrong, "arrows go down: move one of them to another floor"))
    return rooms, findings


def targets(text):
    """{module: (line, dependencies)} of Package.swift."""
    out = {}
    flat = re.sub(r"//[^\n]*", lambda m: " " * len(m[0]), text)
    starts = list(re.finditer(r'(?:room\(|\.(?:executableT|t|systemLibraryT)arget\(\s*name:\s*)"(\w+)"', flat))
    for m in starts:
        end = _closing(flat, flat.index("(", m.start()))
        body = flat[m.end():end]
        body = re.sub(r"(?:swiftSettings|linkerSettings|cSettings|path|pkgConfig|providers|publicHeadersPath|exclude):.*", "", body, flags=re.S)
        products = re.findall(r'\.product\(name:\s*"(\w+)"', body)
        plain = re.findall(r'"(\w+)"', re.sub(r"\.product\([^)]*\)", "", body))
        out[m[1]] = (source.line_of(flat, m.start()), set(plain) | set(products))
    return out


def _closing(text, start):
    depth = 0
    for i in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return len(text)


def check_package(rooms, package):
    for name, (line, deps) in package.items():
        if name not in rooms:
            yield PACKAGE, line, f"target {name} is not in the table of {PLAN}", "add a row: floor, what it is, what it may import"
            continue
        _, number, inside, outside = rooms[name]
        for extra in sorted(deps - inside - outside):
            wrong = f"{name} depends on {extra}, which the table does not allow"
            yield PACKAGE, line, wrong, f"remove it, or allow it in {PLAN}:{number} if it lies on a lower floor"
        for unused in sorted((inside | (outside - {"libc"})) - deps):
            if (unused in package and rooms.get(unused, (1,))[0] > 0) or unused in outside:  # the ground comes along
                wrong = f"{name} may import {unused}, but Package.swift does not let it"
                yield PLAN, number, wrong, "add the dependency there or take it from the table"
    for name, (_, number, _, _) in rooms.items():
        if name not in package:
            yield PLAN, number, f"{name} is in the table but not in Package.swift", "remove the row or add the target"


def data_plane(package):
    """Every module that sluiced links."""
    seen, todo = set(), ["sluiced"]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += package.get(name, (0, ()))[1]
    return seen


def check_imports(root, rooms, package):
    plane = data_plane(package)
    for path in source.files(root):
        if not (path.startswith("Sources/") and path.endswith(".swift")):
            continue
        name = path.split("/")[1]
        text = source.read(root, path)
        code = re.sub(r"//[^\n]*", "", text)
        for m in IMPORT.finditer(code):
            yield from _check_import(path, source.line_of(code, m.start(1)), name, m[1], rooms, plane)


def _check_import(path, line, name, imported, rooms, plane):
    if name not in rooms:
        yield path, line, f"module {name} is not in the table of {PLAN}", "add a row: floor, what it is, what it may import"
        return
    _, number, inside, outside = rooms[name]
    if name in plane and FORBIDDEN.match(imported):
        mend = "the data plane has none of it: use SluiceSystem and SluiceBytes, or move the code to SluiceControl"
        yield path, line, f"{name} belongs to the data plane and imports {imported}", mend
    elif imported in LIBC:
        if "libc" not in outside and name in plane:
            yield path, line, f"{name} imports {imported}", f"call SluiceSystem instead, or allow *libc* in {PLAN}:{number}"
    elif imported not in ALWAYS | inside | outside and (name in plane or imported in rooms):
        allowed = ", ".join(sorted(inside)) or "nothing"
        mend = f"remove the import, or allow it in {PLAN}:{number} and Package.swift if it lies on a lower floor"
        yield path, line, f"{name} imports {imported}; allowed: {allowed}", mend


def check_sdk(root, rooms):
    """The SDK and the plugins know nothing of the host."""
    host = {n for n in rooms if n.startswith(("Sluice", "CSluiceSys"))}
    for path in source.files(root):
        if path.startswith(("SDK/", "Plugins/")) and path.endswith(".swift"):
            text = source.read(root, path)
            for m in IMPORT.finditer(text):
                if m[1] in host:
                    yield path, source.line_of(text, m.start(1)), f"imports the host's {m[1]}", "plugins and the SDK see only CSluiceABI and the SDK"


def check(root):
    rooms, findings = plan(source.read(root, PLAN))
    yield from findings
    package = targets(source.read(root, PACKAGE))
    yield from check_package(rooms, package)
    yield from check_imports(root, rooms, package)
    yield from check_sdk(root, rooms)
    for name in sorted(os.listdir(os.path.join(root, "Sources"))):
        if os.path.isdir(os.path.join(root, "Sources", name)) and name not in package:
            yield f"Sources/{name}", 1, "folder without a target", "add it to Package.swift and to the table, or remove it"
