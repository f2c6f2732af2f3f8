"""Answers of an upstream that are no HTTP, or end too early: 502 before the head has left, a visible cut after it.

A cut must never look like an end: no zero chunk, fewer bytes than promised (RFC 9112 sections 8 and 6.3).
"""

import asyncio

import pytest
from kit.attack import ids
from kit.rawclient import Cut, RawClient, get, once

OK = b"HTTP/1.1 200 OK\r\n"

GARBAGE = [
    b"this is no HTTP at all\r\n\r\n", b"\x00\x01\x02\x03\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 \r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 099 Low\r\n\r\n", b"HTTP/2.0 200 OK\r\n\r\n", b"HTTP/1.1  200 OK\r\n\r\n",
    b" HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 200 O\x00K\r\n\r\n", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    OK + b"Content-Length: +5\r\n\r\nhello",
    OK + b"Content-Length: five\r\n\r\nhello", OK + b"Content-Length: 99999999999999999999\r\n\r\nhello",
    OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", OK + b"Transfer-Encoding: gzip\r\n\r\n",
    OK + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    OK + b"X : y\r\nContent-Length: 0\r\n\r\n", OK + b"no colon\r\nContent-Length: 0\r\n\r\n", OK + b": y\r\nContent-Length: 0\r\n\r\n",
    OK + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
    OK + b"X: a\rb\r\nContent-Length: 0\r\n\r\n", OK + b"X: a\nb: c\r\nContent-Length: 0\r\n\r\n", OK + b"X: " + b"v" * 100_000 + b"\r\n\r\n",
    OK + b"X: y\r\n" * 5000 + b"\r\n", b"", b"H", b"HTTP/1.1 200 OK\r\nContent-Le",
]


@pytest.mark.parametrize("raw", GARBAGE, ids=ids(GARBAGE))
def test_garbage_is_502_and_the_connection_stays_in_step(gateway, origin, raw):
    @origin.on("/garbage")
    async def garbage(exchange):
        await exchange.send(raw)
        exchange.keep = False

    with RawClient(gateway.port) as client:
        client.send(b"GET /garbage HTTP/1.1\r\nHost: test.example\r\n\r\n")
        assert client.response().status == 502
        client.send(b"GET /after HTTP/1.1\r\nHost: test.example\r\n\r\n")
        assert client.response().status == 200


CUTS = [
    b"Content-Length: 10\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\na\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n", b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX-T: 1\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n",
]


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("rest", CUTS, ids=ids(CUTS))
def test_cut_answer_is_seen_as_cut(gateway, origin, rest, reset):

    @origin.on("/cut-here")
    async def cut(exchange):
        await exchange.send(OK + rest)
        await asyncio.sleep(0.03)
        exchange.keep = False
        if reset:
            exchange.reset()

    with RawClient(gateway.port) as client:
        client.send(b"GET /cut-here HTTP/1.1\r\nHost: test.example\r\n\r\n")
        with pytest.raises(Cut):
            client.response()


BAD_CHUNKS = [
    b"5\r\nhelloX\r\n0\r\n\r\n", b"zz\r\n", b"5\nhello\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"5\r\nhello\r\n0\r\nContent-Length: 4\r\n\r\n",
]


@pytest.mark.parametrize("body", BAD_CHUNKS, ids=ids(BAD_CHUNKS))
def test_bad_chunks_from_upstream_end_as_a_cut(gateway, origin, body):
    @origin.on("/bad-chunks")
    async def bad(exchange):
        await exchange.send(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n")
        await asyncio.sleep(0.02)
        await exchange.send(body)
        await asyncio.sleep(0.2)
        exchange.keep = False

    with RawClient(gateway.port) as client:
        client.send(b"GET /bad-chunks HTTP/1.1\r\nHost: test.example\r\n\r\n")
        with pytest.raises(Cut):
            client.response()


def test_cut_for_an_http_1_0_client(gateway, origin):
    """Close-delimited towards the client: the promised length is all that can tell, so it must be sent on."""
    with pytest.raises(Cut):
        once(gateway.port, b"GET /cut HTTP/1.0\r\n\r\n")


def test_reason_phrase_may_be_missing_or_empty(gateway, origin):
    for line in (b"HTTP/1.1 200\r\n", b"HTTP/1.1 200 \r\n"):
        @origin.on("/terse")
        async def terse(exchange, line=line):
            await exchange.send(line + b"Content-Length: 2\r\n\r\nok")

        assert get(gateway.port, "/terse").body == b"ok"


def test_origin_answers_in_tiny_pieces(gateway, origin):
    """Every byte of head and chunks in a packet of its own."""
    @origin.on("/tiny")
    async def tiny(exchange):
        for byte in OK + b"Transfer-Encoding: chunked\r\nX-A: b\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n":
            await exchange.send(bytes([byte]))
            await asyncio.sleep(0.001)

    answer = get(gateway.port, "/tiny")
    assert (answer.status, answer.get("X-A"), answer.body, answer.trailers) == (200, "b", b"abc", [("X-T", "1")])
