"""Plugins loaded, replaced and unloaded over and over under load: no request fails, and nothing is left behind.

SLUICE_TEST_CYCLES is the number of cycles (default 100; a thousand is what the project promises and takes minutes). One cycle loads a
plugin that no route uses, replaces one that every request passes, and unloads the first again.
"""

import os
import time

import pytest
from kit.fixtures import KEYS, copy, mapped, plugin
from kit.footprint import Footprint, Growth
from kit.gateway import Gateway, alive, route
from kit.load import Load
from kit.rawclient import get
from kit.wait import until

CYCLES = int(os.environ.get("SLUICE_TEST_CYCLES", "100"))
SAMPLES = 50
# What may grow a cycle. A worker's heap breathes by some pages; over a thousand cycles 256 bytes each would be a quarter of a MiB.
WORKER_KIB_MAX = 1.0 if CYCLES >= 500 else 4.0
PARKED_KIB_MAX = 64
# Counters of 256 generations, used one after the other, and then the oldest again.
SHARED_KIB_MAX = 256 * 9 + 256


def load(gateway, file, name: str) -> dict:
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(file), "name": name})
    assert answer.status == 200, answer
    file.unlink()
    return answer.json


def unload(gateway, name: str):
    """DELETE may say 202 while the last references go; the name is free when it is gone from the list."""
    answer = gateway.admin("DELETE", f"/v1/plugins/{name}")
    assert answer.status in (200, 202), answer
    until(lambda: gateway.admin("GET", f"/v1/plugins/{name}").status == 404, 5, f"{name} to go")


@pytest.mark.timeout(120 + CYCLES)
def test_cycles_of_a_c_plugin(shared_origin, origin, tmp_path, measure):
    with Gateway(
        to=shared_origin, workers=2, plugins_api="local", plugins=[plugin("key-auth")],
        routes=[route("private", "/private/*", plugins=[{"name": "key-auth", "config": KEYS}]), route("everything", "/*")],
    ) as gateway:
        workers = gateway.workers()
        growth = {pid: Growth(pid) for pid in (*workers, gateway.pid, gateway.control())}
        with Load(gateway.port, connections=4, target="/private/x", lines=["X-Api-Key: secret-1"], pause=0.002) as traffic:
            begun = time.monotonic()
            for cycle in range(CYCLES):
                load(gateway, copy("header-transform", tmp_path, str(cycle)), "header-transform")
                load(gateway, copy("key-auth", tmp_path, str(cycle)), "key-auth")
                unload(gateway, "header-transform")
                if cycle % max(1, CYCLES // SAMPLES) == 0:
                    for pid in workers:
                        until(lambda: len(mapped(pid, "key-auth")) == 1 and not mapped(pid, "header-transform"), 5, "old generations to be unmapped")
                    for one in growth.values():
                        one.sample(cycle)
            took = time.monotonic() - begun
            result = traffic.stop()
        assert result.failures == []
        assert gateway.workers() == workers
        measure(f"{CYCLES} cycles of a C plugin under load ({result.ok:,} requests): each", took / CYCLES)
        judge(growth, workers, gateway, measure)
        for pid in workers:
            assert len(mapped(pid, "key-auth")) == 1 and not mapped(pid, "header-transform")
        assert len(list((gateway.folder / "state/plugins").rglob("*.so"))) <= 5 + 5  # the versions that are kept
        assert get(gateway.port, "/private/x").status == 401


def judge(growth: dict, workers: list, gateway, measure):
    """Nothing grows but by a bounded breath: memory by its slope, the rest by its range."""
    names = {gateway.pid: "master", gateway.control(): "control"}
    for pid, one in growth.items():
        name = names.get(pid, f"worker {pid}")
        measure(f"{name}: memory a cycle", round(one.slope("kib"), 2), "KiB")
        assert one.range("descriptors") <= (2 if pid in workers else 8), f"{name}: {one.samples}"
        assert one.range("threads") <= (0 if pid in workers or pid == gateway.pid else 8), f"{name}: {one.samples}"
        if pid in workers or pid == gateway.pid:
            assert one.range("maps") <= 8, f"{name}: {one.samples}"
            assert one.range("shared_kib") <= SHARED_KIB_MAX, f"{name}: {one.samples}"
            assert one.slope("kib") <= WORKER_KIB_MAX, f"{name}: {one.samples}"
        else:
            assert abs(one.slope("maps")) < 1 and one.slope("kib") <= 64, f"{name}: {one.samples}"


def recycled(gateway, worker: int):
    """A successor takes the worker's place; the old one leaves when its last request has ended."""
    answer = gateway.admin("POST", "/v1/workers/recycle", timeout=30)
    assert answer.status in (200, 202), answer
    until(lambda: gateway.workers() and worker not in gateway.workers() and not alive(worker), 15, "the worker to be replaced")


@pytest.mark.timeout(120 + CYCLES)
def test_cycles_of_a_swift_plugin(shared_origin, origin, tmp_path, measure):
    """A Swift generation is parked, never unmapped; what that costs is bounded and shown, and a recycled worker gives it back."""
    cycles = max(20, CYCLES // 5)
    with Gateway(
        to=shared_origin, workers=1, plugins_api="local", plugins=[plugin("request-id")], global_plugins=[{"name": "request-id"}],
    ) as gateway:
        (worker,) = gateway.workers()
        growth = Growth(worker)
        with Load(gateway.port, connections=4, pause=0.002) as traffic:
            for cycle in range(cycles):
                load(gateway, copy("request-id", tmp_path, str(cycle)), "request-id")
                growth.sample(cycle)
            assert gateway.workers() == [worker] and len(mapped(worker, "request-id")) == cycles + 1
            parked = gateway.admin("GET", "/v1/plugins").json["parked"]
            assert parked["generations"] == cycles and parked["bytes"] > 0
            before = Footprint.of(worker)
            recycled(gateway, worker)
            (successor,) = gateway.workers()
            after = Footprint.of(successor)
            result = traffic.stop()
        assert result.failures == []
        assert len(mapped(successor, "request-id")) == 1 and gateway.admin("GET", "/v1/plugins").json["parked"]["generations"] == 0
        measure("the worker's memory before and after it was recycled", f"{before.kib:,} / {after.kib:,}", "KiB")
        assert after.kib < before.kib - cycles * growth.slope("kib") / 2
        measure(f"a parked Swift generation ({cycles} of them)", round(growth.slope("kib"), 1), "KiB")
        measure("its mappings", round(growth.slope("maps"), 1), "maps")
        assert growth.slope("kib") <= PARKED_KIB_MAX
        assert growth.range("threads") == 0 and growth.range("descriptors") <= 2
        assert get(gateway.port).get("X-Request-Id")
