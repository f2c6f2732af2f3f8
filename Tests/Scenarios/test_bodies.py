"""Bodies both ways: framing, digests, trailers, bodiless answers, interim answers, uploads that are answered early.

Bounded memory is in `test_backpressure.py`, refusals in `test_limits.py`.
"""

import asyncio
import hashlib
import json
import random
import statistics
import threading
import time

import pytest
from kit.behaviours import pattern, respond
from kit.rawclient import RawClient, get, once
from kit.wait import until

SIZES = [0, 1, 100, 4095, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 200_000, 3_000_000]
HOST = b"Host: test.example\r\n"


def chunks(data: bytes, seed: int = 1, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """`data` in chunks of random sizes."""
    sizes, parts, start = random.Random(seed), [], 0
    while start < len(data):
        piece = data[start: start + sizes.choice([1, 7, 100, 1000, 20_000, 70_000])]
        start += len(piece)
        parts.append(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece))
    return b"".join(parts) + b"0\r\n" + trailers + b"\r\n"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", SIZES)
def test_upload_with_content_length(gateway, origin, size):
    body = random.Random(size).randbytes(size)
    answer = once(gateway.port, b"POST /up HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size + body)
    seen = json.loads(answer.body)
    assert (seen["body_bytes"], seen["sha256"], seen["chunked"]) == (size, sha(body), False)


@pytest.mark.parametrize("size", SIZES)
def test_upload_in_chunks(gateway, origin, size):
    body = random.Random(size).randbytes(size)
    answer = once(gateway.port, b"POST /up HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(body, size))
    seen = json.loads(answer.body)
    assert (seen["body_bytes"], seen["sha256"]) == (size, sha(body))


@pytest.mark.parametrize("kind", ["bytes", "chunked"])
@pytest.mark.parametrize("size", SIZES)
def test_download(gateway, origin, kind, size):
    answer = get(gateway.port, f"/{kind}/{size}")
    assert sha(answer.body) == sha(pattern(size))
    assert answer.chunked == (kind == "chunked")


@pytest.mark.timeout(60)
def test_100_mib_both_ways_in_one_exchange(gateway, origin):
    """The digest of 100 MiB up is told by the origin, the one of 100 MiB down is ours."""
    size = 100 << 20

    @origin.on("/both")
    async def both(exchange):
        seen = await exchange.body()
        await exchange.send(b"HTTP/1.1 200 OK\r\nX-Digest: %s\r\nContent-Length: %d\r\n\r\n" % (seen.sha256.encode(), size))
        block = pattern(1 << 20)
        for _ in range(size >> 20):
            await exchange.send(block)

    block = pattern(1 << 20)
    with RawClient(gateway.port, timeout=30) as client:
        client.send(b"POST /both HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size)
        digest = hashlib.sha256()
        for _ in range(size >> 20):
            client.send(block)
            digest.update(block)
        answer = client.response()
    assert answer.get("X-Digest") == digest.hexdigest() == sha(answer.body)


def test_trailers_and_chunk_extensions_upwards(gateway, origin):
    raw = b"POST /t HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    answer = once(gateway.port, raw + chunks(b"a" * 5000, 3, b";name=\"va;lue\"", b"X-Sum: 1\r\nX-More: \xe9\r\n"))
    seen = json.loads(answer.body)
    assert seen["body_bytes"] == 5000
    assert seen["trailers"] == ["X-Sum: 1", "X-More: \xe9"]


def test_trailers_downwards(gateway, origin):
    answer = get(gateway.port, "/chunked/1000", "TE: trailers", "Connection: TE")
    assert answer.trailers == [("X-Checksum", "abc"), ("X-Second", "two")]


def test_head_has_the_length_and_no_body(gateway, origin):
    with RawClient(gateway.port) as client:
        for _ in range(2):
            client.send(b"HEAD /bytes/12345 HTTP/1.1\r\n" + HOST + b"\r\n")
            answer = client.response("HEAD")
            assert (answer.status, answer.get("Content-Length")) == (200, "12345")
        client.send(b"GET /bytes/3 HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.response().body == pattern(3)


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(gateway, origin, status):
    with RawClient(gateway.port) as client:
        for _ in range(2):
            client.send(f"GET /status/{status} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
            answer = client.response()
            assert (answer.status, answer.get("ETag"), answer.body) == (status, '"e"', b"")
            assert answer.get("Transfer-Encoding") is None
        client.send(b"GET /bytes/3 HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.response().body == pattern(3)


def test_304_with_a_length_has_no_body_all_the_same(gateway, origin):
    @origin.on("/cached")
    async def cached(exchange):
        await exchange.send(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n\r\n")

    with RawClient(gateway.port) as client:
        for _ in range(3):
            client.send(b"GET /cached HTTP/1.1\r\n" + HOST + b"\r\n")
            assert client.response().status == 304


@pytest.mark.parametrize("status", [200, 206, 301, 404, 418, 500, 503, 599])
def test_status_of_the_origin_is_the_clients(gateway, origin, status):
    assert get(gateway.port, f"/status/{status}").status == status


def test_early_hints_are_relayed_before_the_answer(gateway, origin):
    answer = get(gateway.port, "/hints")
    assert [(hint.status, hint.get("Link")) for hint in answer.interim] == [
        (103, "</style.css>; rel=preload"), (103, "</two.css>; rel=preload"),
    ]
    assert answer.body == b"hinted\n"


def test_http_1_0_client_gets_no_interim_answers(gateway, origin):
    """RFC 9110 section 15.2: a server must not send a 1xx response to an HTTP/1.0 client."""
    answer = once(gateway.port, b"GET /hints HTTP/1.0\r\n\r\n")
    assert (answer.interim, answer.body) == ([], b"hinted\n")


def test_100_continue(gateway, origin):
    with RawClient(gateway.port) as client:
        client.send(b"POST /up HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.interim().status == 100
        client.send(b"hello")
        answer = client.response()
        assert answer.interim == [], "one 100 is enough"
        assert json.loads(answer.body)["body_bytes"] == 5


def test_client_that_does_not_wait_for_100(gateway, origin):
    raw = b"POST /up HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello"
    answer = once(gateway.port, raw)
    assert answer.status == 200 and json.loads(answer.body)["body_bytes"] == 5


def test_refusal_instead_of_100(gateway, origin):
    """The origin says 403 at once: the client gets it and the connection cannot get out of step."""
    with RawClient(gateway.port) as client:
        client.send(b"POST /early HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        answer = client.response()
        assert answer.status == 403
        if answer.interim == []:
            assert answer.closes() and client.is_closed(), "the body may or may not follow, so the connection must end"
        else:
            client.send_what_fits(b"helloGET /after HTTP/1.1\r\n" + HOST + b"\r\n")
            assert client.is_closed() if answer.closes() else client.response().status == 200


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_early_answer_to_an_upload_reaches_the_client(gateway, origin, framing):
    """The client goes on sending while the answer is under way: it must get the answer, not a reset."""
    with RawClient(gateway.port) as client:
        size = 8 << 20
        if framing == "length":
            client.send(b"POST /early HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size)
        else:
            client.send(b"POST /early HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % size)
        sender = threading.Thread(target=client.send_what_fits, args=(b"z" * size,))
        sender.start()
        answer = client.response()
        sender.join(10)
        assert (answer.status, answer.body) == (403, b"no need for your body\n")


def test_early_answer_does_not_spoil_the_next_connection(gateway, origin):
    for _ in range(5):
        with RawClient(gateway.port) as client:
            client.send(b"POST /early HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n" + b"q" * 1000)
            assert client.response().status == 403
        assert get(gateway.port, "/fine").status == 200


def test_pieces_are_passed_on_as_they_come(gateway, origin):
    """Streaming, not gathering: the first of five lines arrives long before the last is written."""
    with RawClient(gateway.port) as client:
        client.send(b"GET /drip/5/150 HTTP/1.1\r\n" + HOST + b"\r\n")
        begun = time.monotonic()
        client._head()
        client._until(b"line 00\n", "the first line")
        first = time.monotonic() - begun
        client._until(b"line 04\n", "the last line")
        assert first + 0.4 < time.monotonic() - begun


def test_upload_is_passed_on_as_it_comes(gateway, origin):
    with RawClient(gateway.port) as client:
        client.send(b"POST /up HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nhello")
        seen = origin.wait_for(1, 2)[0]
        until(lambda: seen.body_bytes == 5, 2, "the first half at the origin")
        client.send(b"world")
        assert client.response().status == 200


def test_client_that_leaves_in_its_upload_is_not_completed(gateway, origin):
    origin.drop_connections()
    client = RawClient(gateway.port)
    client.send(b"POST /up HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\nhalf")
    seen = origin.wait_for(1)[0]
    client.socket.close()
    until(lambda: origin.open == 0, 3, "the upstream connection to be closed")
    assert not seen.finished


def test_get_with_a_body(gateway, origin):
    answer = once(gateway.port, b"GET /up HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nbody")
    assert json.loads(answer.body)["body_bytes"] == 4


def test_answer_with_content_length_zero(gateway, origin):
    @origin.on("/zero")
    async def zero(exchange):
        await respond(exchange, 200, b"")

    answer = get(gateway.port, "/zero")
    assert (answer.get("Content-Length"), answer.body) == ("0", b"")


@pytest.mark.parametrize("first", [1000, 20_480, 65_536, 300_000])
def test_what_came_of_a_body_that_pauses_arrives_at_once(gateway, origin, first):
    """A body of known length that stops midway: nothing of it waits for a fuller segment, which takes the kernel 200 ms. The first
    read of a response has 20,480 bytes: then more is expected at once."""
    head, size, arrived = b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n", 400_000, threading.Event()

    @origin.on("/pause")
    async def pause(exchange):
        await exchange.body()
        message = head + pattern(size)
        await exchange.send(message[:first])
        for _ in range(500):
            if arrived.is_set():
                break
            await asyncio.sleep(0.01)
        await exchange.send(message[first:])

    waits = []
    for _ in range(5):
        arrived.clear()
        with RawClient(gateway.port) as client:
            started, got = time.monotonic(), b""
            client.send(b"GET /pause HTTP/1.1\r\n" + HOST + b"\r\n")
            while len(got.partition(b"\r\n\r\n")[2]) < first - len(head):
                got += client.socket.recv(1 << 20)
            waits.append(time.monotonic() - started)
            arrived.set()
            while len(got.partition(b"\r\n\r\n")[2]) < size:
                got += client.socket.recv(1 << 20)
            assert got.partition(b"\r\n\r\n")[2] == pattern(size)
    assert min(waits) < 0.15, f"held back: {waits}"


def test_an_upstream_that_turns_slow_is_relayed_byte_by_byte(gateway, origin):
    """A fast upstream is waited for until a good part has come (SO_RCVLOWAT), at most a tick of the timers; when it turns slow, each of
    its bytes goes on at once. Each step waits for the client to have seen the one before."""
    size, fast, steps, seen = 12 << 20, 8 << 20, 20, threading.Semaphore(0)
    content = pattern(size)

    @origin.on("/slower")
    async def slower(exchange):
        await exchange.body()
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + content[:fast])
        for i in range(steps):
            for _ in range(500):
                if seen.acquire(blocking=False):
                    break
                await asyncio.sleep(0.001)
            await exchange.send(content[fast + i * 100 : fast + (i + 1) * 100])
        await exchange.send(content[fast + steps * 100 :])

    with RawClient(gateway.port) as client:
        client.send(b"GET /slower HTTP/1.1\r\n" + HOST + b"\r\n")
        body, waits = bytearray(client.socket.recv(1 << 20).partition(b"\r\n\r\n")[2]), []
        for i in range(steps + 1):
            started = time.monotonic()
            while len(body) < fast + i * 100:
                body += client.socket.recv(1 << 20)
            waits.append(time.monotonic() - started)
            seen.release()
        while len(body) < size:
            body += client.socket.recv(1 << 20)
        assert body == content
    assert statistics.median(waits[1:]) < 0.02 and max(waits[1:]) < 0.3, f"held back: {waits}"
