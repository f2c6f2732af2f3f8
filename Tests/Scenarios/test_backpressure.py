"""Bounded memory: a body that one side sends faster than the other takes must wait in the sender, not in the worker.

SLUICE_TEST_STREAM_MIB sets the size of the streams (default 256); 2 MiB of growth is what the project promises for any.
"""

import asyncio
import os
import threading
import time

import pytest
from kit.gateway import memory_kib
from kit.rawclient import RawClient, get

MIB = int(os.environ.get("SLUICE_TEST_STREAM_MIB", "256"))
GROWTH_KIB_MAX = 2048
BLOCK = b"\0" * (1 << 20)
HOST = b"Host: test.example\r\n"


class Watch(threading.Thread):
    """The highest memory of a process while the block runs."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.over = pid, threading.Event()
        self.before = self.peak = memory_kib(pid)

    def run(self):
        while not self.over.wait(0.02):
            self.peak = max(self.peak, memory_kib(self.pid))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    @property
    def growth(self) -> int:
        return self.peak - self.before


@pytest.fixture
def worker(gateway, origin):
    """The worker's pid after a few ordinary exchanges have filled its pools."""
    for _ in range(3):
        get(gateway.port, "/bytes/300000")
    return gateway.workers()[0]


async def hesitate(total: int):
    """A reader that stops for a second at the start and takes a breath every 8 MiB."""
    if total < (1 << 20):
        await asyncio.sleep(0.2)
    elif total % (8 << 20) < (1 << 18):
        await asyncio.sleep(0.02)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_upload_to_a_slow_upstream(gateway, origin, worker, framing, measure):
    @origin.on("/slurp")
    async def slurp(exchange):
        seen = await exchange.body(pause=hesitate)
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Got: %d\r\n\r\n" % seen.body_bytes)

    with RawClient(gateway.port, timeout=60) as client, Watch(worker) as watch:
        if framing == "length":
            client.send(b"POST /slurp HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % (MIB << 20))
            for _ in range(MIB):
                client.send(BLOCK)
        else:
            client.send(b"POST /slurp HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(MIB):
                client.send(b"100000\r\n" + BLOCK + b"\r\n")
            client.send(b"0\r\n\r\n")
        assert client.response().get("X-Got") == str(MIB << 20)
    measure(f"worker memory growth, {MIB} MiB upload ({framing}) to a slow upstream", watch.growth, "KiB")
    assert watch.growth < GROWTH_KIB_MAX


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["bytes", "chunked"])
def test_download_by_a_slow_client(gateway, origin, worker, kind, measure):
    with RawClient(gateway.port, timeout=60, receive_buffer=65536) as client, Watch(worker) as watch:
        client.send(f"GET /{kind}/{MIB << 20} HTTP/1.1\r\n".encode() + HOST + b"Connection: close\r\n\r\n")
        time.sleep(1.0)
        got = 0
        while piece := client.socket.recv(1 << 20):
            got += len(piece)
            if got % (8 << 20) < len(piece):
                time.sleep(0.02)
    assert got > MIB << 20
    measure(f"worker memory growth, {MIB} MiB download ({kind}) by a slow client", watch.growth, "KiB")
    assert watch.growth < GROWTH_KIB_MAX


def test_forty_stalled_downloads(gateway, origin, worker, measure):
    """Clients that ask for a lot and read nothing cost a bounded number of buffers each."""
    clients = [RawClient(gateway.port, receive_buffer=4096) for _ in range(40)]
    with Watch(worker) as watch:
        for client in clients:
            client.send(b"GET /bytes/50000000 HTTP/1.1\r\n" + HOST + b"\r\n")
        time.sleep(1.5)
    for client in clients:
        client.socket.close()
    measure("worker memory per stalled download", watch.growth // 40, "KiB")
    assert watch.growth < 40 * 200, "more than 200 KiB of the worker for a client that does not read"
