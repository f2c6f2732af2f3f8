"""Changes while traffic flows: SIGHUP, `sluice reload`, POST /v1/reload; all or nothing, and nobody notices.

SLUICE_TEST_RELOADS sets the number of changes under load (default 500).
"""

import os
import re
import signal
import threading
import time

import pytest
from kit.gateway import Gateway, cluster, memory_kib, route, sluice
from kit.load import Load
from kit.origin import Origin
from kit.ports import free_port
from kit.rawclient import RawClient, get
from kit.wait import until

HOST = b"Host: test.example\r\n"
RELOADS = int(os.environ.get("SLUICE_TEST_RELOADS", "500"))


def says(text: str) -> list:
    return [route("said", "/said", action={"cluster": None, "respond": {"status": 200, "body": text}}), route("everything", "/*")]


@pytest.fixture
def changing(shared_origin):
    with Gateway(to=shared_origin, workers=2, routes=says("one"), allow="not read again|refused") as gateway:
        yield gateway


def test_hup_applies_a_changed_file(changing):
    changing.write(routes=says("two"))
    changing.signal(signal.SIGHUP)
    until(lambda: get(changing.port, "/said").body == b"two", 3, "the change")
    until(lambda: all(get(changing.port, "/said").body == b"two" for _ in range(8)), 1, "both workers")


def test_sluice_reload_returns_when_every_worker_runs_it(changing):
    changing.write(routes=says("two"))
    result = sluice("reload", "-c", changing.file)
    assert result.returncode == 0, result
    assert {get(changing.port, "/said").body for _ in range(12)} == {b"two"}


def test_answer_names_revision_and_workers(changing):
    before = changing.admin("GET", "/v1/status").json["revision"]
    changing.write(routes=says("two"))
    answer = changing.admin("POST", "/v1/reload")
    assert answer.status == 200 and answer.json["revision"] > before
    assert [worker["worker"] for worker in answer.json["workers"]] == [0, 1]
    status = changing.admin("GET", "/v1/status").json
    assert {worker["revision"] for worker in status["workers"]} == {answer.json["revision"]}


BAD = [("clusters: 7\n", "clusters"), ("version: 1\nlisteners: [\n", ""), ("version: 1\nlistners: []\n", "listners"), ("", "")]


@pytest.mark.parametrize("text,word", BAD, ids=["wrong types", "no YAML", "unknown key", "empty"])
def test_bad_file_changes_nothing_and_says_why(changing, text, word):
    revision = changing.admin("GET", "/v1/status").json["revision"]
    changing.write_text(text)
    result = sluice("reload", "-c", changing.file, "--admin", f"127.0.0.1:{changing.admin_port}")
    assert result.returncode == 1
    assert re.search(rf"{re.escape(str(changing.file))}:\d+:\d+: .*{word}", result.stderr), result.stderr
    changing.signal(signal.SIGHUP)
    until(lambda: "not read again" in changing.log(), 3, "the log line")
    assert get(changing.port, "/said").body == b"one"
    assert changing.admin("GET", "/v1/status").json["revision"] == revision
    answer = changing.admin("POST", "/v1/reload")
    assert answer.status == 422 and answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["errors"]


def test_file_that_is_gone(changing):
    changing.file.unlink()
    assert sluice("reload", "--admin", f"127.0.0.1:{changing.admin_port}").returncode == 1
    assert get(changing.port, "/said").body == b"one"


def test_request_in_flight_keeps_the_old_revision(changing, origin):
    """The old image lives until its last request ends: an upload begun before the change goes where it was going."""
    with RawClient(changing.port) as client:
        client.send(b"POST /up HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nhello")
        origin.wait_for(1)
        changing.write(routes=says("two")[:1])
        assert changing.admin("POST", "/v1/reload").status == 200
        client.send(b"world")
        assert client.response().status == 200
        client.send(b"GET /gone HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.response().status == 404, "the next request of that connection sees the change"


def test_new_cluster_and_targets(changing):
    with Origin("other") as other:
        changing.write(clusters=[cluster("origin", other.address)])
        assert changing.admin("POST", "/v1/reload").status == 200
        for _ in range(6):
            assert b'"other"' in get(changing.port, "/where").body
        assert len(other.seen) == 6


def test_listeners_come_and_go(changing):
    old, new = changing.config["listeners"], free_port()
    changing.write(listeners=[*old, {"address": f"127.0.0.1:{new}"}])
    assert changing.admin("POST", "/v1/reload").status == 200
    assert get(new, "/said").body == b"one"
    changing.write(listeners=old)
    assert changing.admin("POST", "/v1/reload").status == 200
    until(lambda: not answers(new), 3, "the old listener to be gone")
    assert get(changing.port, "/said").body == b"one"


def answers(port: int) -> bool:
    try:
        return get(port, "/said").status == 200
    except (OSError, AssertionError):
        return False


def test_listener_that_cannot_open_refuses_the_whole_change(changing, shared_origin):
    old = changing.config["listeners"]
    changing.write(listeners=[*old, {"address": shared_origin.address}], routes=says("two"))
    answer = changing.admin("POST", "/v1/reload")
    assert answer.status == 422 and shared_origin.address in answer.body.decode(), answer
    assert get(changing.port, "/said").body == b"one"


def test_limits_and_timeouts_change(changing):
    assert get(changing.port, "/said", "X-Big: " + "v" * 3000).status == 200
    changing.write(limits={"head_bytes": "2KiB", "target_bytes": "1KiB"})
    assert changing.admin("POST", "/v1/reload").status == 200
    assert get(changing.port, "/said", "X-Big: " + "v" * 3000).status == 431


@pytest.mark.timeout(240)
def test_many_changes_under_load_lose_nothing(shared_origin, measure):
    with Gateway(to=shared_origin, workers=2, routes=says("a")) as gateway:
        with Load(gateway.port, connections=4, target="/said") as said, Load(gateway.port, connections=2, target="/echo") as echoed:
            time.sleep(0.3)
            begun, first = time.monotonic(), None
            for number in range(RELOADS):
                gateway.write(routes=says("ab"[number % 2] * 10))
                answer = gateway.admin("POST", "/v1/reload")
                assert answer.status == 200, answer
                if number == RELOADS // 5:
                    first = [memory_kib(pid) for pid in gateway.workers()]
            took = time.monotonic() - begun
            last = [memory_kib(pid) for pid in gateway.workers()]
            results = [said.stop(), echoed.stop()]
        assert [result.failures for result in results] == [[], []]
        measure(f"{RELOADS} changes under load: each", took / RELOADS)
        measure("slowest request meanwhile", max(result.slowest for result in results))
        growth = max(after - before for before, after in zip(first, last))
        measure(f"worker memory growth over the last {RELOADS * 4 // 5} changes", growth, "KiB")
        assert growth < 1024, "images or sockets of old revisions are not given back"


def test_changes_from_two_sides_at_once(changing):
    """HUP and the API together: changes are one after the other, the last file wins, nothing is refused for being busy."""
    codes = []
    changing.write(routes=says("last"))
    threads = [threading.Thread(target=lambda: codes.append(changing.admin("POST", "/v1/reload").status)) for _ in range(6)]
    for thread in threads:
        thread.start()
        changing.signal(signal.SIGHUP)
    for thread in threads:
        thread.join(20)
    assert set(codes) <= {200, 503} and 200 in codes
    until(lambda: all(get(changing.port, "/said").body == b"last" for _ in range(6)), 5, "the change everywhere")
