"""Plugins/redis-lookup with a real Redis: who a key belongs to, outages, and that waiting for Redis holds nobody else."""

import os
import signal
import threading
import time

import pytest
from kit.fixtures import plugin
from kit.gateway import Gateway, route
from kit.load import Load
from kit.rawclient import get
from kit.redis import PROGRAM, Redis
from kit.wait import until

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no redis-server in PATH (Packaging/deps.sh test installs it)")


@pytest.fixture(scope="module")
def redis():
    with Redis() as redis:
        yield redis


@pytest.fixture
def looked_up(redis, shared_origin, origin):
    redis.command("FLUSHALL")
    redis.command("SET", "apikey:secret-1", "ann")
    config = {"address": f"127.0.0.1:{redis.port}", "timeout_ms": 400}
    with Gateway(
        to=shared_origin, plugins=[plugin("redis-lookup")], allow="redis-lookup",
        routes=[route("private", "/private/*", plugins=[{"name": "redis-lookup", "config": config}]), route("everything", "/*")],
    ) as gateway:
        yield gateway


def test_redis_says_who_it_is(looked_up, origin, redis):
    assert get(looked_up.port, "/private/x").status == 401
    assert get(looked_up.port, "/private/x", "X-Api-Key: wrong").status == 403
    assert origin.seen == []
    assert get(looked_up.port, "/private/x", "X-Api-Key: secret-1", "X-Consumer: root").status == 200
    assert (origin.seen[0].get("X-Consumer"), origin.seen[0].get("X-Api-Key")) == ("ann", None)
    redis.command("SET", "apikey:secret-2", "bob")
    redis.command("DEL", "apikey:secret-1")
    assert get(looked_up.port, "/private/x", "X-Api-Key: secret-2").status == 200
    assert get(looked_up.port, "/private/x", "X-Api-Key: secret-1").status == 403


@pytest.mark.parametrize("key", ["a b", "k\"ey", "*1", "$5", "secret-1\\r\\nDEL x", "x" * 256, "x" * 300, "ü".encode().decode("latin-1")])
def test_keys_are_only_ever_data(looked_up, redis, key):
    assert get(looked_up.port, "/private/x", f"X-Api-Key: {key}").status == 403
    assert redis.command("GET", "apikey:secret-1") == b"$3\r\nann\r\n"


@pytest.mark.parametrize("value", ["", "two words", "x" * 129, "line\nbreak"])
def test_value_that_is_no_name_lets_nobody_in(looked_up, origin, redis, value):
    redis.command("SET", "apikey:odd", value)
    assert get(looked_up.port, "/private/x", "X-Api-Key: odd").status == 500
    redis.command("LPUSH", "apikey:list", "ann")
    assert get(looked_up.port, "/private/x", "X-Api-Key: list").status == 500
    assert origin.seen == []


def test_connections_are_reused_under_load(looked_up, origin, redis, measure):
    before = redis.info("total_connections_received")
    with Load(looked_up.port, connections=8, target="/private/x", lines=["X-Api-Key: secret-1"]) as load:
        time.sleep(1.5)
        result = load.stop()
    assert result.failures == []
    assert redis.info("total_connections_received") - before <= 16 + 4
    measure("redis-lookup: requests in 1.5 s through 8 connections", result.ok, "requests")


def test_outage_and_return(looked_up, origin, redis):
    """Redis goes: 500, one line of it in the log; idle connections that died are no failure once it is back."""
    assert get(looked_up.port, "/private/x", "X-Api-Key: secret-1").status == 200
    redis.stop()
    for _ in range(3):
        assert get(looked_up.port, "/private/x", "X-Api-Key: secret-1").status == 500
    assert get(looked_up.port, "/open").status == 200
    redis.start()
    redis.command("SET", "apikey:secret-1", "ann")
    assert get(looked_up.port, "/private/x", "X-Api-Key: secret-1").status == 200
    assert looked_up.log().count("does not answer") == 1 and looked_up.log().count("answers again") == 1


def test_redis_restart_between_two_requests(looked_up, origin, redis):
    for _ in range(2):
        assert get(looked_up.port, "/private/x", "X-Api-Key: secret-1").status == 200
        redis.stop()
        redis.start()
        redis.command("SET", "apikey:secret-1", "ann")


def test_slow_redis_holds_nobody_else(looked_up, origin, redis):
    """Redis hangs: those who ask wait for timeout_ms and fail, the same worker serves others at once."""
    os.kill(redis.process.pid, signal.SIGSTOP)
    try:
        begun, done = time.monotonic(), []
        asking = [threading.Thread(target=lambda: done.append(get(looked_up.port, "/private/x", "X-Api-Key: secret-1").status)) for _ in range(20)]
        for thread in asking:
            thread.start()
        time.sleep(0.1)
        for _ in range(20):
            once = time.monotonic()
            assert get(looked_up.port, "/open").status == 200
            assert time.monotonic() - once < 0.2
        for thread in asking:
            thread.join()
        assert done == [500] * 20 and 0.35 < time.monotonic() - begun < 3
    finally:
        os.kill(redis.process.pid, signal.SIGCONT)
    until(lambda: get(looked_up.port, "/private/x", "X-Api-Key: secret-1").status == 200, 3, "Redis to be asked again")
