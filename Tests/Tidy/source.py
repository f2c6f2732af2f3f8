"""Reads source files for the tidy rules: which files count, their text without comments and strings, where functions begin and
end. It judges nothing; the rules are in rules.py and floors.py."""
import os
import re

SKIP = {".build", ".git", ".venv", "venv", "__pycache__", "run", "www", "tls", "bin", "results", "node_modules", ".pytest_cache"}
ROOTS = ("Sources", "SDK", "Plugins", "Tests", "Packaging")
SUFFIXES = (".swift", ".c", ".h", ".cpp", ".py", ".sh", ".lua")


def files(root):
    """Paths of all source files below `root`, relative to it, sorted."""
    found = []
    for top in ROOTS:
        for folder, names, entries in os.walk(os.path.join(root, top)):
            names[:] = sorted(n for n in names if n not in SKIP and not n.startswith(".build"))
            found += [os.path.relpath(os.path.join(folder, e), root) for e in entries if e.endswith(SUFFIXES)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


# Comments, then strings (Swift's raw and multi-line ones too), then characters of C.
_SWIFT = re.compile(r'//[^\n]*|/\*.*?\*/|(#*)"""(?:.|\n)*?"""\1|#+"(?:[^\n])*?"#+|"(?:\\.|[^"\\\n])*"', re.S)
_C = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", re.S)


def blanked(text, path):
    """The text with comments and string contents replaced by spaces, line breaks kept: braces that remain are code."""
    pattern = _SWIFT if path.endswith(".swift") else _C
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


_SWIFT_FUNCTION = re.compile(r"^[ \t]*(?:@\w+(?:\([^)\n]*\))?[ \t\n]*)*(?:[\w()]+[ \t]+)*?"
                             r"(func[ \t]+[^\s(<]+|init[?!]?|deinit|subscript)(?=[ \t]*[(<{])", re.M)
_C_FUNCTION = re.compile(r"^(?!typedef\b|struct\b|enum\b|union\b|#)[A-Za-z_][^;{}=\n]*?\b(\w+)[ ]*\([^;{}]*\)\s*"
                         r"(?:__attribute__\s*\(\([^)]*\)\)\s*)?\{", re.M)
_NEXT_DECLARATION = re.compile(r"\s*(?:@\w+|public|internal|private|fileprivate|static|mutating|func|init|var|let|case|subscript|associatedtype)\b")


def functions(text, path):
    """[(name, first line, last line)] of every function with a body; nested ones too."""
    code = blanked(text, path)
    swift = path.endswith(".swift")
    out = []
    for m in (_SWIFT_FUNCTION if swift else _C_FUNCTION).finditer(code):
        name = m[1].replace("func", "").strip() or m[1]
        start = _body_start(code, m.end(1)) if swift else m.end() - 1
        end = _matching_brace(code, start) if start is not None else None
        if end is not None:
            out.append((name, line_of(code, m.start(1)), line_of(code, end)))
    return out


def _body_start(code, position):
    """Position of the `{` that opens the body after a declaration's head; None for a requirement without a body."""
    depth = 0
    for i in range(position, min(len(code), position + 4000)):
        c = code[i]
        if c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif c == "{" and depth == 0:
            return i
        elif depth == 0 and (c == "}" or (c == "\n" and _NEXT_DECLARATION.match(code, i + 1))):
            return None
    return None


def _matching_brace(code, start):
    depth = 0
    for i in range(start, len(code)):
        if code[i] == "{":
            depth += 1
        elif code[i] == "}":
            depth -= 1
            if depth == 0:
                return i
    return None


def head_comment(text):
    """The comment (or Python docstring) that opens the file, after a shebang, tools version, pragma, guard or imports of C."""
    rest = re.sub(r"\A(?:#![^\n]*\n|// swift-tools-version[^\n]*\n|#pragma once\s*\n|#ifndef \w+\s*\n#define \w+[^\n]*\n|\s+)+", "", text)
    m = re.match(r'(?:(?://|#(?!include|define|if|pragma)|--)[^\n]*\n)+|/\*.*?\*/|[rb]?"""(?:.|\n)*?"""', rest, re.S)
    return m[0] if m else ""


def comment_above(lines, line):
    """The comment lines directly above line `line` (1-based), attributes in between allowed, and the first two inside the function."""
    out, i = [], line - 2
    while i >= 0 and (s := lines[i].strip()) and (s.startswith(("//", "/*", "*", "@", "#"))):
        out.append(s)
        i -= 1
    out += [s.strip() for s in lines[line:line + 3] if s.strip().startswith(("//", "/*", "*", "#", '"""'))]
    return "\n".join(out)
