"""Plugins that go wrong while they serve: each is named with generation, phase, route, address and function; the worker is back at
once, and the other workers never notice. (Those that go wrong while loading: test_plugin_loading.py.)
"""

import os
import re
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
from kit.fixtures import compiled
from kit.gateway import ROOT, Gateway, route
from kit.load import Load
from kit.rawclient import get
from kit.wait import until

PHASES = ["rewrite", "access", "header_filter", "body_filter", "log"]
# fault: (signal, function on top of the stack that matters, address of the fault)
FAULTS = {
    "null": ("SIGSEGV", "fault_null", "0x10"), "abort": ("SIGABRT", "fault_abort", None), "overflow": ("SIGSEGV", "fault_overflow", None),
    "heap": ("SIGABRT", "fault_heap", None), "divide": ("SIGFPE", "fault_divide", None), "jump": ("SIGSEGV", "fault_jump", "0x0"),
    "trap": ("SIGILL", "fault_trap", None), "garbage": ("SIGSEGV", "fault_garbage", None),
}
# What the log says of all this is what the tests are about.
ALLOWED = r"died of signal|deaths in a row|worker \d|plugin faults|free\(\)|malloc|invalid|exited with|respawned"
HOLD_MAX = 0.6


@pytest.fixture(scope="module")
def faulty(shared_origin, tmp_path_factory):
    file = compiled(tmp_path_factory.mktemp("faults"), "faults", (ROOT / "Tests/Kit/plugins/faults.c").read_text())
    every = [(fault, phase) for fault in [*FAULTS, "loop", "exit"] for phase in PHASES]
    routes = [
        route(f"{fault}-{phase}", f"/{fault}/{phase}", plugins=[{"name": "faults", "config": {"fault": fault, "phase": phase}}])
        for fault, phase in every
    ]
    with Gateway(
        to=shared_origin, workers=2, plugins=[{"name": "faults", "path": str(file)}], allow=ALLOWED, plugins_api="local",
        plugin_quarantine={"crashes": 1000},  # this one may crash as often as it likes
        limits={"plugin_hold_warn": "100ms", "plugin_hold_max": f"{int(HOLD_MAX * 1000)}ms"}, routes=[*routes, route("everything", "/*")],
    ) as gateway:
        yield gateway


def crashes(gateway) -> list:
    answer = gateway.admin("GET", "/v1/crashes")
    assert answer.status == 200, answer
    return answer.json["crashes"]


def settled(gateway):
    """Both workers have lived long enough that a death is no start that failed."""
    until(lambda: len(gateway.workers()) == 2, 10, "two workers")
    time.sleep(1.05)
    return gateway.workers()


def ruin(gateway, path: str, timeout: float = 3):
    """Sends a request that its worker does not survive; its answer, if there is one, may come or be cut."""
    try:
        get(gateway.port, path)
    except (OSError, EOFError, AssertionError, ValueError):
        pass


def report_of(gateway, known: set, timeout: float = 5) -> dict:
    def new():
        return next((one for one in crashes(gateway) if one["id"] not in known), None)
    one = until(new, timeout, "a crash report")
    answer = gateway.admin("GET", f"/v1/crashes/{one['id']}")
    assert answer.status == 200, answer
    return answer.json


def suffer(gateway, path: str) -> tuple:
    """(report, seconds until the place of the dead worker is taken by one that serves)"""
    known, before = {one["id"] for one in crashes(gateway)}, settled(gateway)
    log_before = len(gateway.log())
    ruin(gateway, path)
    until(lambda: len(gateway.workers()) == 2 and gateway.workers() != before, 8, "the successor")
    after = gateway.workers()
    assert sum(a == b for a, b in zip(before, after)) == 1, "exactly one worker was replaced"
    report = report_of(gateway, known)
    back = until(lambda: re.search(r"respawned in (\d+) ms", gateway.log()[log_before:]), 3, "the line about the successor")
    return report, int(back[1]) / 1000


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named_and_the_worker_is_back(faulty, measure, fault, phase):
    number, function, address = FAULTS[fault]
    report, back = suffer(faulty, f"/{fault}/{phase}")
    assert (report["plugin"], report["generation"], report["phase"], report["kind"]) == ("faults", 1, phase, "crash")
    assert report["route"] == f"{fault}-{phase}" and report["signal"] == number and report["blamed_by"] == "record"
    if address:
        assert report["fault_address"] == address
    names = [frame.get("symbol", "") for frame in report["stack"]]
    assert any(name.startswith(function + "+0x") for name in names), names
    if fault not in ("overflow", "garbage"):  # 64 frames of itself; nothing below that is true
        assert any(name.startswith("run+0x") for name in names), names
        assert any("Worker" in name or "Pipeline" in name or "main" in name for name in names), "the host's frames have names too"
    assert f"plugin faults@1 in {phase} (route {fault}-{phase}): {number}" in report["summary"] and function in report["summary"]
    assert report["summary"] in faulty.log()
    assert back < 1  # 0.1 s on a quiet machine: what was measured is shown at the end
    if phase == "access":
        measure(f"worker back after {fault}", back)


@pytest.fixture(scope="module")
def faulty_fiber(shared_origin, tmp_path_factory):
    """The same plugin, its hooks on fibers (log never is)."""
    source = "#define FIBER\n" + (ROOT / "Tests/Kit/plugins/faults.c").read_text()
    file = compiled(tmp_path_factory.mktemp("fiber-faults"), "faults", source)
    routes = [route(f"overflow-{phase}", f"/overflow/{phase}", plugins=[{"name": "faults", "config": {"fault": "overflow", "phase": phase}}])
              for phase in PHASES[:4]]
    with Gateway(to=shared_origin, workers=2, plugins=[{"name": "faults", "path": str(file)}], allow=ALLOWED,
                 plugin_quarantine={"crashes": 1000}, routes=[*routes, route("everything", "/*")]) as gateway:
        yield gateway


@pytest.mark.parametrize("phase", PHASES[:4])
def test_overflow_of_a_fibers_stack_meets_its_guard_page(faulty_fiber, phase):
    """A fiber's 256 KiB end at a page that nobody may touch: the plugin is named, the memory beside it is whole, the gateway goes on."""
    report, back = suffer(faulty_fiber, f"/overflow/{phase}")
    assert (report["plugin"], report["generation"], report["phase"], report["kind"]) == ("faults", 1, phase, "crash")
    assert report["signal"] == "SIGSEGV" and report["route"] == f"overflow-{phase}" and report["blamed_by"] == "record"
    assert any(frame.get("symbol", "").startswith("fault_overflow+0x") for frame in report["stack"]), report["stack"]
    assert back < 1 and get(faulty_fiber.port, "/fine").status == 200


@pytest.mark.parametrize("phase", PHASES)
def test_endless_loop_is_ended_and_blamed(faulty, phase):
    begun = time.monotonic()
    report, back = suffer(faulty, f"/loop/{phase}")
    assert (report["plugin"], report["phase"], report["kind"], report["route"]) == ("faults", phase, "hang", f"loop-{phase}")
    assert HOLD_MAX * 1000 * 0.5 < report["held_ms"] < HOLD_MAX * 1000 + 800, report["held_ms"]
    assert any(frame.get("symbol", "").startswith("fault_loop+0x") for frame in report["stack"])
    assert "did not come back" in report["summary"]
    assert f"is held by plugin faults@1 in {phase} for" in faulty.log(), "it was warned about first"
    assert back < 1 and time.monotonic() - begun < 8


def test_plugin_that_ends_the_process_is_blamed(faulty):
    report, _ = suffer(faulty, "/exit/access")
    assert (report["plugin"], report["phase"], report["kind"]) == ("faults", "access", "exit") and "status 7" in report["status"]


def test_other_worker_never_notices(faulty):
    """Keep-alive connections of the worker that stays answer all the time, whatever happens to the other."""
    settled(faulty)
    with Load(faulty.port, connections=6, target="/fine") as load:
        time.sleep(0.2)
        ruin(faulty, "/null/access")
        time.sleep(0.5)
        result = load.stop()
    # Only connections of the worker that died may have failed: at most each of them once.
    assert len(result.failures) <= 6 and result.ok > 100


def test_reports_are_private_files_and_bounded(faulty):
    folder = Path(faulty.config["state_directory"]) / "crashes"
    files = list(folder.iterdir())
    assert 1 <= len(files) <= 64
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert faulty.admin("GET", "/v1/crashes/1-1").status == 404
    assert faulty.admin("GET", "/v1/crashes/..%2fstate-1").status == 404
    assert faulty.admin("POST", "/v1/crashes").status == 405


def test_crash_while_no_control_process_runs_is_reported_later(faulty):
    settled(faulty)
    known, control = {one["id"] for one in crashes(faulty)}, faulty.control()
    os.kill(control, signal.SIGKILL)
    ruin(faulty, "/null/access")
    until(lambda: faulty.control() not in (None, control) and faulty.is_healthy(), 10, "the next control process")
    report = report_of(faulty, known)
    assert (report["plugin"], report["phase"]) == ("faults", "access")


def test_killed_from_outside_is_nobodys_fault(faulty):
    known, before = {one["id"] for one in crashes(faulty)}, settled(faulty)
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(faulty.workers()) == 2 and faulty.workers() != before, 5, "the successor")
    time.sleep(0.3)
    assert {one["id"] for one in crashes(faulty)} == known


# Swift

TRAPS = {"bounds": "pastTheEnd", "unwrap": "forced", "overflow": "tooMuch"}


@pytest.fixture(scope="module")
def trapping(shared_origin, tmp_path_factory):
    package, scratch = ROOT / "Tests/Scenarios/plugins/swift-traps", ROOT / ".build/scenario-swift-traps"
    command = ["swift", "build", "-c", "release", "--package-path", str(package), "--scratch-path", str(scratch),
               "-Xlinker", f"--version-script={ROOT}/SDK/sluice-plugin.map"]
    built = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stdout + built.stderr
    file = tmp_path_factory.mktemp("swift") / "swift-traps.so"
    shutil.copyfile(scratch / "release/libswift-traps.so", file)
    with Gateway(
        to=shared_origin, workers=2, plugins=[{"name": "swift-traps", "path": str(file)}], allow=ALLOWED + "|swift-traps|Fatal error",
        plugin_quarantine={"crashes": 100}, routes=[route("everything", "/*", plugins=[{"name": "swift-traps"}])],
    ) as gateway:
        yield gateway


@pytest.mark.timeout(700)
@pytest.mark.parametrize("trap", TRAPS)
def test_swift_trap_is_named(trapping, trap):
    report, back = suffer(trapping, f"/{trap}")
    assert (report["plugin"], report["generation"], report["phase"], report["kind"]) == ("swift-traps", 1, "rewrite", "crash")
    assert report["route"] == "everything" and report["signal"] in ("SIGILL", "SIGTRAP") and int(report["fault_address"], 16) > 0
    names = [frame.get("symbol", "") for frame in report["stack"]]
    assert any(TRAPS[trap] in name for name in names), names
    assert not any(name.startswith("$s") for name in names), "Swift names are made readable"
    assert back < 0.1
