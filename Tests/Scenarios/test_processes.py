"""Processes that die: workers, the control process, the master. Traffic, successors, counts.

`kill -9` stands for any crash. What dies with a worker are the requests in flight in that worker, nothing else.
"""

import os
import signal
import statistics
import time
from pathlib import Path

import pytest
from kit.gateway import Gateway, alive, route
from kit.load import Load
from kit.metrics import Metrics
from kit.rawclient import RawClient, get
from kit.wait import until

DEATHS = "died of signal|respawned"
HOST = b"Host: test.example\r\n"
HELLO = route("hello", "/hello", action={"cluster": None, "respond": {"status": 200, "body": "hello\n"}})


def established(pid: int, port: int) -> int:
    """Client connections that this worker holds, by the kernel's own table."""
    inodes = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[1].split(":")[1], 16) == port and words[3] == "01":
            inodes.add(f"socket:[{words[9]}]")
    held = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            held += os.readlink(entry) in inodes
        except FileNotFoundError:
            pass
    return held


@pytest.fixture
def two_workers(shared_origin):
    with Gateway(to=shared_origin, workers=2, allow=DEATHS, routes=[HELLO, route("everything", "/*")]) as gateway:
        yield gateway


def test_shape(two_workers):
    """Master, two workers, one control process; the pid file names the master."""
    assert len(two_workers.workers()) == 2
    assert two_workers.control()
    assert int((two_workers.folder / "sluiced.pid").read_text()) == two_workers.pid


def test_data_plane_processes_have_one_thread(two_workers):
    for pid in [two_workers.pid, *two_workers.workers()]:
        assert len(list(Path(f"/proc/{pid}/task").iterdir())) == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("target", ["/hello", "/echo"])
def test_killed_worker_takes_only_its_own_requests(two_workers, target, measure):
    gateway = two_workers
    with Load(gateway.port, connections=16, target=target) as load:
        time.sleep(0.7)
        victim, other = gateway.workers()
        held = established(victim, gateway.port)
        killed = time.time()
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(gateway.workers()) == 2 and victim not in gateway.workers(), 3, "the successor")
        time.sleep(1.0)
        result = load.stop()
    assert len(result.failures) <= held, f"{len(result.failures)} failures, but only {held} connections were the victim's: {result.failures[:5]}"
    assert all(killed - 0.1 < when < killed + 0.7 for when, _ in result.failures), result.failures[:5]
    assert other in gateway.workers(), "the other worker is still the same process"
    measure(f"kill -9 of a worker under load ({target}): failed requests of {result.ok} good ones", len(result.failures), "failures")


@pytest.mark.timeout(60)
def test_successor_serves_within_100_ms(shared_origin, measure):
    """With one worker a request right after the kill waits in the kept listening socket until the successor takes it."""
    times = []
    with Gateway(to=shared_origin, allow=DEATHS, routes=[HELLO]) as gateway:
        for _ in range(5):
            time.sleep(1.2)
            os.kill(gateway.workers()[0], signal.SIGKILL)
            begun = time.monotonic()
            assert get(gateway.port, "/hello").status == 200
            times.append(time.monotonic() - begun)
        assert Metrics.of(gateway).value("sluice_restarts_total", process="worker") == 5
    measure("from kill -9 of the only worker to an answer (median of 5)", statistics.median(times))
    measure("the same, worst of 5", max(times))
    assert statistics.median(times) < 0.1


def test_worker_that_dies_again_and_again_backs_off_and_recovers(shared_origin):
    with Gateway(to=shared_origin, allow=DEATHS + "|deaths in a row") as gateway:
        for _ in range(4):
            os.kill(until(gateway.workers, 6, "a worker")[0], signal.SIGKILL)
            time.sleep(0.02)
        until(lambda: gateway.workers(), 6, "a worker after the back-off")
        assert get(gateway.port).status == 200


@pytest.mark.timeout(60)
def test_killed_control_disturbs_nobody(two_workers, measure):
    gateway = two_workers
    workers, control = gateway.workers(), gateway.control()
    with Load(gateway.port, connections=8, target="/hello") as load:
        time.sleep(0.3)
        begun = time.monotonic()
        os.kill(control, signal.SIGKILL)
        until(lambda: gateway.control() not in (None, control), 3, "the successor")
        until(lambda: gateway.is_healthy(), 10, "the admin API")
        back = time.monotonic() - begun
        time.sleep(0.3)
        result = load.stop()
    assert result.failures == []
    assert gateway.workers() == workers
    assert Metrics.of(gateway).value("sluice_restarts_total", process="control") == 1
    answer = gateway.admin("POST", "/v1/reload")
    assert answer.status == 200, answer
    assert get(gateway.port, "/hello").status == 200
    measure("from kill -9 of the control process to its admin API", back)


def test_control_that_dies_in_a_row_comes_back_each_time(shared_origin):
    with Gateway(to=shared_origin, allow=DEATHS + "|deaths in a row") as gateway:
        for _ in range(3):
            before = until(gateway.control, 6, "a control process")
            os.kill(before, signal.SIGKILL)
            until(lambda: gateway.control() not in (None, before), 6, "another one")
            assert get(gateway.port).status == 200
        until(lambda: gateway.is_healthy(), 10, "the admin API")


@pytest.mark.timeout(60)
def test_change_while_workers_die(shared_origin):
    """A reload during which a worker is killed is applied by its successor too, or refused as a whole; never half."""
    with Gateway(to=shared_origin, workers=2, allow=DEATHS + "|deaths in a row") as gateway:
        for number in range(6):
            body = f"revision {number}\n"
            gateway.write(routes=[route("r", "/*", action={"cluster": None, "respond": {"status": 200, "body": body}})])
            os.kill(gateway.workers()[0], signal.SIGKILL)
            until(lambda: gateway.admin("POST", "/v1/reload").status == 200, 8, "the reload")
            until(lambda: len(gateway.workers()) == 2, 6, "two workers")
            assert {get(gateway.port, "/").body.decode() for _ in range(12)} == {body}
            time.sleep(0.3)


def test_dead_master_takes_everyone_along(shared_origin):
    with Gateway(to=shared_origin, allow="the channel to the master ended") as gateway:
        children = [*gateway.workers(), gateway.control()]
        os.kill(gateway.pid, signal.SIGKILL)
        gateway.process.wait(5)
        until(lambda: not any(alive(pid) for pid in children), 5, "workers and control to leave")
        gateway.start()
        assert get(gateway.port).status == 200, "a stale pid file must not stop the next start"


def test_stopped_worker_does_not_stop_the_other(two_workers):
    """A worker that hangs (here: SIGSTOP) holds its own clients only; the control process goes on answering."""
    victim, _ = two_workers.workers()
    os.kill(victim, signal.SIGSTOP)
    try:
        answered = 0
        for _ in range(12):
            with RawClient(two_workers.port, timeout=0.5) as client:
                client.send(b"GET /hello HTTP/1.1\r\n" + HOST + b"\r\n")
                try:
                    answered += client.response().status == 200
                except TimeoutError:
                    pass
        assert answered >= 1
        assert two_workers.admin("GET", "/v1/status").status == 200
    finally:
        os.kill(victim, signal.SIGCONT)
    assert get(two_workers.port, "/hello").status == 200


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a gateway that changes its user")
def test_unprivileged_user_after_binding(shared_origin, origin):
    gateway = Gateway(to=shared_origin, user="nobody", group="nogroup")
    gateway.folder.chmod(0o755)
    (gateway.folder / "state").mkdir()
    os.chown(gateway.folder / "state", 65534, 65534)
    with gateway:
        for pid in [*gateway.workers(), gateway.control()]:
            status = Path(f"/proc/{pid}/status").read_text()
            assert "Uid:\t65534\t65534\t65534\t65534" in status and "Gid:\t65534\t65534\t65534\t65534" in status
            assert "NoNewPrivs:\t1" in status
        assert get(gateway.port).status == 200
        assert gateway.admin("POST", "/v1/reload").status == 200
