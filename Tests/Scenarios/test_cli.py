"""The command line against a running gateway: what it prints for people and for programs, and what it ends with."""

import json
import os
import subprocess

import pytest
from kit.gateway import BINARY, Gateway, cluster, route
from kit.ports import free_port


def run(*words, status: int = 0, input: str | None = None, **env):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_T") and name != "SLUICE_ADMIN"}
    done = subprocess.run([str(BINARY), *map(str, words)], capture_output=True, text=True, timeout=60, env={**kept, **env}, input=input)
    assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def running(shared_origin):
    """Routes of every sort, and a second cluster with two targets."""
    routes = [
        route("everything", "/*"),
        route("users", "/users/{id}", to="pair", match={"hosts": ["api.example.com"], "methods": ["GET"]}),
        {"id": "old", "match": {"paths": ["/old"]}, "action": {"redirect": {"status": 301, "location": "/new"}}},
        route("hidden", "/secret", to="pair", match={"hosts": ["a.example"]}),
        {"id": "first", "match": {"paths": ["/secret"]}, "priority": 5, "action": {"respond": {"status": 200, "body": "x"}}},
    ]
    pair = {"id": "pair", "targets": [{"address": shared_origin.address, "weight": 3}, {"address": "127.0.0.1:9"}]}
    with Gateway(to=shared_origin, clusters=[cluster("origin", shared_origin.address), pair], routes=routes) as gateway:
        gateway.at = f"127.0.0.1:{gateway.admin_port}"
        yield gateway


def test_status_is_a_table_and_json(running):
    lines = run("status", "--admin", running.at).stdout.splitlines()
    assert lines[0].startswith("sluice ") and "revision 1" in lines[0]
    assert lines[1].split("\t")[:4] == ["WORKER", "PID", "STATE", "REVISION"]
    assert lines[2].split("\t")[:4] == ["0", str(running.workers()[0]), "running", "1"]
    assert json.loads(run("status", "--json", SLUICE_ADMIN=running.at).stdout)["workers"][0]["pid"] == running.workers()[0]
    assert "revision: 1" in run("status", "-o", "yaml", "-c", running.file).stdout


def test_explain_names_the_route_and_its_rivals(running):
    said = json.loads(run("explain", "GET http://api.example.com/users/7?x=1", "--admin", running.at, "--json").stdout)
    assert said["route"] == "users" and said["cluster"] == "pair"
    verdicts = {c["route"]: c["verdict"] for c in said["candidates"]}
    assert verdicts["users"] == "chosen" and verdicts["everything"] == "outranked"
    assert next(c for c in said["candidates"] if c["route"] == "users")["params"] == {"id": "7"}
    assert [(t["percent"], t["taken"]) for t in said["targets"]] == [(75, True), (25, False)]
    text = run("explain", "GET http://api.example.com/users/7", "--admin", running.at).stdout
    assert "✓ users" in text and "{id} = 7" in text and "cluster: pair" in text and "in turn, 1 of 4 requests" in text
    post = json.loads(run("explain", "POST http://api.example.com/users/7", "--admin", running.at, "--json").stdout)
    assert post["route"] == "everything"
    assert {c["route"]: c["verdict"] for c in post["candidates"]}["users"] == "method"
    assert json.loads(run("explain", "http://x/old", "--admin", running.at, "--json").stdout)["action"] == "301 → /new"


def test_explain_sends_nothing(running, shared_origin):
    shared_origin.forget()
    run("explain", "GET http://api.example.com/users/7", "-H", "x-beta: 1", "--from", "10.0.0.1", "--admin", running.at)
    assert not shared_origin.seen


def test_explain_refuses_what_is_no_request(running):
    for words in (["GET"] * 3, [""]):
        run("explain", " ".join(words), "--admin", running.at, status=2)
    assert "allowed: an IP address" in run("explain", "/", "--from", "here", "--admin", running.at, status=2).stderr
    assert running.admin("POST", "/v1/explain", {"urll": "/"}).status == 422
    assert running.admin("POST", "/v1/explain", b"{").status == 400


def test_lint_names_what_nothing_reaches(running, tmp_path):
    found = run("lint", running.file, status=1).stdout
    assert "routes/hidden (shadowed-route): no request reaches it: routes/first takes all of them first" in found
    assert found.startswith(str(running.file) + ":")
    assert "routes/hidden" in run("lint", "--admin", running.at, "--warn").stdout
    assert json.loads(run("lint", running.file, "--json", status=1).stdout)["findings"][0]["rule"] == "shadowed-route"
    good = tmp_path / "good.yaml"
    good.write_text("version: 1\nlisteners: [{ address: '127.0.0.1:1' }]\nroutes: [{ id: a, action: { respond: { status: 204 } } }]\n")
    assert "nothing to say" in run("lint", good).stdout
    good.write_text("version: 2\n")
    assert ":1:10: version:" in run("lint", good, status=1).stderr


def test_exit_codes(tmp_path):
    closed = f"127.0.0.1:{free_port()}"
    assert "connect to" in run("status", "--admin", closed, status=3).stderr
    run("status", "--no-such-option", status=2)
    run("get", "nothing", "--admin", closed, status=2)
    run("set", "route", "x", "--admin", closed, status=2)
    run("no-such-command", status=2)
    assert "chmod 600" in run("status", "--admin", closed, "--token-file", token(tmp_path, 0o644), status=1).stderr
    run("status", "--admin", closed, "--token-file", token(tmp_path, 0o600), status=3)
    assert "USAGE" in run("help").stdout


def token(folder, mode):
    file = folder / "token"
    file.write_text("abc\n")
    file.chmod(mode)
    return file


def test_workers_are_recycled(shared_origin):
    with Gateway(to=shared_origin) as gateway:
        assert run("workers", "recycle", "-c", gateway.file).stdout == "1 worker is being replaced\n"


def test_completion_of_every_shell(tmp_path):
    for shell, word in (("bash", "complete -"), ("zsh", "#compdef sluice"), ("fish", "complete -c")):
        script = run("completion", shell).stdout
        assert word in script and "explain" in script
        if shell == "bash":
            file = tmp_path / "sluice.bash"
            file.write_text(script)
            subprocess.run(["bash", "-n", file], check=True, timeout=10)
    run("completion", "tcsh", status=2)


def test_policies_from_birth_to_rollback(shared_origin, tmp_path):
    with Gateway(to=shared_origin) as gateway:
        def cli(*words, **more):
            return run(*words, "--admin", f"127.0.0.1:{gateway.admin_port}", **more)
        assert cli("get", "routes").stdout.splitlines()[1].split("\t")[:2] == ["everything", "0"]
        tea = tmp_path / "tea.yaml"
        tea.write_text("match: { paths: [/tea] }\naction: { respond: { status: 418, body: teapot } }\n")
        assert "+++ routes/tea" in cli("set", "route", "tea", "-f", tea, "--dry-run").stdout
        assert cli("set", "route", "tea", "-f", tea, "--comment", "tea time").stdout.startswith("+ routes/tea\nrevision 2: 1 created\n")
        assert cli("set", "route", "tea", "priority=7", "match.methods=[GET, HEAD]").stdout.startswith("~ routes/tea\n")
        one = json.loads(cli("get", "route", "tea", "--json").stdout)
        assert one["priority"] == 7 and one["match"]["methods"] == ["GET", "HEAD"]
        assert [r["id"] for r in json.loads(cli("get", "routes", "--filter", "cluster=origin", "--json").stdout)["routes"]] == ["everything"]
        tea.write_text("routes:\n  - id: tea\n    match: { methods: [GTE] }\n    action: { respond: { status: 418 } }\n")
        refused = cli("apply", tea, status=1).stderr
        assert f"{tea}:3:" in refused and "known: GET HEAD" in refused
        dry = cli("set", "route", "tea", "priority=9", "--dry-run").stdout
        assert "-priority: 7\n+priority: 9\n" in dry and "revision 3 stays" in dry
        file = tmp_path / "all.yaml"
        cli("export", "-o", file)
        assert "nothing changes" in cli("apply", file, "--prune", "--dry-run").stdout
        odd = tmp_path / "odd.yaml"
        odd.write_text("clusters: [{ id: idle, targets: [{ address: '127.0.0.1:9' }] }]\n")
        assert "clusters/idle (unused-cluster)" in cli("apply", "-", "--dry-run", input=odd.read_text()).stderr
        cli("delete", "route", "tea")
        assert "+id: tea" in cli("diff", file).stdout
        assert "-id: tea" in cli("diff", 3).stdout
        rows = [line.split("\t") for line in cli("history").stdout.splitlines()]
        assert rows[0][0] == "REVISION" and rows[1][0] == "4" and ["tea time"] == [r[4] for r in rows if r[0] == "2"]
        assert "+ routes/tea" in cli("rollback", 3).stdout
        assert "goes back at" in cli("set", "route", "tea", "priority=1", "--confirm-within", "60s").stdout
        assert cli("confirm").stdout == "revision 6 stays\n"
        cli("rollback", 99, status=1)
        cli("get", "route", "nothing", status=1)


def test_rule_eval(running, tmp_path):
    assert run("rule", "eval", "1 + 1").stdout.startswith("2 : int")
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"method": "POST", "url": "http://a.example/x", "headers": {"X-Beta": "1"}, "from": "10.1.2.3"}))
    said = json.loads(run("rule", "eval", 'request.headers["x-beta"] == "1" && request.method == "GET"', "--request", file, "--json").stdout)
    assert said["value"] is False and said["type"] == "bool" and said["cost"] > 0
    assert "POST" in said["decided_by"]["found"]
    wrong = run("rule", "eval", "request.metod == 1", status=1).stderr
    assert "1:" in wrong and "^" in wrong
    assert "url" in run("rule", "eval", "true", "--request", "-", input='{"urll": "/"}', status=1).stderr
    api = running.admin("POST", "/v1/rules/eval", {"expression": "request.host", "request": {"url": "http://b.example/"}})
    assert api.status == 200 and api.json["value"] == "b.example"
    assert running.admin("POST", "/v1/rules/eval", {"expression": "1 +"}).status == 422
