"""Signals and the life of the master: draining, stopping, reloading, reopening logs, the pid file, a second instance.

What a reload may change is in `test_reload.py`; crashes are in `test_processes.py`.
"""

import os
import signal
import threading
import time

import pytest
from kit.gateway import Gateway, accepts, alive, sluice
from kit.rawclient import RawClient, get
from kit.wait import until

HOST = b"Host: test.example\r\n"


def in_flight(gateway, origin, target: str):
    """A client with a request that the origin has received."""
    client = RawClient(gateway.port)
    client.send(f"GET {target} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
    until(lambda: target in origin.targets(), 3, "the request at the origin")
    return client


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT], ids=["TERM", "QUIT"])
def test_drain_finishes_what_is_in_flight(shared_origin, origin, number):
    with Gateway(to=shared_origin, timeouts={"drain": "8s"}) as gateway:
        with in_flight(gateway, origin, "/slow/1500") as client, RawClient(gateway.port) as idle:
            idle.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            assert idle.response().status == 200
            gateway.signal(number)
            assert idle.is_closed(1.0), "an idle keep-alive connection is closed at once"
            until(lambda: not accepts(gateway.port), 1, "new connections to be refused")
            answer = client.response()
            assert (answer.status, answer.body) == (200, b"slow but here\n")
            assert answer.closes()
        begun = time.monotonic()
        assert gateway.wait_end(3) == 0
        assert time.monotonic() - begun < 2, "nothing is left to wait for"
        gateway.judge_log()
        assert not (gateway.folder / "sluiced.pid").exists()


def test_drain_finishes_an_upload(shared_origin, origin):
    with Gateway(to=shared_origin) as gateway, RawClient(gateway.port) as client:
        client.send(b"POST /up HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nhello")
        origin.wait_for(1)
        gateway.signal(signal.SIGTERM)
        time.sleep(0.3)
        client.send(b"world")
        assert client.response().status == 200
        assert gateway.wait_end(3) == 0


def test_drain_has_a_deadline(shared_origin, origin):
    with Gateway(to=shared_origin, timeouts={"drain": "1s"}, allow="did not leave|drain") as gateway:
        with in_flight(gateway, origin, "/never"):
            begun = time.monotonic()
            gateway.signal(signal.SIGTERM)
            assert gateway.wait_end(5) == 0
            assert 0.8 < time.monotonic() - begun < 3


AT_ONCE = {"INT": (signal.SIGINT,), "TERM TERM": (signal.SIGTERM, signal.SIGTERM), "TERM INT": (signal.SIGTERM, signal.SIGINT)}


@pytest.mark.parametrize("numbers", AT_ONCE.values(), ids=AT_ONCE)
def test_stop_at_once(shared_origin, origin, numbers):
    with Gateway(to=shared_origin, timeouts={"drain": "20s"}, allow="did not leave|drain") as gateway:
        children = [*gateway.workers(), gateway.control()]
        with in_flight(gateway, origin, "/never"):
            begun = time.monotonic()
            for number in numbers:
                gateway.signal(number)
                time.sleep(0.2)
            gateway.wait_end(3)
            assert time.monotonic() - begun < 3
        until(lambda: not any(alive(pid) for pid in children), 2, "the children to leave")


def test_signal_to_a_whole_group(shared_origin, origin):
    """Ctrl-C reaches master, workers and control together; the gateway still ends in order."""
    with Gateway(to=shared_origin) as gateway:
        assert get(gateway.port).status == 200
        os.killpg(gateway.pid, signal.SIGINT)
        assert gateway.wait_end(5) in (0, -signal.SIGINT, 128 + signal.SIGINT)
        gateway.judge_log()


def test_sluice_stop(shared_origin, origin):
    with Gateway(to=shared_origin) as gateway:
        ended = []
        waiter = threading.Thread(target=lambda: ended.append(gateway.process.wait(10)))
        waiter.start()
        result = sluice("stop", "-c", gateway.file)
        waiter.join(10)
        assert (result.returncode, ended) == (0, [0]), result


def test_usr1_opens_the_logs_again(shared_origin, origin):
    plain = Gateway(to=shared_origin)
    access, errors = plain.folder / "access.log", plain.folder / "error.log"
    plain.write(log={"error": str(errors), "access": {"format": "combined", "path": str(access)}})
    with plain:
        assert get(plain.port, "/before").status == 200
        until(lambda: access.exists() and "/before" in access.read_text(), 3, "the first line")
        access.rename(plain.folder / "access.log.1")
        errors.rename(plain.folder / "error.log.1")
        plain.signal(signal.SIGUSR1)
        until(lambda: access.exists() and errors.exists(), 3, "new files")
        time.sleep(0.2)
        assert get(plain.port, "/after").status == 200
        until(lambda: "/after" in access.read_text(), 3, "the second line in the new file")
        assert "/after" not in (plain.folder / "access.log.1").read_text()
        assert "/before" not in access.read_text()
        for pid in [*plain.workers(), plain.control()]:  # what the runtime and the control process print goes there too
            until(lambda: os.readlink(f"/proc/{pid}/fd/2") == str(errors), 3, "standard error to follow")


def test_second_instance_on_the_same_port_is_refused(shared_origin, origin):
    with Gateway(to=shared_origin) as first:
        said = Gateway(to=shared_origin, listeners=first.config["listeners"]).refused()
        assert f"127.0.0.1:{first.port}" in said
        assert get(first.port).status == 200


def test_second_instance_on_the_same_pid_file_is_refused(shared_origin, origin):
    with Gateway(to=shared_origin) as first:
        said = Gateway(to=shared_origin, pid_file=first.config["pid_file"]).refused()
        assert str(first.pid) in said and first.config["pid_file"] in said
        assert get(first.port).status == 200
        assert int((first.folder / "sluiced.pid").read_text()) == first.pid


def test_port_of_another_program_is_refused(shared_origin, origin):
    assert shared_origin.address in Gateway(to=shared_origin, listeners=[{"address": shared_origin.address}]).refused()


def test_restart_right_away(shared_origin, origin):
    """No TIME_WAIT, no leftover socket or pid file is in the way of the next start."""
    with Gateway(to=shared_origin) as gateway:
        for _ in range(3):
            assert get(gateway.port).status == 200
            gateway.stop()
            gateway.start()
