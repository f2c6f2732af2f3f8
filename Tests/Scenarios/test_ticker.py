"""Plugins/ticker: a response that a plugin makes while it is sent, and clients that read it, do not read it, or leave."""

import signal
import time

import pytest
from kit.fixtures import plugin
from kit.gateway import Gateway, memory_kib, route
from kit.rawclient import Cut, RawClient, get
from kit.wait import until

HOST = b"Host: test.example\r\n"


@pytest.fixture(scope="module")
def ticking():
    def ticks(name: str, **config) -> dict:
        return route(name, f"/{name}", action={"cluster": None, "respond": {"status": 404}}, plugins=[{"name": "ticker", "config": config}])

    with Gateway(
        plugins=[plugin("ticker")],
        routes=[
            ticks("events", count=5, pause_ms=100), ticks("lines", count=3, pause_ms=10, format="lines"),
            ticks("endless", count=0, pause_ms=50, format="lines"), ticks("flood", count=0, pause_ms=0, format="lines"),
            ticks("long", count=100_000, pause_ms=0, format="lines"),
            route("plain", "/plain", action={"cluster": None, "respond": {"status": 200}}),
        ],
    ) as gateway:
        yield gateway


def test_events_come_one_by_one(ticking):
    with RawClient(ticking.port) as client:
        client.send(b"GET /events HTTP/1.1\r\n" + HOST + b"\r\n")
        head, times, text = client._head(), [], b""
        assert (head.status, head.get("Content-Type"), head.get("Cache-Control")) == (200, "text/event-stream", "no-store")
        while size := int(client._until(b"\r\n", "a chunk size"), 16):
            text += client._exactly(size, "a chunk")
            client._exactly(2, "the end of a chunk")
            times.append(time.monotonic())
    assert text == b"".join(b"id: %d\ndata: tick %d\n\n" % (n, n) for n in range(1, 6))
    assert len(times) == 5 and all(0.05 < later - earlier < 0.5 for earlier, later in zip(times, times[1:]))


def test_events_go_on_behind_the_last_seen(ticking):
    answer = get(ticking.port, "/events", "Last-Event-ID: 3")
    assert answer.body == b"id: 4\ndata: tick 4\n\nid: 5\ndata: tick 5\n\n"
    for odd in ("x", "-1", "99999999999999999999", ""):
        assert get(ticking.port, "/events", f"Last-Event-ID: {odd}").body.startswith(b"id: 1\n")


def test_lines_on_a_kept_connection(ticking):
    with RawClient(ticking.port) as client:
        for _ in range(3):
            client.send(b"GET /lines HTTP/1.1\r\n" + HOST + b"\r\n")
            answer = client.response()
            assert (answer.body, answer.chunked) == (b"tick 1\ntick 2\ntick 3\n", True)


def test_http_1_0_and_head(ticking):
    with RawClient(ticking.port) as client:
        client.send(b"GET /lines HTTP/1.0\r\n\r\n")
        answer = client.response()
        assert (answer.body, answer.chunked, answer.closes()) == (b"tick 1\ntick 2\ntick 3\n", False, True)
    answer = get(ticking.port, "/lines", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


def test_long_stream_is_complete(ticking):
    assert get(ticking.port, "/long").body == b"".join(b"tick %d\n" % n for n in range(1, 100_001))


def test_client_that_takes_nothing_parks_its_ticker_alone(ticking):
    """A flood to a client that does not read: bounded memory, and everybody else is served."""
    (worker,) = ticking.workers()
    with RawClient(ticking.port, receive_buffer=4096) as stuck:
        stuck.send(b"GET /flood HTTP/1.1\r\n" + HOST + b"\r\n")
        stuck._head()
        before = memory_kib(worker)
        for _ in range(10):
            assert get(ticking.port, "/plain").status == 200
            time.sleep(0.05)
        assert memory_kib(worker) - before < 2048
    until(lambda: get(ticking.port, "/plain").status == 200, 2, "an answer")


def test_tickers_of_clients_that_leave_end(ticking):
    """The admin API shows each as a blocker of the kind `fiber`, and none once the clients are gone."""

    def fibers() -> int:
        (generation,) = ticking.admin("GET", "/v1/plugins/ticker").json["generations"]
        return generation["blockers"].get("fiber", {"count": 0})["count"]

    clients = [RawClient(ticking.port) for _ in range(50)]
    for client in clients:
        client.send(b"GET /endless HTTP/1.1\r\n" + HOST + b"\r\n")
    for client in clients:
        assert client._head().status == 200
    assert fibers() >= 50
    for client in clients:
        client.socket.close()
    until(lambda: fibers() == 0, 5, "the fibers to go")


def test_stop_cuts_what_never_ends(ticking, tmp_path):
    """A drain waits for streams until its deadline, then they are cut, not closed as if complete."""
    with Gateway(
        plugins=[plugin("ticker")], timeouts={"drain": "1s"}, allow="drain|still",
        routes=[route("endless", "/endless", action={"cluster": None, "respond": {"status": 404}},
                      plugins=[{"name": "ticker", "config": {"count": 0, "pause_ms": 20, "format": "lines"}}])],
    ) as gateway:
        with RawClient(gateway.port) as client:
            client.send(b"GET /endless HTTP/1.1\r\n" + HOST + b"\r\n")
            client._head()
            gateway.signal(signal.SIGTERM)
            with pytest.raises(Cut):
                client._chunks()
        assert gateway.wait_end(6) == 0
