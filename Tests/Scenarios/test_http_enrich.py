"""Plugins/http-enrich with a real service: what it says arrives at the upstream, is remembered, and may be slow or gone without harm."""

import asyncio
import json
import threading
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from kit.behaviours import respond
from kit.fixtures import plugin
from kit.gateway import Gateway, route
from kit.load import Load
from kit.origin import Origin
from kit.rawclient import get

USERS = {
    "ann": {"name": "Ann", "plan": "gold", "age": 44, "admin": True, "tags": ["x"], "none": None},
    "bob": {"name": "Bob\r\nX-Evil: yes", "plan": "free"}, "a b/c": {"name": "Odd"},
}

ENRICH = {**plugin("http-enrich"), "capabilities": ["http_client"]}


async def users(exchange):
    await exchange.body()
    name = unquote(exchange.seen.target.removeprefix("/users/"))
    if name in USERS:
        await respond(exchange, 200, json.dumps(USERS[name]).encode(), "Content-Type: application/json")
    elif name == "slow":
        await asyncio.sleep(1)
        await respond(exchange, 200, b"{}")
    elif name in ("list", "half"):
        await respond(exchange, 200, b"[1]" if name == "list" else b'{"name": ')
    elif name == "huge":
        await respond(exchange, 200, b'{"name": "' + b"x" * 100_000 + b'"}')
    elif name == "broken":
        await respond(exchange, 500, b"{}")
    else:
        await respond(exchange, 404, b"{}")


@pytest.fixture(scope="module")
def service():
    with Origin("service") as service:
        service.on("/users")(users)
        yield service


@pytest.fixture
def asked(service):
    service.forget()
    service.on("/users")(users)
    return service


@pytest.fixture
def enriched(shared_origin, origin, asked):
    def bound(name: str, **config) -> dict:
        fields = {"X-Name": "name", "X-Plan": "plan", "X-Age": "age", "X-Admin": "admin", "X-Tags": "tags", "X-None": "none"}
        config = {"url": f"http://{asked.address}/users/{{}}", "key_header": "x-user", "headers": fields, "timeout_ms": 400, **config}
        return route(name, f"/{name}/*", plugins=[{"name": "http-enrich", "config": config}])

    with Gateway(
        to=shared_origin, plugins=[ENRICH], allow="http-enrich",
        routes=[bound("kept"), bound("brief", keep_ms=300), bound("never", keep_ms=0), bound("few", entries_max=4), route("plain", "/*")],
    ) as gateway:
        yield gateway


def test_answer_arrives_at_the_upstream(enriched, origin, asked):
    assert get(enriched.port, "/kept/x", "X-User: ann", "X-Name: forged", "X-Tags: forged").status == 200
    (seen,) = origin.seen
    assert [seen.get(name) for name in ("X-Name", "X-Plan", "X-Age", "X-Admin")] == ["Ann", "gold", "44", "true"]
    assert seen.get("X-Tags") is None and seen.get("X-None") is None
    assert asked.targets() == ["/users/ann"] and asked.seen[0].method == "GET"


def test_answers_are_remembered(enriched, origin, asked):
    for _ in range(3):
        for name, plan in (("ann", "gold"), ("nobody", None)):
            assert get(enriched.port, "/kept/x", f"X-User: {name}", "X-Plan: forged").status == 200
            assert origin.seen[-1].get("X-Plan") == plan
    assert asked.targets() == ["/users/ann", "/users/nobody"]


def test_not_for_ever(enriched, origin, asked):
    for pause in (0, 0, 0.4):
        time.sleep(pause)
        assert get(enriched.port, "/brief/x", "X-User: ann").status == 200
    assert len(asked.seen) == 2
    for _ in range(2):
        assert get(enriched.port, "/never/x", "X-User: ann").status == 200
    assert len(asked.seen) == 4


def test_not_without_bound(enriched, asked):
    """More keys than entries: the cache forgets, and goes on working."""
    for number in range(20):
        assert get(enriched.port, "/few/x", f"X-User: invented-{number}").status == 200
    assert get(enriched.port, "/few/x", "X-User: invented-19").status == 200
    assert len(asked.seen) == 20
    assert get(enriched.port, "/few/x", "X-User: invented-0").status == 200
    assert len(asked.seen) == 21


@pytest.mark.parametrize("key,target", [
    ("a b/c", "/users/a%20b%2Fc"), ("../admin", "/users/..%2Fadmin"), ("x?y=1#z", "/users/x%3Fy%3D1%23z"), ("ü", "/users/%C3%BC"),
    ("%41", "/users/%2541"),
])
def test_key_stays_in_its_place(enriched, asked, key, target):
    assert get(enriched.port, "/kept/x", f"X-User: {key}".encode().decode("latin-1")).status == 200
    assert asked.targets() == [target]


@pytest.mark.parametrize("lines", [[], ["X-User:"], ["X-User: " + "k" * 129], ["X-User: .."], ["X-User: ."]])
def test_without_a_key_nobody_is_asked(enriched, origin, asked, lines):
    assert get(enriched.port, "/kept/x", *lines, "X-Name: forged").status == 200
    assert origin.seen[0].get("X-Name") is None and asked.seen == []


def test_answer_cannot_smuggle_fields(enriched, origin):
    assert get(enriched.port, "/kept/x", "X-User: bob").status == 200
    (seen,) = origin.seen
    assert (seen.get("X-Name"), seen.get("X-Evil"), seen.get("X-Plan")) == (None, None, "free")


@pytest.mark.parametrize("name", ["broken", "list", "half", "huge", "slow"])
def test_failures_fail_the_request_and_are_not_remembered(enriched, origin, asked, name):
    begun = time.monotonic()
    for _ in range(2):
        assert get(enriched.port, "/kept/x", f"X-User: {name}").status == 500
    assert time.monotonic() - begun < 2 and origin.seen == []
    assert len(asked.wait_for(2)) == 2
    assert get(enriched.port, "/kept/x", "X-User: ann").status == 200


def test_slow_service_holds_nobody_else(enriched, asked):
    done = []
    waiting = [threading.Thread(target=lambda: done.append(get(enriched.port, "/never/x", "X-User: slow").status)) for _ in range(20)]
    for thread in waiting:
        thread.start()
    time.sleep(0.1)
    for _ in range(20):
        begun = time.monotonic()
        assert get(enriched.port, "/open").status == 200
        assert time.monotonic() - begun < 0.2
    for thread in waiting:
        thread.join()
    assert done == [500] * 20


def test_no_thread_is_ever_started(enriched, asked):
    (worker,) = enriched.workers()
    with Load(enriched.port, connections=8, target="/never/x", lines=["X-User: ann"]) as load:
        time.sleep(1)
        result = load.stop()
    assert result.failures == []
    assert len(list(Path(f"/proc/{worker}/task").iterdir())) == 1


def test_service_that_is_gone_and_returns(shared_origin, origin):
    """Kept connections that died are no failure once the service is there again."""
    with Origin("service") as service:
        service.on("/users")(users)
        config = {"url": f"http://{service.address}/users/{{}}", "key_header": "x-user", "headers": {"X-Name": "name"}, "keep_ms": 0}
        with Gateway(to=shared_origin, plugins=[ENRICH], global_plugins=[{"name": "http-enrich", "config": config}]) as gateway:
            for _ in range(3):
                assert get(gateway.port, "/x", "X-User: ann").status == 200
                service.drop_connections()
                time.sleep(0.05)


@pytest.mark.parametrize("change,word", [
    ({"url": "https://x/{}"}, "url"), ({"url": "http://x/"}, "url"), ({"url": "http://{}/"}, "url"), ({"url": None}, "url"), ({"headers": {}}, "headers"),
    ({"headers": {"bad name": "x"}}, "headers"), ({"key_header": ""}, "key_header"), ({"keep_ms": -1}, "keep_ms"), ({"timeout": 5}, "timeout"),
])
def test_bad_configuration(shared_origin, change, word):
    config = {"url": "http://127.0.0.1:1/{}", "key_header": "x-user", "headers": {"X-Name": "name"}, **change}
    config = {key: value for key, value in config.items() if value is not None}
    said = Gateway(to=shared_origin, plugins=[ENRICH], global_plugins=[{"name": "http-enrich", "config": config}]).refused()
    assert word in said and ("http-enrich" in said or "global_plugins[0].config" in said)
