"""Clients that are slow on purpose, idle ones, and too many of them.

Times are short here so that the run is; each wait is bounded above as well, or a defence that never fires would pass.
"""

import asyncio
import time

import pytest
from kit.gateway import Gateway
from kit.origin import Origin
from kit.rawclient import Cut, RawClient, get
from kit.wait import until

HOST = b"Host: test.example\r\n"


@pytest.fixture(scope="module")
def impatient(shared_origin):
    with Gateway(
        to=shared_origin, timeouts={"head": "800ms", "idle": "700ms", "body_idle": "800ms", "response": "5s"}, limits={"body_rate_min": 1000},
    ) as gateway:
        yield gateway


def trickle(client: RawClient, data: bytes, gap: float, limit: float) -> float:
    """Sends byte by byte until the gateway has had enough; the seconds that took."""
    begun = time.monotonic()
    client.socket.settimeout(gap)
    for byte in data:
        try:
            client.socket.sendall(bytes([byte]))
            client.buffer += (more := client.socket.recv(65536))
            if more == b"" or b"\r\n\r\n" in client.buffer:
                break
        except TimeoutError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            break
        if time.monotonic() - begun > limit:
            raise AssertionError(f"the gateway still listened after {limit} s")
    client.socket.settimeout(5)
    return time.monotonic() - begun


def test_slow_head_is_408(impatient, origin):
    """Slowloris: a byte now and then must not renew the time for the head."""
    with RawClient(impatient.port) as client:
        took = trickle(client, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-A: b\r\n" * 1000, 0.05, 5)
        answer = client.response()
        assert answer.status == 408 and answer.closes() and client.is_closed()
    assert 0.6 < took < 3
    assert origin.seen == []


def test_head_that_stops_is_408(impatient, origin):
    with RawClient(impatient.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a")
        answer = client.response()
        assert answer.status == 408 and answer.closes() and client.is_closed()


def test_second_head_has_its_time_too(impatient, origin):
    with RawClient(impatient.port) as client:
        client.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.response().status == 200
        client.send(b"GET /half")
        answer = client.response()
        assert answer.status == 408 and client.is_closed()


@pytest.mark.parametrize("head", [b"Content-Length: 100000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n"])
def test_body_that_stops_is_408(impatient, origin, head):
    with RawClient(impatient.port) as client:
        client.send(b"POST / HTTP/1.1\r\n" + HOST + head + b"abc")
        begun = time.monotonic()
        answer = client.response("POST")
        assert answer.status == 408 and answer.closes() and client.is_closed()
        assert 0.5 < time.monotonic() - begun < 4
    assert not any(seen.finished for seen in origin.seen)


def test_body_below_the_minimum_rate_is_408(impatient, origin):
    """About 20 bytes a second where 1000 are asked for: never idle, never done."""
    with RawClient(impatient.port) as client:
        client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n")
        took = trickle(client, b"z" * 100_000, 0.05, 15)
        answer = client.response("POST")
        assert answer.status == 408 and answer.closes()
    assert took < 15
    assert not any(seen.finished for seen in origin.seen)


def test_body_above_the_minimum_rate_passes(impatient, origin):
    with RawClient(impatient.port) as client:
        client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 8000\r\n\r\n")
        client.send_pieces([b"z" * 400] * 20, gap=0.1)
        assert client.response("POST").status == 200


def lazy(origin, seconds: float):
    """An upstream that does not read an upload at first."""
    @origin.on("/lazy")
    async def behaviour(exchange):
        await asyncio.sleep(seconds)
        await exchange.body()
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_slow_upstream_does_not_blame_the_client(shared_origin, origin):
    """An upload below the minimum rate because the upstream does not read is not a slow client."""
    lazy(origin, 2.5)
    settings = {"timeouts": {"body_idle": "800ms", "response": "10s"}, "limits": {"body_rate_min": 1_000_000}}
    with Gateway(to=shared_origin, **settings) as gateway, RawClient(gateway.port, timeout=15) as client:
        client.send(b"POST /lazy HTTP/1.1\r\n" + HOST + b"Content-Length: 20000000\r\n\r\n")
        for _ in range(20):
            client.send(b"z" * 1_000_000)
        assert client.response("POST").status == 200


def test_upstream_that_takes_nothing_of_an_upload_is_504():
    """Not for longer than it may take to answer; the connection to it is closed, not kept."""
    settings = {"timeouts": {"body_idle": "400ms", "response": "1s"}}
    with Origin("lazy") as origin, Gateway(to=origin, **settings) as gateway, RawClient(gateway.port, timeout=15) as client:
        lazy(origin, 3)
        client.socket.settimeout(6)
        begun = time.monotonic()
        client.send_what_fits(b"POST /lazy HTTP/1.1\r\n" + HOST + b"Content-Length: 20000000\r\n\r\n" + b"z" * 20_000_000)
        assert client.response("POST").status == 504
        assert 0.8 < time.monotonic() - begun < 2.8
        until(lambda: origin.open == 0, 5, "the upstream connection to be closed")


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"])
def test_idle_connection_is_closed_without_a_word(impatient, origin, first):
    with RawClient(impatient.port) as client:
        client.send(first)
        if first:
            assert client.response().status == 200
        begun = time.monotonic()
        assert client.is_closed(within=4)
        assert time.monotonic() - begun > 0.4


def test_download_that_nobody_reads_ends(impatient, origin):
    """A client that stops reading for longer than body_idle loses its connection, and the upstream is let go."""
    origin.drop_connections()
    with RawClient(impatient.port, receive_buffer=4096) as client:
        client.send(b"GET /bytes/100000000 HTTP/1.1\r\n" + HOST + b"\r\n")
        until(lambda: origin.open == 1, 2, "the request at the origin")
        until(lambda: origin.open == 0, 6, "the gateway to give up")
        with pytest.raises(Cut):
            client.response()


def test_connections_are_counted_and_bounded(shared_origin, origin):
    """16 is the smallest limit, upstream connections included: more clients wait or are refused, none breaks it."""
    with Gateway(to=shared_origin, limits={"connections": 16}, allow="connections") as gateway:
        assert get(gateway.port).status == 200
        clients = [RawClient(gateway.port) for _ in range(60)]
        for client in clients:
            client.send_what_fits(b"GET /slow/300 HTTP/1.1\r\n" + HOST + b"\r\n")
        time.sleep(0.2)
        assert shared_origin.open <= 16
        for client in clients:
            client.socket.close()
        until(lambda: answers(gateway), 5, "the gateway to take connections again")


def answers(gateway) -> bool:
    try:
        return get(gateway.port).status == 200
    except (OSError, AssertionError):
        return False
