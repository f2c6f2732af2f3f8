"""`sluice check`: every error at once, each with file, line, column, path, what was found and what is allowed.

The files are written with real YAML text because positions are the point.
"""

import json
import re

import pytest
from kit.gateway import ROOT, sluice

GOOD = """\
version: 1
listeners:
  - address: 127.0.0.1:18080
clusters:
  - id: demo
    targets:
      - { address: 127.0.0.1:18090 }
routes:
  - id: all
    match: { paths: ["/*"] }
    action: { cluster: demo }
"""


def check(tmp_path, text: str, env=None, *arguments):
    file = tmp_path / "sluice.yaml"
    file.write_text(text)
    return sluice("check", *arguments, file, env=env), file


def errors(result, file) -> list:
    """(line, column, rest) of each reported error."""
    pattern = re.compile(rf"^(?:{re.escape(str(file))}):(\d+):(\d+): (.*)$", re.M)
    return [(int(line), int(column), rest) for line, column, rest in pattern.findall(result.stdout + result.stderr)]


def test_good_file(tmp_path):
    result, _ = check(tmp_path, GOOD)
    assert result.returncode == 0, result


def test_bundled_example():
    result = sluice("check", ROOT / "docs/example.yaml")
    assert result.returncode == 0, result


# old text, new text, line and column of the error, words that must be in it
ONE = [
    ("version: 1", "version: 2", (1, 10), ["version", "2", "1"]),
    ("listeners:", "listners:", (2, 1), ["listners", "did you mean", "listeners"]),
    ("127.0.0.1:18080", "127.0.0.1:99999", (3, 14), ["listeners[0].address", "99999"]),
    ("127.0.0.1:18080", "127.0.0.1", (3, 14), ["listeners[0].address", "127.0.0.1"]),
    ("{ cluster: demo }", "{ cluster: dmeo }", (11, 24), ["routes[0].action.cluster", "dmeo", "did you mean", "demo"]),
    ("match: { paths: [\"/*\"] }", "match: { paths: [\"no-slash\"] }", (10, 22), ["routes[0].match.paths[0]", "no-slash"]),
    ("match: { paths: [\"/*\"] }", "match: { hosts: [\"bad host\"] }", (10, 22), ["routes[0].match.hosts[0]", "bad host"]),
    ("    action: { cluster: demo }", "    action: { cluster: demo, respond: { status: 200 } }", (11, 0), ["routes[0].action"]),
    ("    action: { cluster: demo }", "    action: { respond: { status: 99 } }", (11, 34), ["routes[0].action.respond.status", "99"]),
    (
        "    action: { cluster: demo }", "    action: { respond: { status: 200, headers: { \"X Y\": a } } }", (11, 0),
        ["routes[0].action.respond.headers"],
    ),
    ("    action: { cluster: demo }", "    action: { redirect: { location: \"/x\", status: 200 } }", (11, 0), ["redirect.status"]),
    ("routes:", "timeouts: { head: 10 }\nroutes:", (8, 19), ["timeouts.head", "10", "10s"]),
    ("routes:", "timeouts: { head: fast }\nroutes:", (8, 19), ["timeouts.head", "fast"]),
    ("routes:", "limits: { head_bytes: 12 }\nroutes:", (8, 23), ["limits.head_bytes", "12"]),
    ("routes:", "limits: { body_bytes: 5 apples }\nroutes:", (8, 23), ["limits.body_bytes", "5 apples"]),
    ("routes:", "forwarded: { trusted: [10.0.0.0/33] }\nroutes:", (8, 24), ["forwarded.trusted[0]", "10.0.0.0/33"]),
    ("routes:", "admin: { listen: 0.0.0.0:18082 }\nroutes:", (8, 18), ["admin.listen", "0.0.0.0:18082", "oopback"]),
    ("routes:", "admin: { listen: 192.0.2.1:18082 }\nroutes:", (8, 18), ["admin.listen", "oopback"]),
    ("routes:", "log: { level: loud }\nroutes:", (8, 15), ["log.level", "loud", "warn"]),
    ("routes:", "log: { access: { format: combined } }\nroutes:", (8, 0), ["log.access", "path"]),
    ("routes:", "workers: many\nroutes:", (8, 10), ["workers", "many", "auto"]),
    ("routes:", "workers: 0\nroutes:", (8, 10), ["workers", "0"]),
    ("routes:", "plugins: [{ name: nobody, path: /nowhere/x.so }]\nroutes:", (8, 0), ["plugins[0].path", "/nowhere/x.so"]),
    ("routes:", "global_plugins: [{ name: nobody }]\nroutes:", (8, 26), ["global_plugins[0].name", "nobody"]),
    ("routes:", "clusters: []\nroutes:", (8, 1), ["clusters", "twice"]),
    ("  - id: all", "  - id: all\n    action: { cluster: demo }\n  - id: all", (11, 9), ["routes[1].id", "all", "twice"]),
    ("      - { address: 127.0.0.1:18090 }", "      - { address: name.invalid:80 }", (7, 20), ["clusters[0].targets[0].address", "name.invalid"]),
    ("      - { address: 127.0.0.1:18090 }", "      - { address: 127.0.0.1:18090, weight: 0 }", (7, 45), ["clusters[0].targets[0].weight", "0"]),
    ("  - address: 127.0.0.1:18080", "  - address: 127.0.0.1:18080\n  - address: \"*:18080\"", (4, 14), ["listeners[1].address", "overlaps"]),
    ("version: 1", "version: 1\nversion: 1", (2, 1), ["version", "twice"]),
    ("listeners:", "listeners: [\n  {", (0, 0), []),
    ("version: 1", "\tversion: 1", (0, 0), []),
    ("demo }\n", "demo }\n    limits: { body_bytes: -1 }\n", (12, 27), ["routes[0].limits.body_bytes", "-1"]),
]


@pytest.mark.parametrize("old,new,place,words", ONE, ids=[case[1].strip()[:60] for case in ONE])
def test_one_error(tmp_path, old, new, place, words):
    """`place` (0 = not pinned down) and every word must be in one and the same error."""
    assert old in GOOD
    result, file = check(tmp_path, GOOD.replace(old, new, 1))
    assert result.returncode == 1, result
    found = errors(result, file)
    assert found, result
    fitting = [
        one for one in found if place[0] in (0, one[0]) and place[1] in (0, one[1]) and all(word in one[2] for word in words)
    ]
    assert fitting, f"none of these is at {place} with {words}: {found}"


def test_unknown_method_is_an_error_with_a_suggestion(tmp_path):
    result, file = check(tmp_path, GOOD.replace('{ paths: ["/*"] }', '{ paths: ["/*"], methods: [GET, GTE, "BAD METHOD"] }'))
    assert result.returncode == 1
    assert any("routes[0].match.methods[2]" in rest for _, _, rest in errors(result, file)), result


def test_all_errors_at_once(tmp_path):
    text = """\
version: 3
lisseners:
  - address: nowhere
clusters:
  - id: a
    targets: []
  - id: a
    targets: [{ address: 127.0.0.1:1, wait: 3 }]
timeouts: { head: soon, idle: 1s }
routes:
  - id: x
    action: { cluster: b }
  - action: { respond: { status: 20 } }
"""
    result, file = check(tmp_path, text)
    assert result.returncode == 1
    lines = {line for line, _, _ in errors(result, file)}
    assert {1, 2, 6, 7, 8, 9, 12, 13} <= lines, result.stderr
    assert all(column >= 1 for _, column, _ in errors(result, file))


def test_json_output(tmp_path):
    result, _ = check(tmp_path, GOOD.replace("version: 1", "version: 9"), None, "--json")
    report = json.loads(result.stdout)
    assert result.returncode == 1 and not report["good"]
    assert [(one["line"], one["column"], one["path"]) for one in report["errors"]] == [(1, 10, "version")]


def test_environment_variables(tmp_path):
    text = GOOD.replace("127.0.0.1:18090", '"${SLUICE_T_HOST}:${SLUICE_T_PORT:-18090}"')
    assert check(tmp_path, text, {"SLUICE_T_HOST": "127.0.0.1"})[0].returncode == 0
    result, file = check(tmp_path, text)
    assert result.returncode == 1
    assert any(line == 7 and "SLUICE_T_HOST" in rest for line, _, rest in errors(result, file)), result
    result, file = check(tmp_path, text, {"SLUICE_T_HOST": "127.0.0.1", "SLUICE_T_PORT": "70000"})
    assert any(line == 7 for line, _, _ in errors(result, file)), result


def test_environment_cannot_smuggle_structure(tmp_path):
    """Substitution happens inside scalars after parsing: a value with YAML in it stays one value."""
    text = GOOD.replace("id: demo", "id: ${SLUICE_T_ID}").replace("cluster: demo", "cluster: demo")
    result, _ = check(tmp_path, text, {"SLUICE_T_ID": "demo\nworkers: 7"})
    assert result.returncode == 1


@pytest.mark.parametrize("text", [
    "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n",
    "[" * 10_000, "{a: " * 5_000, "- " * 20_000, "\0\0\0", "\xff\xfe", "--- 1\n--- 2\n", "!!python/object:os.system {}\n", "a: " + "x" * 3_000_000,
], ids=["bomb", "deep list", "deep map", "deep sequence", "NULs", "no UTF-8", "two documents", "tag", "long scalar"])
def test_hostile_files_are_refused_quickly(tmp_path, text):
    file = tmp_path / "hostile.yaml"
    file.write_bytes(text.encode("latin-1"))
    result = sluice("check", file, timeout=10)
    assert result.returncode == 1, result
    assert "hostile.yaml" in result.stderr and len(result.stderr) < 200_000


def test_missing_file(tmp_path):
    result = sluice("check", tmp_path / "none.yaml")
    assert result.returncode == 1 and "none.yaml" in result.stderr


def test_help_and_version():
    for arguments in (("--help",), ("run", "--help"), ("check", "--help"), ("reload", "--help"), ("version",)):
        assert sluice(*arguments).returncode == 0
    assert sluice("chekc").returncode != 0


def test_schema_is_json(tmp_path):
    schema = json.loads(sluice("schema").stdout)
    assert "json-schema.org" in schema["$schema"] and "listeners" in schema["properties"]
