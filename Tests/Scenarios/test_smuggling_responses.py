"""Response smuggling: an upstream whose answer is longer than it says must not decide what the next client reads.

The attacker's request poisons the connection to the upstream; the victim, on another client connection, must get its
own answer (or a 502), never the planted one.
"""

import asyncio
import time

import pytest
from kit.rawclient import RawClient, get

PLANTED = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Planted: yes\r\n\r\nPLANTED"

POISONS = [
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" + PLANTED),
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\r\n" + PLANTED),
    ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + PLANTED),
    ("GET", b"HTTP/1.1 204 No Content\r\n\r\n" + PLANTED),
    ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n" % len(PLANTED) + PLANTED),
    ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n" % len(PLANTED) + PLANTED),
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(PLANTED) + PLANTED),
    ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + PLANTED),
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + PLANTED * 3),
]


@pytest.mark.parametrize("together", [True, False], ids=["in one packet", "a moment later"])
@pytest.mark.parametrize("method,poison", POISONS)
def test_planted_answer_reaches_nobody(gateway, origin, method, poison, together):
    cut = poison.index(PLANTED)

    @origin.on("/poison")
    async def behaviour(exchange):
        if together:
            await exchange.send(poison)
        else:
            await exchange.send(poison[:cut])
            await asyncio.sleep(0.03)
            await exchange.send(poison[cut:])

    with RawClient(gateway.port) as attacker:
        attacker.send(f"{method} /poison HTTP/1.1\r\nHost: test.example\r\n\r\n".encode())
        attacker.response(method)
        if not together:
            time.sleep(0.06)
        for number in range(4):
            victim = get(gateway.port, f"/victim/{number}")
            assert victim.get("X-Planted") is None and b"PLANTED" not in victim.body
            assert victim.status == 200
        assert b"PLANTED" not in attacker.buffer


def test_interim_answers_without_end_are_bounded(gateway, origin):
    """An upstream that only ever says 100 or 103 is cut off at some point, and the worker survives."""
    @origin.on("/babble")
    async def babble(exchange):
        while True:
            await exchange.send(b"HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n" * 100)

    with RawClient(gateway.port, timeout=20) as client:
        client.send(b"GET /babble HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n")
        got = 0
        while piece := receive(client):
            got += len(piece)
            assert got < 64 << 20, "64 MiB of interim answers relayed, no end in sight"


def receive(client) -> bytes:
    try:
        return client.socket.recv(1 << 16)
    except ConnectionResetError:
        return b""
