"""Tasks of Swift plugins run on the worker's own loop: no pool of threads ever starts.

The plugin is compiled from one Swift file that speaks the C contract, so that nothing of the SDK stands between it and the runtime.
"""

import subprocess
import time
from pathlib import Path

import pytest
from kit.fixtures import HEADERS
from kit.gateway import Gateway, route
from kit.rawclient import get

SWIFT = """
import CSluiceABI

nonisolated(unsafe) var host: UnsafePointer<sluice_host>!
nonisolated(unsafe) var onDefault = 0, onMain = 0, late = 0, inActor = 0
actor Counter { var n = 0; func add() -> Int { n += 1; return n } }
let counter = Counter()

@c(task_init) public func initialize(_ h: UnsafePointer<sluice_host>?, _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> Int32 {
    host = h
    return 0
}
@c(task_access) public func access(_ instance: UnsafeMutableRawPointer?, _ request: OpaquePointer?) -> Int32 {
    Task { onDefault += 1 }
    Task.detached(priority: .high) { onDefault += 1 }
    Task { @MainActor in onMain += 1 }
    Task { inActor = await counter.add() }
    Task {
        try await Task.sleep(for: .milliseconds(15))
        await withTaskGroup(of: Int.self) { group in
            for i in 0..<4 { group.addTask { await Task.yield(); return i } }
            for await i in group { late += i }
        }
    }
    let raw = host.pointee.get_extension(host, SLUICE_REQUEST_EDIT_1)!
    let edits = raw.assumingMemoryBound(to: sluice_request_edit_v1.self)
    let text = Array("\\(onDefault) \\(onMain) \\(inActor) \\(late)".utf8), name = Array("x-tasks".utf8)
    return name.withUnsafeBufferPointer { n in
        text.withUnsafeBufferPointer { t in
            edits.pointee.set_header(
                request, sluice_view(data: n.baseAddress, size: UInt64(n.count)), sluice_view(data: t.baseAddress, size: UInt64(t.count)))
        }
    }
}
"""
ENTRY = """
#include <sluice/sluice.h>
#include <string.h>
int32_t task_init(const sluice_host *host, void **state);
int32_t task_access(void *instance, sluice_request *request);
static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .access = task_access};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}
SLUICE_PLUGIN(task_init, NULL, get_extension)
SLUICE_MANIFEST("{\\"name\\":\\"tasks\\",\\"version\\":\\"1.0.0\\",\\"abi\\":1,\\"language\\":\\"swift\\",\\"phases\\":[\\"access\\"]}")
"""


@pytest.fixture(scope="module")
def tasks_plugin(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "tasks.swift").write_text(SWIFT)
    (folder / "entry.c").write_text(ENTRY)
    out = folder / "tasks.so"
    include = ["-I", str(HEADERS)]
    for command in (
        ["clang", "-c", "-O1", "-fPIC", "-fvisibility=hidden", *include, "-o", "entry.o", "entry.c"],
        ["swiftc", "-O", "-parse-as-library", "-module-name", "tasks", "-emit-library", *include, "-o", str(out), "tasks.swift", "entry.o"],
    ):
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
        assert result.returncode == 0, result.stderr
    return out


@pytest.mark.timeout(300)
def test_no_thread_starts(shared_origin, origin, tasks_plugin):
    with Gateway(
        to=shared_origin, workers=1, plugins=[{"name": "tasks", "path": str(tasks_plugin)}],
        routes=[route("everything", "/*", plugins=[{"name": "tasks"}])],
    ) as gateway:
        (worker,) = gateway.workers()
        for _ in range(20):
            assert get(gateway.port, "/length/3").status == 200
            assert len(list(Path(f"/proc/{worker}/task").iterdir())) == 1
        time.sleep(0.2)
        assert get(gateway.port, "/length/3").status == 200
        assert len(list(Path(f"/proc/{worker}/task").iterdir())) == 1
        seen = origin.seen[-1].get("X-Tasks")
        default, main, actor, late = map(int, seen.split())
        assert (default, main, actor, late) == (40, 20, 20, 120)
