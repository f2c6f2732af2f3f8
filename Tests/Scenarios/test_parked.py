"""Ten thousand hooks that wait at once in one worker: what each costs, that all go on, that all end when their clients leave.

The number is SLUICE_TEST_PARKED (default 10,000), less where the machine allows fewer open files.
"""

import os
import resource
import selectors
import socket
import time

import pytest
from kit.fixtures import compiled
from kit.gateway import ROOT, Gateway, memory_kib, route
from kit.rawclient import get
from kit.wait import until

WANTED = int(os.environ.get("SLUICE_TEST_PARKED", "10000"))
RESERVE = 1000  # descriptors for everything that is no client
KIB_MAX = 12  # resident memory of one parked call
RAMP_S = 20  # time to send all requests, before the first one goes on


def allowed() -> int:
    """As many clients as this process and the gateway's may have open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(WANTED, hard - RESERVE)


@pytest.fixture
def files():
    """This process's own limit, for one test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, allowed() + RESERVE), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def sleeping(tmp_path):
    file = compiled(tmp_path, "sleeper", (ROOT / "Tests/Scenarios/plugins/sleeper.c").read_text())
    with Gateway(
        plugins=[{"name": "sleeper", "path": str(file)}], limits={"connections": allowed() + 100}, timeouts={"response": "120s", "idle": "120s"},
        routes=[
            route("sleep", "/sleep", action={"cluster": None, "respond": {"status": 500}}, plugins=[{"name": "sleeper"}]),
            route("plain", "/plain", action={"cluster": None, "respond": {"status": 200, "body": "plain\n"}}),
        ],
    ) as gateway:
        yield gateway


class Crowd:
    """Many keep-alive connections that say the same thing."""

    def __init__(self, port: int, count: int):
        self.clients = []
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), timeout=10)
            self.clients.append(client)

    def say(self, target: str):
        request = f"GET {target} HTTP/1.1\r\nHost: crowd.example\r\n\r\n".encode()
        for client in self.clients:
            client.sendall(request)

    def hear(self, end: bytes, within: float) -> int:
        """How many get a whole answer that ends with `end`; each connection has one answer under way."""
        done, deadline = 0, time.monotonic() + within
        with selectors.DefaultSelector() as selector:
            for client in self.clients:
                selector.register(client, selectors.EVENT_READ, bytearray())
            while selector.get_map() and time.monotonic() < deadline:
                for key, _ in selector.select(0.5):
                    data = key.fileobj.recv(4096)
                    key.data.extend(data)
                    if not data or key.data.endswith(end):
                        selector.unregister(key.fileobj)
                        done += bool(data) and key.data.startswith(b"HTTP/1.1 200 ")
        return done

    def leave(self):
        for client in self.clients:
            client.close()
        self.clients = []


def counts(gateway) -> list:
    return [int(word) for word in get(gateway.port, "/sleep?count").body.split()]


@pytest.mark.timeout(180)
def test_ten_thousand_at_once(sleeping, files, measure):
    count, (worker,) = allowed(), sleeping.workers()
    crowd = Crowd(sleeping.port, count)
    try:
        crowd.say("/plain")
        assert crowd.hear(b"plain\n", 30) == count
        idle = memory_kib(worker)

        # All wait at once, and the worker serves others meanwhile.
        begun = time.monotonic()
        crowd.say(f"/sleep?ms={RAMP_S * 1000}")
        until(lambda: counts(sleeping)[0] == count, 30, "every request to wait")
        took = time.monotonic() - begun
        assert took < RAMP_S, f"it took {took:.1f} s to send the requests: they never all waited at once"
        each = (memory_kib(worker) - idle) / count
        measure(f"memory of each of {count:,} parked calls", round(each, 2), "KiB")
        measure("until all were parked", took)
        once = time.monotonic()
        assert get(sleeping.port, "/plain").status == 200
        assert time.monotonic() - once < 0.5
        assert each <= KIB_MAX

        # All go on.
        assert crowd.hear(b"slept\n", RAMP_S + 30) == count
        assert counts(sleeping) == [count, count, 0]

        # All end when their clients leave, and the memory comes back.
        crowd.say("/sleep?ms=3600000")
        until(lambda: counts(sleeping)[0] == 2 * count, 30, "every request to wait again")
        parked = memory_kib(worker)
        crowd.leave()
        until(lambda: counts(sleeping)[2] == count, 30, "every wait to be cancelled")
        assert counts(sleeping) == [2 * count, count, count]
        until(lambda: memory_kib(worker) < idle + (parked - idle) // 4, 30, "the memory of the fibers to come back")
        measure("memory of the worker: idle connections, parked calls, after they left",
                f"{idle:,} / {parked:,} / {memory_kib(worker):,}", "KiB")
        assert sleeping.workers() == [worker]
    finally:
        crowd.leave()
