"""Every tidy rule must be able to fail: a small house with one thing wrong each gives exactly the finding that names it, and
the same house with nothing wrong gives none."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import docs_examples  # noqa: E402
import floors  # noqa: E402
import links  # noqa: E402
import rules  # noqa: E402
import source  # noqa: E402
import tidy  # noqa: E402

HEAD = "// What lives here and what to read next, in a sentence.\n"
PLAN = """# Plan
| floor | module | what it is | may import |
|---|---|---|---|
| 7 roof | `sluiced` | executable | SluiceLoop |
| 7 | `sluice` | executable | SluiceControl |
| 6 | `SluiceControl` | control | SluiceModel, *Yams* |
| 2 motion | `SluiceLoop` | loop | SluiceBytes |
| 1 | `SluiceModel` | values | — |
| 1 | `SluiceBytes` | bytes | — |
"""
PACKAGE = """// swift-tools-version: 6.2
let package = Package(targets: [
    .executableTarget(name: "sluiced", dependencies: ["SluiceLoop"], swiftSettings: fast),
    .executableTarget(name: "sluice", dependencies: ["SluiceControl"]),
    room("SluiceControl", ["SluiceModel", .product(name: "Yams", package: "Yams")], plain),
    room("SluiceLoop", ["SluiceBytes"]),
    room("SluiceModel", []),
    room("SluiceBytes", []),
])
"""


@pytest.fixture
def house(tmp_path):
    def write(files):
        for path, text in files.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return str(tmp_path)
    write({"Sources/README.md": PLAN, "Package.swift": PACKAGE,
           "Sources/sluiced/main.swift": HEAD + "import SluiceLoop\n",
           "Sources/sluice/main.swift": HEAD + "import SluiceControl\n",
           "Sources/SluiceControl/Control.swift": HEAD + "import Foundation\nimport SluiceModel\nimport Yams\n",
           "Sources/SluiceLoop/Loop.swift": HEAD + "import SluiceBytes\n",
           "Sources/SluiceModel/Model.swift": HEAD, "Sources/SluiceBytes/Bytes.swift": HEAD})
    return write


def findings(part, root):
    return [f"{path}:{line}: {wrong}" for path, line, wrong, mend in part.check(root) if mend]


def test_a_clean_house_has_no_findings(house):
    root = house({})
    assert findings(floors, root) + findings(rules, root) + findings(links, root) == []


@pytest.mark.parametrize("text, expected", [
    ("import SluiceModel\n", "Sources/SluiceLoop/More.swift:2: SluiceLoop imports SluiceModel; allowed: SluiceBytes"),
    ("@testable import SluiceControl\n", "Sources/SluiceLoop/More.swift:2: SluiceLoop imports SluiceControl; allowed: SluiceBytes"),
    ("public import struct SluiceModel.Limits\n", "Sources/SluiceLoop/More.swift:2: SluiceLoop imports SluiceModel; allowed: SluiceBytes"),
    ("import Foundation\n", "Sources/SluiceLoop/More.swift:2: SluiceLoop belongs to the data plane and imports Foundation"),
    ("import FoundationEssentials\n", "Sources/SluiceLoop/More.swift:2: SluiceLoop belongs to the data plane and imports FoundationEssentials"),
    ("import NIOCore\n", "Sources/SluiceLoop/More.swift:2: SluiceLoop belongs to the data plane and imports NIOCore"),
    ("import Glibc\n", "Sources/SluiceLoop/More.swift:2: SluiceLoop imports Glibc"),
])
def test_wrong_imports_are_found(house, text, expected):
    assert findings(floors, house({"Sources/SluiceLoop/More.swift": HEAD + text})) == [expected]


def test_an_import_in_a_comment_is_none(house):
    assert findings(floors, house({"Sources/SluiceLoop/More.swift": HEAD + "// import Foundation\n"})) == []


@pytest.mark.parametrize("before, after, expected", [
    ("| SluiceBytes |", "| SluiceBytes, SluiceControl |", "may import SluiceControl (floor 6)"),
    ("| SluiceLoop |", "| — |", "sluiced depends on SluiceLoop, which the table does not allow"),
    ("| 1 | `SluiceModel` | values | — |\n", "", "target SluiceModel is not in the table"),
    ("| values | — |", "| values | — |\n| 1 | `SluiceGhost` | nothing | — |", "SluiceGhost is in the table but not in Package.swift"),
])
def test_table_and_package_must_agree(house, before, after, expected):
    root = house({"Sources/README.md": PLAN.replace(before, after)})
    assert any(expected in f for f in findings(floors, root))


def test_plugins_see_only_the_sdk(house):
    root = house({"Plugins/request-id/Plugin.swift": HEAD + "import SluiceHTTP\nimport SluiceBytes\n"})
    assert findings(floors, root) == ["Plugins/request-id/Plugin.swift:3: imports the host's SluiceBytes"]


BODY = "    let a = 1\n"


@pytest.mark.parametrize("path, text, expected", [
    ("Sources/SluiceModel/A.swift", "let a = 1\n", "A.swift:1: no opening comment"),
    ("Tests/a.py", "import os\n", "a.py:1: no opening comment"),
    ("Sources/SluiceModel/A.swift", HEAD + "let a = 1\n" * 400, "A.swift:401: 401 lines"),
    ("Sources/SluiceModel/A.swift", HEAD + "func f() {\n" + BODY * 69 + "}\n", "A.swift:2: function f has 71 lines"),
    ("Sources/SluiceModel/A.swift", HEAD + "func f(\n    a: Int\n) -> Int where A: B {\n" + BODY * 68 + "}\n", "A.swift:2: function f has 72 lines"),
    ("Sources/SluiceModel/A.swift", HEAD + "public init(\"{\") {\n".replace('"{"', "a: Int") + BODY * 70 + "}\n",
     "A.swift:2: function init has 72 lines"),
    ("SDK/a.c", HEAD + "static int f(void) {\n" + "  int a;\n" * 70 + "}\n", "a.c:2: function f has 72 lines"),
    ("Sources/SluiceModel/A.swift", HEAD + "let a = \"" + "x" * 150 + "\"\n", "A.swift:2: 160 columns"),
    ("Sources/SluiceModel/A.swift", HEAD + "// TO" + "DO: later\n", "A.swift:2: unfinished work"),
    ("SDK/include/a.h", "/* What lives here and what to read next. */\n" + "int a;\n" * 150, "a.h:151: SDK header of 151 lines"),
    ("Sources/SluiceModel/A.swift", HEAD + "let a = 1 \n", "A.swift:2: white space"),
    ("Sources/SluiceModel/A.swift", HEAD + "let a = 1", "A.swift:2: no line break at the end"),
])
def test_file_rules(house, path, text, expected):
    found = findings(rules, house({path: text}))
    assert len(found) == 1 and expected in found[0], found


@pytest.mark.parametrize("text", [
    "// Long because the table is one piece, and a table is read as a whole.\n" + "let a = 1\n" * 400,
    HEAD + "/// Long because every case is one line.\nfunc f() {\n" + BODY * 70 + "}\n",
    HEAD + "func f() {\n    // a brace in a comment: {\n    let s = \"{{\"\n}\n" + "let a = 1\n" * 100,
    HEAD + "protocol P {\n    func f()\n    func g() -> Int\n}\nstruct S {\n" + BODY * 100 + "}\n",
])
def test_what_is_said_or_short_is_fine(house, text):
    assert findings(rules, house({"Sources/SluiceModel/A.swift": text})) == []


def test_function_spans_are_exact():
    text = ("struct S {\n    func a() {\n    }\n    init(_ x: Int) { self.x = x }\n"
            "    mutating func b<T>(_ t: T) where T: P {\n        if t { }\n    }\n}\n")
    assert source.functions(text, "a.swift") == [("a", 2, 3), ("init", 4, 4), ("b", 5, 7)]


@pytest.mark.parametrize("text, expected", [
    ("see [this](missing.md)\n", "docs/a.md:1: link to missing.md"),
    ("```sh\nls\n", "docs/a.md:2: a code fence is not closed"),
    ("```sh run\n\n```\n", "docs/a.md:1: an empty example"),
])
def test_documentation_rules(house, text, expected):
    found = findings(links, house({"docs/a.md": text}))
    assert len(found) == 1 and found[0].startswith(expected), found


def test_examples_carry_their_marks():
    page = "text\n```sh run gateway expect=hello+from+sluice\ncurl -s http://127.0.0.1:8080/hello\n```\n```sh\nnot run\n```\n"
    (example,) = docs_examples.examples(page)
    assert example == docs_examples.Example(2, "gateway", ("hello from sluice",), "curl -s http://127.0.0.1:8080/hello\n")


def test_formatting_is_checked(house):
    root = house({"Sources/SluiceModel/A.swift": HEAD + "func   f( ) {  }\n", ".swift-format": '{"version": 1, "indentation": {"spaces": 4}}'})
    assert any("A.swift" in path and "format" in wrong for path, _, wrong, _ in tidy.formatting(root))
