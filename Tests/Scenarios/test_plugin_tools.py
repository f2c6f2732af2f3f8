"""`sluice plugin …` and `sluice abi` as a plugin author uses them: make, build, test, look at, sign, measure, and develop against a
running gateway."""

import base64
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from kit.fixtures import KEYS, built, compiled
from kit.gateway import BINARY, Gateway, route
from kit.rawclient import get
from kit.wait import until


def sluice(*words, status: int = 0, timeout: int = 120, **more):
    done = subprocess.run([str(BINARY), *map(str, words)], capture_output=True, text=True, timeout=timeout, **more)
    assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A new C plugin, built."""
    folder = tmp_path_factory.mktemp("author")
    sluice("plugin", "new", "my-plugin", "--lang", "c", cwd=folder)
    out = sluice("plugin", "build", "my-plugin", cwd=folder).stdout.splitlines()
    assert out[0] == str(folder / "my-plugin/my-plugin.so") and "may be loaded" in out[1]
    return folder / "my-plugin"


def test_a_new_plugin_passes_its_test_at_once(project):
    assert "my-plugin: passed" in sluice("plugin", "test", project).stderr
    assert {p.name for p in project.iterdir()} >= {"my_plugin.c", "my_plugin_test.c", "Makefile", "README.md", ".gitignore", "my-plugin.so"}
    assert "hello" not in (project / "Makefile").read_text()


@pytest.mark.timeout(500)
def test_a_new_swift_plugin_too(tmp_path):
    sluice("plugin", "new", "my-swift", "--lang", "swift", cwd=tmp_path)
    assert re.search(r"Test run with [1-9]\d* tests.* passed", sluice("plugin", "test", "my-swift", cwd=tmp_path, timeout=240).stderr)
    out = sluice("plugin", "build", "my-swift", cwd=tmp_path, timeout=240).stdout.splitlines()
    assert out[0] == str(tmp_path / "my-swift/my-swift.so") and "may be loaded" in out[1]
    assert sluice("plugin", "bench", out[0], "--requests", "10000").stdout.count("goes on") == 1


def test_a_failing_test_fails(project, tmp_path):
    copy = tmp_path / "broken"
    subprocess.run(["cp", "-r", project, copy], check=True)
    source = copy / "my_plugin.c"
    source.write_text(source.read_text().replace('SLUICE_VIEW("world")', 'SLUICE_VIEW("moon")'))
    assert re.search(r"my_plugin_test\.c:\d+: error: not true", sluice("plugin", "test", copy, status=1).stderr)
    source.write_text(source.read_text().replace("return edits", "return edit5"))
    assert re.search(r"my_plugin\.c:\d+:\d+: error: .*edit5", sluice("plugin", "build", copy, status=1).stderr)


@pytest.mark.parametrize("words, said", [
    (["new", "Bad Name"], "allowed"), (["new", "x", "--lang", "cobol"], "allowed: c, swift"), (["new", "9x"], "a letter first"),
    (["sign", "/nonexistent", "--key", "k"], "/nonexistent"), (["build", "/tmp"], "allowed"), (["bench", "/x", "--requests", "1"], "allowed"),
])
def test_wrong_words(tmp_path, words, said):
    done = subprocess.run([str(BINARY), "plugin", *words], capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert done.returncode in (1, 2) and said in done.stderr


def test_an_existing_folder_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    assert "exists" in sluice("plugin", "new", "mine", cwd=tmp_path, status=1).stderr
    assert list((tmp_path / "mine").iterdir()) == []


def test_inspect(project, tmp_path):
    text = sluice("plugin", "inspect", built("key-auth")).stdout
    assert "may be loaded" in text and "phases        access" in text and "sha256" in text
    rows = sluice("plugin", "inspect", "--json", built("request-id"), project / "Makefile", status=1).stdout.splitlines()
    good, bad = map(json.loads, rows)
    assert good["verdict"] == "loadable" and good["language"] == "swift" and good["unload"] == "park" and good["manifest"]["name"] == "request-id"
    assert bad["verdict"] == "refused" and "not an ELF file" in bad["problems"][0]
    source = (project / "my_plugin.c").read_text()
    for need, word in (("sluice.dictionary/1", "a draft that no host serves"), ("sluice.teleport/1", "does not have")):
        file = compiled(tmp_path, "needy", source.replace("sluice.request-edit/1", need))
        assert word in sluice("plugin", "inspect", file, status=1).stdout


def test_inspect_runs_nothing(tmp_path):
    trace = tmp_path / "trace"
    source = (Path(built("key-auth")).parents[2] / "SDK/Templates/c/hello.c").read_text()
    boom = f'#include <fcntl.h>\n__attribute__((constructor)) static void boom(void) {{ open("{trace}", O_CREAT, 0600); __builtin_trap(); }}\n'
    assert "may be loaded" in sluice("plugin", "inspect", compiled(tmp_path, "boom", source + boom)).stdout
    assert not trace.exists()


def test_signatures(project, tmp_path):
    sluice("plugin", "keygen", "key", cwd=tmp_path)
    sluice("plugin", "keygen", "other", cwd=tmp_path)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert "File exists" in sluice("plugin", "keygen", "key", cwd=tmp_path, status=1).stderr
    file = tmp_path / "x.so"
    file.write_bytes((project / "my-plugin.so").read_bytes())
    assert sluice("plugin", "sign", file, "--key", tmp_path / "key.pem").stdout.strip() == f"{file}.sig"
    raw = base64.b64decode((tmp_path / "x.so.sig").read_text(), validate=False)
    assert len(raw) == 64
    public = tmp_path / "key.pub.pem"
    assert "good signature" in sluice("plugin", "verify", file, "--key", public).stdout
    der = base64.b64decode("".join(public.read_text().splitlines()[1:-1]))
    (tmp_path / "raw.key").write_text(base64.b64encode(der[-32:]).decode())
    (tmp_path / "raw.sig").write_bytes(raw)
    sluice("plugin", "verify", file, "--key", tmp_path / "raw.key", "--signature", tmp_path / "raw.sig")
    # OpenSSL's own tool says the same.
    checked = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", file, "-sigfile", tmp_path / "raw.sig"],
                             capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0, checked.stderr
    assert "is not the signature" in sluice("plugin", "verify", file, "--key", tmp_path / "other.pub.pem", status=1).stderr
    assert "no Ed25519 secret key" in sluice("plugin", "sign", file, "--key", public, status=1).stderr
    assert "no Ed25519 public key" in sluice("plugin", "verify", file, "--key", tmp_path / "key.pem", status=1).stderr
    file.write_bytes(file.read_bytes() + b"x")
    assert "is not the signature" in sluice("plugin", "verify", file, "--key", public, status=1).stderr


def test_bench(project):
    config = json.dumps(KEYS)
    text = sluice("plugin", "bench", built("key-auth"), "--config", config, "-H", "X-Api-Key: secret-1", "--requests", "20000").stdout
    assert re.search(r"^access +\d+(\.\d)? +\d+(\.\d)? +\d+(\.\d)? +goes on$", text, re.M), text
    rows = json.loads(sluice("plugin", "bench", built("key-auth"), "--config", config, "--requests", "20000", "--json").stdout)["phases"]
    assert [r["phase"] for r in rows] == ["access"] and rows[0]["note"] == "answers 401" and 0 < rows[0]["median_ns"] < 100_000
    assert "keyz" in sluice("plugin", "bench", built("key-auth"), "--config", '{"keyz": 1}', status=1).stderr
    assert "no HTTP" in sluice("plugin", "bench", project / "my-plugin.so", "--path", "no path", status=1).stderr


def test_bench_of_hooks_that_wait(shared_origin):
    """A content hook on a fiber, and a Swift hook that awaits an HTTP service: figures for both, time waited beside them."""
    def rows(name, config, *more):
        text = sluice("plugin", "bench", built(name), "--config", json.dumps(config), "--requests", "1100", "--json", *more).stdout
        return {row["phase"]: row for row in json.loads(text)["phases"]}
    content = rows("ticker", {"count": 2, "pause_ms": 5})["content"]
    assert content["note"] == "answers 200, 40 bytes" and content["median_ns"] > 0 and 10 <= content["waits_ms"] < 500
    asks = {"url": f"http://{shared_origin.address}/{{}}", "key_header": "x-user", "headers": {"X-Seen": "origin"}, "keep_ms": 0}
    awaited = rows("http-enrich", asks, "-H", "X-User: anna")["access"]
    assert awaited["note"] == "goes on" and awaited["median_ns"] > 0 and awaited["waits_ms"] > 0
    kept = rows("http-enrich", {**asks, "keep_ms": 60000}, "-H", "X-User: anna")["access"]
    assert kept["note"] == "goes on" and 0 < kept["lowest_ns"] < awaited["lowest_ns"]
    table = sluice("plugin", "bench", built("cookie-router"), "--config", '{"cookie": "group", "clusters": {"beta": "demo"}}').stdout
    assert "WAITS MS" in table and "routing" in table


def test_abi(gateway):
    text = sluice("abi").stdout
    assert re.search(r"^sluice\.filter/1 +plugin +released +filter\.h$", text, re.M) and re.search(r"^sluice\.dictionary/1 +host +draft", text, re.M)
    told = json.loads(sluice("abi", "--json").stdout)
    assert gateway.admin("GET", "/v1/abi").json == told
    assert {e["status"] for e in told["extensions"]} <= {"released", "draft", "deprecated"} and len(told["extensions"]) >= 20


@pytest.mark.timeout(180)
def test_dev_replaces_on_every_save(shared_origin, origin, project, tmp_path):
    folder = tmp_path / "my-plugin"
    subprocess.run(["cp", "-r", project, folder], check=True)
    source = folder / "my_plugin.c"
    with Gateway(to=shared_origin, plugins_api="local", plugins=[{"name": "my-plugin", "path": str(project / "my-plugin.so")}],
                 routes=[route("all", "/*", plugins=[{"name": "my-plugin"}])]) as gateway, open(tmp_path / "out", "w+") as out:
        dev = subprocess.Popen([str(BINARY), "plugin", "dev", str(folder), "--gateway", f"http://127.0.0.1:{gateway.admin_port}"], stdout=out, stderr=out)

        def said(text):
            return text in (tmp_path / "out").read_text()

        def seen():
            origin.forget()
            get(gateway.port, "/")
            return origin.seen[0].get("X-Hello")
        try:
            until(lambda: said("runs as generation 2"), 60, "the first build to be loaded")
            for number, word in enumerate(("moon", "mars"), 3):
                source.write_text(re.sub(r'SLUICE_VIEW\("(world|moon)"\)', f'SLUICE_VIEW("{word}")', source.read_text()))
                saved = time.monotonic()
                until(lambda: said(f"runs as generation {number}"), 60, f"generation {number}")
                assert seen() == word, time.monotonic() - saved
            source.write_text(source.read_text().replace("return edits ?", "return edit5 ?"))
            until(lambda: re.search(r"my_plugin\.c:\d+:\d+: error:", (tmp_path / "out").read_text()), 60, "the compiler's error")
            assert seen() == "mars"
            source.write_text(source.read_text().replace("return edit5 ? SLUICE_OK : SLUICE_ENOTFOUND", "return SLUICE_EFAULT + !edits"))
            until(lambda: said("init refused"), 60, "the gateway's refusal")
            assert seen() == "mars" and dev.poll() is None
        finally:
            dev.send_signal(signal.SIGINT)
            dev.wait(20)
    assert os.path.exists(folder / "my-plugin.so")
