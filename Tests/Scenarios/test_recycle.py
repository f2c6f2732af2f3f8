"""Replacing the workers one after the other: no failed request, and what only the end of a process gives back is given back."""

import time

import pytest
from kit.fixtures import copy, mapped, plugin
from kit.gateway import Gateway, memory_kib
from kit.load import Load
from kit.rawclient import get
from kit.wait import until


@pytest.fixture
def gateway(shared_origin, origin):
    with Gateway(
        to=shared_origin, workers=2, plugins_api="local", plugins=[plugin("request-id")], global_plugins=[{"name": "request-id"}],
    ) as gateway:
        yield gateway


def recycle(gateway, timeout: float = 15) -> float:
    """Seconds until every worker is another one and nobody drains any more."""
    before, begun = gateway.workers(), time.monotonic()
    answer = gateway.admin("POST", "/v1/workers/recycle")
    assert answer.status == 202 and [one["pid"] for one in answer.json["recycling"]] == before, answer
    until(lambda: gateway.log().count("all workers recycled"), timeout, "the end of the recycling")
    after = gateway.workers()
    assert len(after) == 2 and not set(before) & set(after)
    return time.monotonic() - begun


def test_no_request_fails(gateway, measure):
    served = gateway.admin("GET", "/v1/status").json
    with Load(gateway.port, connections=4, target="/x") as load:
        time.sleep(0.3)
        took = recycle(gateway)
        time.sleep(0.3)
        result = load.stop()
    assert result.failures == [] and result.ok > 100
    measure("recycling of 2 workers under load", took)
    status = gateway.admin("GET", "/v1/status").json
    assert [one["pid"] for one in status["workers"]] == gateway.workers() and [one["worker"] for one in status["workers"]] == [0, 1]
    assert status["restarts"]["workers"] == served["restarts"]["workers"] == 0, "a recycled worker is no worker that died"


def test_counters_go_on(gateway):
    def total():
        text = gateway.admin("GET", "/metrics").body.decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("sluice_requests_total"))
    for _ in range(20):
        assert get(gateway.port).status == 200
    before = total()
    assert before >= 20
    recycle(gateway)
    assert total() >= before


def test_parked_generations_go(gateway, tmp_path):
    """Swift plugins are parked, never unmapped; a recycled worker maps the current one only."""
    for number in range(5):
        file = copy("request-id", tmp_path, str(number))
        assert gateway.admin("POST", "/v1/plugins/load", {"path": str(file), "name": "request-id"}).status == 200
    old = gateway.workers()
    assert all(len(mapped(pid, "/request-id/")) == 6 for pid in old)
    size = max(memory_kib(pid) for pid in old)
    recycle(gateway)
    assert all(len(mapped(pid, "/request-id/")) == 1 for pid in gateway.workers())
    assert max(memory_kib(pid) for pid in gateway.workers()) < size
    assert get(gateway.port).get("X-Request-Id")


def test_changes_go_on_meanwhile(gateway, tmp_path):
    """A change that comes in between goes first; the workers still all get replaced."""
    before = gateway.workers()
    assert gateway.admin("POST", "/v1/workers/recycle").status == 202
    for number in range(5):
        file = copy("request-id", tmp_path, str(number))
        assert gateway.admin("POST", "/v1/plugins/load", {"path": str(file), "name": "request-id"}).status == 200
    until(lambda: "all workers recycled" in gateway.log(), 15, "the end of the recycling")
    assert not set(before) & set(gateway.workers())
    generation = gateway.admin("GET", "/v1/plugins/request-id").json["generation"]
    for pid in gateway.workers():
        until(lambda: any(f"/{generation}-" in path for path in mapped(pid, "/request-id/")), 3, "the current generation in each worker")


def test_stop_while_recycling(gateway):
    assert gateway.admin("POST", "/v1/workers/recycle").status == 202
    gateway.stop()
