"""The contract's headers compile alone in every language that is promised, and the checks of abi.py can fail."""
import os
import subprocess

import abi
import abi_headers
import pytest

HEADERS = abi_headers.all_headers(abi.ROOT)
INCLUDE = os.path.join(abi.ROOT, abi.INCLUDE)
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", INCLUDE]


def compiles(command, text):
    done = subprocess.run([*command, "-"], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("standard", ["c11", "c17", "c++17", "c++20"])
def test_every_header_alone(standard):
    language = ["c++", "-x", "c++"] if "+" in standard else ["cc", "-x", "c"]
    for header in HEADERS:
        compiles([*language, f"-std={standard}", *STRICT], f"#include <sluice/{header.path}>\nextern int unit;\n")


def test_every_header_in_swift(tmp_path):
    """Each as a module of its own; one table of each is named, so that it was really imported."""
    lines, uses = [], []
    for number, header in enumerate(HEADERS):
        lines.append(f'module M{number} {{ header "{INCLUDE}/sluice/{header.path}" export * }}')
        structs = [i.name for i in header.items if i.kind == "struct"]
        uses.append(f"import M{number}\n" + (f"let u{number} = MemoryLayout<{structs[-1]}>.size\n" if structs else ""))
    (tmp_path / "module.modulemap").write_text("\n".join(lines) + "\n")
    (tmp_path / "use.swift").write_text("".join(uses))
    command = ["swiftc", "-typecheck", "-module-cache-path", str(tmp_path / "cache"), "-Xcc", f"-fmodule-map-file={tmp_path}/module.modulemap"]
    done = subprocess.run([*command, "-I", INCLUDE, str(tmp_path / "use.swift")], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr


def test_golden_is_current():
    assert list(abi.check(abi.ROOT)) == []


@pytest.mark.parametrize("old, new, wrong", [
    (["number SLUICE_OK 0"], ["number SLUICE_OK 1"], '"number SLUICE_OK 0" is promised and no longer true'),
    (["struct sluice_view 16"], ["struct sluice_view 16", "struct sluice_more 8"], '"struct sluice_more 8" is not in the golden'),
    (["id sluice.body/1 host"], [], '"id sluice.body/1 host" is promised and no longer true'),
])
def test_golden_can_fail(old, new, wrong):
    assert wrong in [f[2] for f in abi.check_golden(old, new)]


def test_drafts_may_change():
    assert list(abi.check_golden(["draft struct sluice_x 8"], [])) == []


def test_catalog_must_agree():
    with open(os.path.join(abi.ROOT, abi.CATALOG), encoding="utf-8") as f:
        listed = abi.catalog(f.read())
    assert len(listed) >= 23 and listed["sluice.filter/1"] == ("plugin", "released") and listed["sluice.dictionary/1"] == ("host", "draft")
    for name, facts in [("sluice.body/1", ("plugin", "released")), ("sluice.body/1", ("host", "draft")), ("sluice.no/1", ("host", "released"))]:
        assert len(list(abi.check_catalog(HEADERS, {**listed, name: facts}))) == 1


def test_what_the_parser_sees():
    header = abi_headers.parse("x.h", '/* Intro. */\n#define SLUICE_X_1 "sluice.x/1"\nenum { SLUICE_A = -2, /* first */ SLUICE_B = 3 };\n'
                               "typedef struct sluice_x_v1 {\n  /* sizeof as the plugin was compiled. */\n  uint32_t size;\n  uint32_t reserved;\n"
                               "  /* Does. [any] */\n  int32_t (*does)(void *a, int b);\n} sluice_x_v1;\n")
    assert header.intro == "Intro." and header.ids == {"SLUICE_X_1": "sluice.x/1"} and header.side("SLUICE_X_1") == "plugin"
    assert header.items[0].fields == [("SLUICE_A", "first", "-2"), ("SLUICE_B", "", "3")]
    assert header.items[1].fields[2] == ("does", "Does. [any]", "int32_t (*does)(void *a, int b)")
