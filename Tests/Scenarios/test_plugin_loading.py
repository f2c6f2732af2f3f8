"""Loading, replacing and unloading plugins through the admin API while traffic flows (`plugins_api: local`).

Every refusal must leave everything as it was. The proof that a C plugin is really gone is /proc/PID/maps.
"""

import os
import shutil
import signal
import time

import pytest
from kit.fixtures import KEYS, built, compiled, copy, mapped, plugin
from kit.gateway import ROOT, Gateway, route
from kit.load import Load
from kit.rawclient import get
from kit.wait import until

REPLACEMENTS = 100


@pytest.fixture
def gateway(shared_origin, origin):
    with Gateway(
        to=shared_origin, workers=2, plugins_api="local", plugins=[plugin("key-auth")], allow="refused|cannot",
        routes=[route("private", "/private/*", plugins=[{"name": "key-auth", "config": KEYS}]), route("everything", "/*")],
    ) as gateway:
        yield gateway


def plugins(gateway) -> dict:
    answer = gateway.admin("GET", "/v1/plugins")
    assert answer.status == 200, answer
    return {one["name"]: one for one in answer.json["plugins"]}


def still_works(gateway):
    assert get(gateway.port, "/private/x").status == 401
    assert get(gateway.port, "/private/x", "X-Api-Key: secret-1").status == 200


def test_list_and_one(gateway):
    still_works(gateway)
    listed = plugins(gateway)
    assert set(listed) == {"key-auth"}
    one = listed["key-auth"]
    assert one["routes"] == ["private"] and len(one["sha256"]) == 64 and one["generation"] >= 1
    assert sum(phase["calls"] for phase in one["phases"].values()) >= 2
    assert gateway.admin("GET", "/v1/plugins/key-auth").json["name"] == "key-auth"
    assert gateway.admin("GET", "/v1/plugins/key-aut").status == 404


def test_load_of_a_new_one(gateway):
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(built("header-transform"))})
    assert answer.status == 200, answer
    assert (answer.json["name"], len(answer.json["workers"])) == ("header-transform", 2)
    assert set(plugins(gateway)) == {"key-auth", "header-transform"}
    answer = gateway.admin("DELETE", "/v1/plugins/header-transform")
    assert answer.status == 200, answer
    assert set(plugins(gateway)) == {"key-auth"}
    for pid in gateway.workers():
        until(lambda: not mapped(pid, "header-transform"), 3, "the library to be unmapped")
    still_works(gateway)


def test_dry_run_changes_nothing(gateway):
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(built("header-transform")), "dry_run": True})
    assert answer.status == 200 and answer.json["name"] == "header-transform", answer
    assert set(plugins(gateway)) == {"key-auth"}


@pytest.mark.timeout(240)
def test_a_hundred_replacements_without_one_failed_request(gateway, tmp_path, measure):
    with Load(gateway.port, connections=4, target="/private/x", lines=["X-Api-Key: secret-1"]) as good, \
            Load(gateway.port, connections=2, target="/private/x", status=401) as bad:
        time.sleep(0.3)
        begun, generation = time.monotonic(), plugins(gateway)["key-auth"]["generation"]
        for number in range(REPLACEMENTS):
            file = copy("key-auth", tmp_path, str(number))
            answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(file), "name": "key-auth"})
            assert answer.status == 200, answer
            assert answer.json["generation"] > generation
            generation = answer.json["generation"]
            file.unlink()
        took = time.monotonic() - begun
        results = [good.stop(), bad.stop()]
    assert [result.failures for result in results] == [[], []]
    measure(f"{REPLACEMENTS} replacements of key-auth under load: each", took / REPLACEMENTS)
    measure("slowest request meanwhile", max(result.slowest for result in results))
    measure("requests served meanwhile", sum(result.ok for result in results), "requests")
    for pid in gateway.workers():
        until(lambda: len(mapped(pid, "key-auth")) == 1, 5, "all but the last generation to be unmapped")
    still_works(gateway)


def test_swift_plugin_is_replaced_and_parked(shared_origin, origin, tmp_path):
    """A Swift generation is never unmapped (docs: parked); replacing it still works and ids stay unique."""
    with Gateway(to=shared_origin, plugins_api="local", plugins=[plugin("request-id")], global_plugins=[{"name": "request-id"}]) as gateway:
        seen = set()
        for number in range(5):
            file = copy("request-id", tmp_path, str(number))
            answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(file), "name": "request-id"})
            assert answer.status == 200, answer
            seen.add(get(gateway.port).get("X-Request-Id"))
        assert len(seen) == 5 and None not in seen


NO_ENTRY = "int nothing_here;\n"


def bad_files(folder) -> dict:
    real = built("key-auth").read_bytes()
    files = {
        "text.so": b"no library\n", "empty.so": b"", "half.so": real[: len(real) // 2], "head.so": real[:64], "elf-only.so": b"\x7fELF" + b"\0" * 200,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    shutil.copyfile(compiled(folder, "no-entry", NO_ENTRY), folder / "entryless.so")
    return {name: folder / name for name in [*files, "entryless.so"]}


@pytest.mark.parametrize("name", ["text.so", "empty.so", "half.so", "head.so", "elf-only.so", "entryless.so", "missing.so", "folder"])
def test_bad_library_is_refused_and_nothing_changed(gateway, tmp_path, name):
    path = {**bad_files(tmp_path), "missing.so": tmp_path / "missing.so", "folder": tmp_path}[name]
    before, revision = plugins(gateway), gateway.admin("GET", "/v1/status").json["revision"]
    for body in ({"path": str(path)}, {"path": str(path), "name": "key-auth"}):
        answer = gateway.admin("POST", "/v1/plugins/load", body)
        assert answer.status == 422, answer
        assert answer.headers["Content-Type"].startswith("application/problem+json") and answer.json["detail"]
    after = plugins(gateway)
    assert {key: value["generation"] for key, value in after.items()} == {key: value["generation"] for key, value in before.items()}
    assert gateway.admin("GET", "/v1/status").json["revision"] == revision
    still_works(gateway)


def hello(folder, name: str = "hello", old: str = "", new: str = ""):
    """The C template of the SDK, built as it is or with one change."""
    source = (ROOT / "SDK/Templates/c/hello.c").read_text()
    assert old in source
    return compiled(folder, name, source.replace(old, new) if old else source)


def test_template_of_the_sdk_loads_and_can_be_bound(gateway, origin, tmp_path):
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(hello(tmp_path))})
    assert answer.status == 200, answer
    gateway.write(routes=[route("everything", "/*", plugins=[{"name": "hello"}])])
    assert gateway.admin("POST", "/v1/reload").status == 200
    assert get(gateway.port).status == 200
    assert origin.seen[0].get("X-Hello") == "world"


FAULTS = {
    "init that refuses": ("return edits ? SLUICE_OK : SLUICE_ENOTFOUND;", "return SLUICE_ENOTFOUND;", "hello"),
    "no such phase": ('[\\"rewrite\\"]', '[\\"rewritten\\"]', "rewritten"),
    "phase without a hook": ('[\\"rewrite\\"]', '[\\"rewrite\\",\\"access\\"]', "access"),
    "major version 2": ('\\"abi\\":1', '\\"abi\\":2', "2"),
    "bad name": ('\\"name\\":\\"hello\\"', '\\"name\\":\\"He llo\\"', "name"),
    "need nobody has": ("sluice.request-edit/1", "sluice.teleport/1", "sluice.teleport/1"),
    "symbol nobody has": ("edits = host->get", "extern void nobody_has(void); nobody_has(); edits = host->get", "nobody_has"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_plugin_is_refused_with_its_fault(gateway, tmp_path, fault):
    old, new, word = FAULTS[fault]
    workers, before = gateway.workers(), plugins(gateway)
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(hello(tmp_path, "faulty", old, new))})
    assert answer.status == 422 and word in answer.body.decode(), answer
    assert plugins(gateway).keys() == before.keys()
    assert gateway.workers() == workers
    still_works(gateway)


@pytest.mark.parametrize("where", ["init", "constructor"])
def test_plugin_that_crashes_while_loading_is_refused(gateway, tmp_path, where):
    """Only the process that tries it dies of it; the answer names the step, the signal and the function."""
    crash = "__attribute__((constructor)) static void boom(void) { __builtin_trap(); }\nstatic int32_t init" if where == "constructor" else ""
    old, new = ("static int32_t init", crash) if crash else ("return edits ? SLUICE_OK : SLUICE_ENOTFOUND;", "return *(volatile int *)8;")
    before, revision = gateway.workers(), gateway.admin("GET", "/v1/status").json["revision"]
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(hello(tmp_path, "crashing", old, new))})
    assert answer.status == 422, answer
    said = answer.json["errors"][0]["detail"]
    wanted = ("probe: load crashed: SIGILL", "in boom+0x") if crash else ("probe: init crashed: SIGSEGV (no memory there) at 0x8", "in init+0x")
    assert all(words in said for words in wanted), said
    assert gateway.workers() == before
    assert gateway.admin("GET", "/v1/status").json["revision"] == revision
    assert set(plugins(gateway)) == {"key-auth"}
    still_works(gateway)


def test_plugin_that_hangs_while_loading_is_refused(gateway, tmp_path):
    """The process that tries it is killed after the deadline; no worker has seen the plugin."""
    hanging = hello(tmp_path, "hanging", "return edits ? SLUICE_OK : SLUICE_ENOTFOUND;", "for (volatile int i = 1; i;) {} return SLUICE_OK;")
    before = gateway.workers()
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(hanging)}, timeout=20)
    assert answer.status == 422 and "probe: init did not return within 5000 ms" in answer.body.decode(), answer
    assert gateway.workers() == before
    assert set(plugins(gateway)) == {"key-auth"}
    still_works(gateway)


def test_plugin_that_ends_the_process_while_loading_is_refused(gateway, tmp_path):
    leaving = hello(tmp_path, "leaving", "static int32_t init", "extern void _exit(int);\nstatic int32_t init")
    text = (tmp_path / "leaving.c").read_text().replace("return edits ? SLUICE_OK : SLUICE_ENOTFOUND;", "_exit(0);")
    before = gateway.workers()
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(compiled(tmp_path, "leaving-2", text))})
    assert answer.status == 422 and "probe: init ended the process" in answer.body.decode(), answer
    assert leaving.exists() and gateway.workers() == before


def test_plugin_that_crashes_at_the_end_of_the_process_is_refused(gateway, tmp_path):
    """A handler for the end of the process that lies in the unmapped file would crash each worker that drains; the trial ends as a worker does."""
    handler = """extern int on_exit(void (*)(int, void *), void *);
static void late(int status, void *data) { (void)status; (void)data; }
static int32_t init"""
    text = hello(tmp_path, "late", "static int32_t init", handler) and (tmp_path / "late.c").read_text()
    text = text.replace("return edits ? SLUICE_OK : SLUICE_ENOTFOUND;", "return on_exit(late, 0) ? SLUICE_ENOMEM : SLUICE_OK;")
    before = gateway.workers()
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(compiled(tmp_path, "late-2", text))})
    assert answer.status == 422 and "probe: exit crashed: SIGSEGV" in answer.body.decode(), answer
    assert gateway.workers() == before
    still_works(gateway)


def test_configuration_that_makes_the_plugin_crash_is_refused(gateway, tmp_path):
    """configure runs in the trial too: a reload with such a configuration touches no worker."""
    field = ".size = sizeof filter, .rewrite"
    source = (ROOT / "SDK/Templates/c/hello.c").read_text()
    configure = """static int32_t configure(void *state, sluice_view config, void **instance, sluice_error *error) {
  (void)state; (void)error;
  if (config.size > 2) *(volatile int *)16 = 1;
  return *instance = NULL, SLUICE_OK;
}
static int32_t init("""
    source = source.replace("static int32_t init(", configure, 1).replace(field, ".size = sizeof filter, .configure = configure, .rewrite")
    assert gateway.admin("POST", "/v1/plugins/load", {"path": str(compiled(tmp_path, "touchy", source))}).status == 200
    gateway.write(routes=[route("everything", "/*", plugins=[{"name": "hello", "config": {"a": 1}}])])
    before = gateway.workers()
    answer = gateway.admin("POST", "/v1/reload")
    assert answer.status == 422 and "probe: configure crashed: SIGSEGV" in answer.body.decode(), answer
    assert gateway.workers() == before
    still_works(gateway)


def test_another_plugin_under_this_name_is_refused(gateway):
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(built("header-transform")), "name": "key-auth"})
    assert answer.status == 422, answer
    still_works(gateway)


@pytest.mark.parametrize("body,status", [
    (b"", 400), (b"{", 400), (b"[]", 400), (b'{"path": 7}', 400), (b'{"path": "relative.so"}', 400), (b'{"pathh": "/x.so"}', 400), (b"{}", 400),
    (b'{"path":"/a","path":"/b"}', 400),
    (b'{"path": "/x\\u0000.so"}', 400), (b'{"path": "' + b"x" * (2 << 20) + b'"}', 413),
])
def test_bad_body(gateway, body, status):
    answer = gateway.admin("POST", "/v1/plugins/load", body)
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    still_works(gateway)


def test_wrong_content_type(gateway):
    answer = gateway.admin("POST", "/v1/plugins/load", b'{"name":"key-auth"}', content_type="text/plain")
    assert answer.status == 415, answer


def test_unload_of_a_bound_plugin_is_refused(gateway):
    answer = gateway.admin("DELETE", "/v1/plugins/key-auth")
    assert answer.status == 409 and "private" in answer.body.decode(), answer
    still_works(gateway)


def test_unload_of_an_unknown_plugin(gateway):
    assert gateway.admin("DELETE", "/v1/plugins/nobody").status == 404


def test_loading_is_off_unless_configured(shared_origin, origin):
    with Gateway(to=shared_origin) as gateway:
        for method, path, body in (("POST", "/v1/plugins/load", {"path": str(built("key-auth"))}), ("DELETE", "/v1/plugins/key-auth", None)):
            assert gateway.admin(method, path, body).status == 403


def test_loaded_plugin_survives_a_control_restart(gateway):
    assert gateway.admin("POST", "/v1/plugins/load", {"path": str(built("header-transform"))}).status == 200
    gateway.allow += "|died of signal"
    before, control = plugins(gateway), gateway.control()
    os.kill(control, signal.SIGKILL)
    until(lambda: gateway.control() not in (None, control), 5, "the successor")
    until(lambda: gateway.is_healthy(), 10, "the admin API")
    assert {name: one["generation"] for name, one in plugins(gateway).items()} == {name: one["generation"] for name, one in before.items()}
    still_works(gateway)


@pytest.mark.parametrize("config,word", [
    ({"keys": "none"}, "keys"), ({"keys": [{"key": "", "consumer": "a"}]}, "key"), ({"keyz": []}, "keyz"),
    ({"keys": [{"key": "a", "consumer": "b"}], "header": "bad name"}, "header"),
])
def test_configuration_that_the_plugin_refuses(gateway, config, word):
    """A reload with it changes nothing and passes the plugin's own words on."""
    bad = [route("private", "/private/*", plugins=[{"name": "key-auth", "config": config}]), route("everything", "/*")]
    gateway.write(routes=bad)
    answer = gateway.admin("POST", "/v1/reload")
    assert answer.status == 422, answer
    assert "key-auth" in answer.body.decode() and word in answer.body.decode()
    still_works(gateway)


def test_start_with_a_configuration_that_the_plugin_refuses(shared_origin):
    said = Gateway(to=shared_origin, plugins=[plugin("key-auth")], global_plugins=[{"name": "key-auth", "config": {"keys": 1}}]).refused()
    assert "key-auth" in said and "keys" in said


def test_file_may_change_after_loading(gateway, tmp_path):
    """The gateway loads a private copy: overwriting or removing the given file does no harm."""
    file = copy("key-auth", tmp_path, "mine")
    assert gateway.admin("POST", "/v1/plugins/load", {"path": str(file), "name": "key-auth"}).status == 200
    file.write_bytes(b"\0" * 50_000)
    still_works(gateway)
    file.unlink()
    still_works(gateway)
    for pid in gateway.workers():
        assert not mapped(pid, str(tmp_path))
