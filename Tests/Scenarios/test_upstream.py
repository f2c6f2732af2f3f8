"""Upstream connections: reuse, retry, other targets, timeouts, pool limits, weights.

Malformed answers are in `test_upstream_garbage.py`. One worker everywhere, so that a pool is one pool.
"""

import asyncio
import socket
import threading
import time

import pytest
from kit.behaviours import respond
from kit.gateway import Gateway, cluster, route
from kit.origin import Origin
from kit.ports import free_port
from kit.rawclient import Cut, RawClient, get, once
from kit.wait import until

HOST = b"Host: test.example\r\n"


def dies_when_reused(origin, path: str, how: str):
    """The first request of a connection is answered; a later one makes the connection end without a byte of answer."""
    @origin.on(path)
    async def behaviour(exchange):
        if exchange.seen.index == 0:
            await exchange.body()
            await respond(exchange, 200, b"fine")
            return
        if how == "after the body":
            await exchange.body()
        if how == "reset":
            exchange.reset()
        exchange.keep = False


def test_connection_closed_while_idle(gateway, origin):
    for _ in range(10):
        assert get(gateway.port).status == 200
        origin.drop_connections()
    assert get(gateway.port).status == 200


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_reused_connection_that_dies_is_retried_once(gateway, origin, method, how):
    """RFC 9110 section 9.2.2: idempotent requests may be repeated; the client never notices."""
    origin.drop_connections()
    dies_when_reused(origin, "/fragile", how)
    assert get(gateway.port, "/fragile/1", method=method).status == 200
    assert get(gateway.port, "/fragile/2", method=method).status == 200
    assert origin.targets() == ["/fragile/1", "/fragile/2", "/fragile/2"]


@pytest.mark.parametrize("method,body", [("POST", b"hello"), ("PATCH", b"hello"), ("POST", b"z" * 300_000)])
def test_what_is_not_idempotent_is_not_repeated(gateway, origin, method, body):
    origin.drop_connections()
    dies_when_reused(origin, "/fragile", "after the body")
    assert get(gateway.port, "/fragile/1").status == 200
    raw = f"{method} /fragile/2 HTTP/1.1\r\n".encode() + HOST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    assert once(gateway.port, raw).status == 502
    assert origin.targets() == ["/fragile/1", "/fragile/2"], "the origin must have seen it once"


def test_retry_happens_once(gateway, origin):
    """When the new connection dies as well the client gets 502: no third try."""
    origin.drop_connections()

    @origin.on("/hopeless")
    async def behaviour(exchange):
        exchange.keep = False

    assert get(gateway.port, "/warm").status == 200
    assert get(gateway.port, "/hopeless").status == 502
    assert origin.targets() == ["/warm", "/hopeless", "/hopeless"]


def test_new_connection_that_dies_is_not_retried(gateway, origin):
    origin.drop_connections()

    @origin.on("/hopeless")
    async def behaviour(exchange):
        exchange.keep = False

    assert get(gateway.port, "/hopeless").status == 502
    assert origin.targets() == ["/hopeless"]


def test_no_retry_after_the_first_byte_of_an_answer(gateway, origin):
    @origin.on("/half")
    async def behaviour(exchange):
        await exchange.send(b"HTTP/1.1 200 O")
        exchange.keep = False

    assert get(gateway.port, "/warm").status == 200
    assert get(gateway.port, "/half").status == 502
    assert origin.targets() == ["/warm", "/half"]


def test_refused_target_gives_way_to_the_next(origin):
    dead = f"127.0.0.1:{free_port()}"
    with Gateway(clusters=[cluster("origin", dead, origin.address, connect_retries=1)], routes=[route("all", "/*")]) as gateway:
        assert [get(gateway.port, f"/{number}").status for number in range(20)] == [200] * 20
        body = b"q" * 100_000
        for _ in range(4):
            assert once(gateway.port, b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n" + body).status == 200
    assert all(seen.finished for seen in origin.seen)


def test_no_target_left_is_502_and_logged(origin):
    dead = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    with Gateway(clusters=[cluster("origin", *dead)], routes=[route("all", "/*")]) as gateway:
        assert get(gateway.port).status == 502
        line = until(lambda: [line for line in gateway.log().splitlines() if "refused" in line], 2, "a log line")[0]
        assert "target 127.0.0.1:" in line and "route all" in line and "client 127.0.0.1" in line


def test_connect_timeout_is_504(origin):
    """A listener whose queue is full: SYNs are dropped, connecting never ends by itself."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        address = "127.0.0.1:%d" % full.getsockname()[1]
        try:
            clusters = [cluster("origin", address, connect_timeout="300ms", connect_retries=0)]
            with Gateway(clusters=clusters, routes=[route("all", "/*")]) as gateway:
                begun = time.monotonic()
                assert get(gateway.port).status == 504
                assert 0.2 < time.monotonic() - begun < 2
        finally:
            for filler in fillers:
                filler.close()


def test_response_timeout_closes_the_upstream_connection(origin):
    with Gateway(to=origin, timeouts={"response": "400ms"}) as gateway:
        begun = time.monotonic()
        assert get(gateway.port, "/never").status == 504
        assert 0.3 < time.monotonic() - begun < 2
        until(lambda: origin.open == 0, 2, "the connection to be closed")
        assert get(gateway.port, "/drip/4/250").body.endswith(b"line 03\n"), "the limit is for the head, not for the body"


def test_answer_with_connection_close_is_not_reused(gateway, origin):
    for _ in range(4):
        assert get(gateway.port, "/close").body == b"bye\n"
    assert len({seen.connection for seen in origin.seen}) == 4


def at_once(gateway, count: int, target: str):
    threads = [threading.Thread(target=get, args=(gateway.port, target)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


def test_pool_keeps_idle_max_for_idle_timeout():
    with Origin() as origin:
        pooled = cluster("origin", origin.address, keepalive={"idle_max": 2, "idle_timeout": "1s"})
        with Gateway(clusters=[pooled], routes=[route("all", "/*")]) as gateway:
            at_once(gateway, 6, "/slow/300")
            assert origin.connections == 6
            until(lambda: origin.open <= 2, 0.8, "all but two connections to be closed")
            assert origin.open == 2
            assert get(gateway.port).status == 200 and origin.connections == 6
            until(lambda: origin.open == 0, 3, "the idle ones to be closed")


def test_no_pool_at_all():
    with Origin() as origin:
        with Gateway(clusters=[cluster("origin", origin.address, keepalive={"idle_max": 0})], routes=[route("all", "/*")]) as gateway:
            for _ in range(3):
                assert get(gateway.port).status == 200
            assert origin.connections == 3


def test_weights_share_the_requests():
    with Origin("one") as one, Origin("three") as three:
        shared = {"id": "origin", "targets": [{"address": one.address, "weight": 1}, {"address": three.address, "weight": 3}]}
        with Gateway(clusters=[shared], routes=[route("all", "/*")]) as gateway:
            for _ in range(80):
                assert get(gateway.port).status == 200
        assert 14 <= len(one.seen) <= 26, f"{len(one.seen)} of 80 at weight 1 of 4"


def test_ipv6_and_unix_targets(tmp_path):
    """Targets of the other families; each is a socket that answers once a request."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    path = tmp_path / "upstream.sock"
    with socket.socket(socket.AF_INET6) as six, socket.socket(socket.AF_UNIX) as unix:
        six.bind(("::1", 0))
        unix.bind(str(path))
        for listener in (six, unix):
            listener.listen(8)
            threading.Thread(target=answer_each, args=(listener, answer), daemon=True).start()
        clusters = [cluster("six", "[::1]:%d" % six.getsockname()[1]), cluster("unix", f"unix:{path}")]
        with Gateway(clusters=clusters, routes=[route("six", "/six", to="six"), route("unix", "/unix", to="unix")]) as gateway:
            for target in ("/six", "/unix"):
                assert get(gateway.port, target).body == b"ok"


def answer_each(listener, answer: bytes):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            connection.sendall(answer)


def test_slow_body_from_upstream_hits_the_idle_limit(origin):
    """A body that stops in the middle ends the client's connection: the client sees that it is incomplete."""
    @origin.on("/stuck")
    async def stuck(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await asyncio.sleep(20)

    with Gateway(to=origin, timeouts={"body_idle": "500ms"}) as gateway, RawClient(gateway.port) as client:
        client.send(b"GET /stuck HTTP/1.1\r\n" + HOST + b"\r\n")
        begun = time.monotonic()
        with pytest.raises(Cut):
            client.response()
        assert 0.3 < time.monotonic() - begun < 3
