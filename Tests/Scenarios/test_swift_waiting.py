"""Swift hooks that wait, in a real worker: they go on where they were, others are served meanwhile, no thread is started, and clients
that leave cancel them. The plugin is `plugins/swift-waits`."""

import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from kit.gateway import ROOT, Gateway, route
from kit.rawclient import RawClient, get
from kit.wait import until

pytestmark = pytest.mark.timeout(700)  # the first test builds the plugin
PACKAGE = ROOT / "Tests/Scenarios/plugins/swift-waits"
SCRATCH = ROOT / ".build/scenario-swift-waits"


@pytest.fixture(scope="module")
def waits(shared_origin, tmp_path_factory):
    command = ["swift", "build", "-c", "release", "--package-path", str(PACKAGE), "--scratch-path", str(SCRATCH),
               "-Xlinker", f"--version-script={ROOT}/SDK/sluice-plugin.map"]
    built = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stdout + built.stderr
    file = tmp_path_factory.mktemp("swift") / "swift-waits.so"
    shutil.copyfile(SCRATCH / "release/libswift-waits.so", file)
    plugin = [{"name": "swift-waits"}]
    with Gateway(
        to=shared_origin, plugins=[{"name": "swift-waits", "path": str(file), "capabilities": ["http_client"]}], allow="plugin swift-waits",
        routes=[route("everything", "/*", plugins=plugin)],
    ) as gateway:
        yield gateway


def facts(gateway):
    return [int(word) for word in get(gateway.port, "/?do=facts").body.split()]


def threads(gateway):
    return [len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in gateway.workers()]


def test_every_phase_waits(waits):
    answer = get(waits.port, "/hello")
    assert (answer.status, answer.get("X-Waited")) == (200, "yes") and answer.body


def test_sleeping_serves_others(waits):
    with RawClient(waits.port) as slow:
        begun = time.monotonic()
        slow.send(b"GET /slow?do=sleep&ms=300 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert get(waits.port, "/?do=sleep&ms=1").body == b"slept 1 /"
        assert time.monotonic() - begun < 0.25
        assert slow.response().body == b"slept 300 /slow" and time.monotonic() - begun >= 0.3


def test_many_at_once_keep_apart(waits):
    with ExitStack() as stack:
        clients = [stack.enter_context(RawClient(waits.port)) for _ in range(200)]
        for number, client in enumerate(clients):
            client.send(f"GET /n{number}?do=sleep&ms={50 + number % 7} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        for number, client in enumerate(clients):
            assert client.response().body == f"slept {50 + number % 7} /n{number}".encode()


def test_tasks_of_the_standard_library_stay_on_the_loop(waits):
    assert get(waits.port, "/a?do=tasks").body == b"12 /a"
    assert get(waits.port, "/?do=yield").status == 200
    assert threads(waits) == [1]


def test_http_client(waits, shared_origin):
    with RawClient(waits.port) as client:
        client.send(f"GET /?do=http HTTP/1.1\r\nHost: a\r\nX-Url: http://{shared_origin.address}/x\r\n\r\n".encode())
        assert client.response().body.startswith(b"200 ")


@pytest.mark.parametrize("pieces", [1, 4])
def test_body(waits, pieces):
    body = bytes(range(250)) * 400
    with RawClient(waits.port) as client:
        client.send(b"POST /?do=body HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body))
        size = len(body) // pieces
        for at in range(0, len(body), size):
            client.send(body[at:at + size])
            time.sleep(0.02)
        assert client.response("POST").body == b"%d" % sum(body)


def test_content_is_streamed_with_back_pressure(waits):
    answer = get(waits.port, "/stream")
    assert len(answer.body) == 4_000_000 and answer.get("X-Waited") == "yes"


def test_timers_tick(waits):
    before = facts(waits)[0]
    until(lambda: facts(waits)[0] >= before + 3, 5, "the plugin's timer")


def test_clients_that_leave_cancel(waits):
    before = facts(waits)[1]
    for line in ["GET /?do=sleep&ms=30000", "GET /stream?pieces=2000"]:
        with RawClient(waits.port) as client:
            client.send(f"{line} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            time.sleep(0.1)
    with RawClient(waits.port) as client:
        client.send(b"POST /?do=body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
        time.sleep(0.1)
    until(lambda: facts(waits)[1] == before + 2, 5, "both waits to be cancelled")
    assert get(waits.port, "/hello").status == 200
    assert len(waits.workers()) == 1 and threads(waits) == [1]
