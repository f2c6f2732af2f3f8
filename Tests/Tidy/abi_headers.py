"""Reads the headers of the plugin contract: opening comment, extension ids, numbers, structs with their fields, function types,
helpers, each with its comment. It knows the way these headers are written and nothing of C beyond it; what is made of them
(goldens, reference pages, the catalog's check) is in abi.py."""
import dataclasses
import os
import re

FOLDER = "SDK/Sources/CSluiceABI/include/sluice"


@dataclasses.dataclass
class Item:
    kind: str  # struct, enum, macro, type, function
    name: str
    comment: str
    text: str
    fields: list = dataclasses.field(default_factory=list)  # struct: (name, comment, declaration); enum: (name, comment, value)


@dataclasses.dataclass
class Header:
    path: str  # "body.h", "draft/tls.h"
    intro: str
    ids: dict  # {"SLUICE_BODY_1": "sluice.body/1"}
    items: list

    @property
    def is_draft(self):
        return self.path.startswith("draft/")

    def side(self, macro):
        """plugin or host: whose table has the id, as its size's comment says."""
        want = macro.lower()  # sluice_body_1 -> struct sluice_body_v1
        struct = re.sub(r"_(\d+)$", r"_v\1", want)
        for item in self.items:
            if item.kind == "struct" and item.name == struct:
                return "plugin" if "as the plugin was compiled" in item.fields[0][1] else "host"
        raise ValueError(f"{self.path}: {macro} has no table {struct}")


def all_headers(root):
    """Every header, released ones first, in the order of their names."""
    folder = os.path.join(root, FOLDER)
    paths = sorted(p for p in os.listdir(folder) if p.endswith(".h"))
    paths += sorted("draft/" + p for p in os.listdir(os.path.join(folder, "draft")) if p.endswith(".h"))
    out = []
    for path in paths:
        with open(os.path.join(folder, path), encoding="utf-8") as f:
            out.append(parse(path, f.read()))
    return out


def clean(comment):
    """A comment's text: frame removed, line breaks kept."""
    body = re.sub(r"\A/\*+|\*/\Z", "", comment.strip())
    return "\n".join(re.sub(r"^ {1,5}\*? ?(?=\S)", "", line).rstrip() if i else line.strip() for i, line in enumerate(body.split("\n"))).strip()


def parse(path, text):
    intro = re.match(r"/\*.*?\*/", text, re.S)
    ids = dict(re.findall(r'^#define (SLUICE_[A-Z_]+_\d+) "(sluice\.[a-z-]+/\d+)"', text, re.M))
    return Header(path, _intro(intro[0]) if intro else "", ids, _items(text[intro.end():] if intro else text))


def _intro(comment):
    body = re.sub(r"\A/\*|\*/\Z", "", comment)
    return "\n".join(line.rstrip() for line in body.split("\n")).strip()


TOKEN = re.compile(r"/\*.*?\*/|^#(?:\\\n|[^\n])*|^typedef struct (\w+) \{.*?^\} \w+;|^struct (\w+) \{.*?^\};|^enum(?: \w+)? \{.*?\};"
                   r"|^typedef struct \w+ \{[^\n]*?\} (\w+);|^typedef [^{;]*;|^static inline [^{]*\{|^\w[^;{}\n]*\([^;{}]*\);", re.S | re.M)


def _items(text):
    out, comment, end = [], "", 0
    for m in TOKEN.finditer(text):
        token = m[0]
        if m.start() < end:
            continue
        if text[end:m.start()].strip():
            comment = ""
        end = m.end()
        if token.startswith("/*"):
            tail = text.rfind("\n", 0, m.start()) + 1
            if text[tail:m.start()].strip() and out:  # behind a declaration on its line
                out[-1].comment = f"{out[-1].comment} ({clean(token)})".strip() if out[-1].comment else clean(token)
            else:
                comment = clean(token)
            continue
        item = _item(token, comment)
        if item:
            out.append(item)
        comment = ""
    return out


def _item(token, comment):
    if m := re.match(r"(?:typedef )?struct (\w+) \{(.*)\}", token, re.S):
        return Item("struct", m[1], comment, token, _fields(m[2]))
    if m := re.match(r"enum(?: \w+)? \{(.*)\}", token, re.S):
        names = _numbers(m[1])
        return Item("enum", names[0][0] if names else "", comment, token, names)
    if m := re.match(r"typedef struct \w+ (\w+);", token):
        return Item("type", m[1], comment, token)
    if m := re.match(r"typedef [^(;]*\(\*(\w+)\)|typedef [^(;]*?(\w+);", token):
        return Item("type", m[1] or m[2], comment, token)
    if m := re.match(r"#define (SLUICE_\w+)(?!_H\b)\(", token):
        return Item("macro", m[1], comment, token)
    if m := re.match(r"static inline [^(]*?(\w+)\(", token) or re.match(r"(?!SLUICE_STATIC)\w[^(]*?(\w+)\(", token):
        return Item("function", m[1], comment, token.rstrip("{ \n;"))
    return None


def _fields(body):
    """(name, comment, declaration); a comment above belongs to all fields up to the next one, one behind to its own line."""
    out, comment = [], ""
    for m in re.finditer(r"/\*.*?\*/|[^;/]+;(?:[ \t]*/\*.*?\*/)?", body, re.S):
        token = m[0].strip()
        if token.startswith("/*"):
            comment = clean(token)
            continue
        declaration, _, behind = token.partition("/*")
        declaration = re.sub(r"\s+", " ", declaration.strip().rstrip(";"))
        for name in _names(declaration):
            out.append((name, clean("/*" + behind) if behind else "" if name == "reserved" else comment, declaration))
    return out


def _names(declaration):
    if m := re.search(r"\(\*(\w+)\)", declaration):
        return [m[1]]
    return [re.search(r"(\w+)\s*(?:\[[^\]]*\])?$", part.strip())[1] for part in declaration.split(",")]


def _numbers(body):
    out = []
    for m in re.finditer(r"(SLUICE_\w+)(?:\s*=\s*([^,/}]+))?,?[ \t]*((?:/\*.*?\*/)?)", body, re.S):
        out.append((m[1], clean(m[3]) if m[3] else "", (m[2] or str(len(out))).strip()))
    return out
