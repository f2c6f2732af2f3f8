"""Where plugins are kept goes wrong: the same path twice, a folder that may not execute, a disk that is full. Each ends in a clear refusal,
leaves what runs as it was, and leaves no files behind.

Small file systems of their own need root to be mounted; who runs these tests as somebody else skips those, with that reason.
"""

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit.fixtures import KEYS, built, compiled, copy, mapped, plugin
from kit.gateway import ROOT, Gateway, route
from kit.rawclient import get
from kit.wait import until

ROUTES = [route("private", "/private/*", plugins=[{"name": "key-auth", "config": KEYS}]), route("everything", "/*")]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system of its own")


@contextmanager
def mounted(folder: Path, options: str):
    """A file system in memory; gone again at the end, whatever still has it open."""
    folder.mkdir(exist_ok=True)
    result = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "sluice-test", str(folder)], capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"mounting is not allowed here: {result.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def still_works(gateway):
    assert get(gateway.port, "/private/x").status == 401
    assert get(gateway.port, "/private/x", "X-Api-Key: secret-1").status == 200


def hello(folder: Path, value: str) -> Path:
    """The SDK's template, always under the same path, with another header value."""
    source = (ROOT / "SDK/Templates/c/hello.c").read_text()
    assert 'SLUICE_VIEW("world")' in source
    return compiled(folder, "hello", source.replace('SLUICE_VIEW("world")', f'SLUICE_VIEW("{value}")'))


def test_same_path_overwritten_in_place(shared_origin, origin, tmp_path):
    """Built again over the file that is loaded, as a compiler does it: what runs is not touched, the next load is the new one."""
    file = hello(tmp_path, "one")
    with Gateway(
        to=shared_origin, workers=2, plugins_api="local", plugins=[{"name": "hello", "path": str(file)}], global_plugins=[{"name": "hello"}],
    ) as gateway:
        for value in ("two", "three", "two"):
            before = get(gateway.port, "/").status, origin.seen[-1].get("X-Hello")
            (tmp_path / "next").mkdir(exist_ok=True)
            file.write_bytes(hello(tmp_path / "next", value).read_bytes())  # the same inode: every process that had it mapped would see it
            assert (get(gateway.port, "/").status, origin.seen[-1].get("X-Hello")) == before
            answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(file)})
            assert answer.status == 200, answer
            assert get(gateway.port, "/").status == 200 and origin.seen[-1].get("X-Hello") == value
        for pid in gateway.workers():
            until(lambda: len(mapped(pid, "hello")) == 1, 3, "the old generations to be unmapped")
            assert not mapped(pid, str(tmp_path))


@needs_root
def test_plugin_from_a_folder_that_may_not_execute(shared_origin, origin, tmp_path):
    """Only the private copy is ever loaded: where the file came from may be mounted noexec, or read-only."""
    with mounted(tmp_path / "given", "size=4m,noexec") as folder:
        file = copy("key-auth", folder, "given")
        with Gateway(to=shared_origin, plugins_api="local", plugins=[{"name": "key-auth", "path": str(file)}], routes=ROUTES) as gateway:
            still_works(gateway)
            assert gateway.admin("POST", "/v1/plugins/load", {"path": str(file)}).status == 200
            still_works(gateway)


@needs_root
def test_state_directory_that_may_not_execute(shared_origin, tmp_path):
    """There the copies would be loaded from: refused at the start, with the cause and the place."""
    with mounted(tmp_path / "state", "size=16m,noexec") as folder:
        said = Gateway(to=shared_origin, state_directory=str(folder), plugins=[plugin("key-auth")], routes=ROUTES).refused()
        assert "key-auth" in said and str(folder) in said
        assert "noexec" in said or "not permitted" in said.lower()


@needs_root
def test_state_directory_that_may_not_execute_and_no_plugin(shared_origin, origin, tmp_path):
    """Without plugins nothing is executed there; the first load is refused and changes nothing."""
    with mounted(tmp_path / "state", "size=16m,noexec") as folder:
        with Gateway(
            to=shared_origin, plugins_api="local", state_directory=str(folder),
            allow="refused|cannot|not written into the audit",
        ) as gateway:
            answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(built("key-auth"))})
            assert answer.status == 422 and "key-auth" in answer.body.decode(), answer
            assert gateway.admin("GET", "/v1/plugins").json["plugins"] == []
            assert get(gateway.port).status == 200
            assert list((folder / "plugins").rglob("*.so")) == []


def fill(folder: Path, leave: int):
    """Takes all of a file system but `leave` bytes."""
    free = os.statvfs(folder)
    with open(folder / "filler", "ab") as filler:
        filler.write(b"\0" * max(0, free.f_bavail * free.f_frsize - leave))


@needs_root
def test_full_disk(shared_origin, origin, tmp_path):
    """Loading and reloading are refused with the cause; what runs goes on; with room again everything works again."""
    with mounted(tmp_path / "state", "size=8m") as folder:
        with Gateway(
            to=shared_origin, workers=2, plugins_api="local", state_directory=str(folder), plugins=[plugin("key-auth")], routes=ROUTES,
            allow="refused|cannot|not kept|not written into the audit",
        ) as gateway:
            still_works(gateway)
            before = gateway.admin("GET", "/v1/plugins").json["plugins"]
            files = sorted(path.name for path in folder.rglob("*"))
            for leave in (16_384, 4096, 0):
                fill(folder, leave)
                for body in ({"path": str(built("header-transform"))}, {"path": str(built("key-auth")), "name": "key-auth"}):
                    answer = gateway.admin("POST", "/v1/plugins/load", body)
                    assert answer.status in (422, 500, 507), answer
                    assert "o space left" in answer.body.decode(), answer
                assert sorted(path.name for path in folder.rglob("*") if path.name != "filler") == files
                still_works(gateway)
            after = gateway.admin("GET", "/v1/plugins").json["plugins"]
            assert [(one["name"], one["generation"]) for one in after] == [(one["name"], one["generation"]) for one in before]
            (folder / "filler").unlink()
            assert gateway.admin("POST", "/v1/plugins/load", {"path": str(built("header-transform"))}).status == 200
            assert gateway.admin("POST", "/v1/reload").status == 200
            still_works(gateway)


@needs_root
def test_successors_and_restart_of_control_on_a_full_disk(shared_origin, origin, tmp_path):
    """A worker that dies then comes back with its plugins: its copy is there already, and nothing needs to be written."""
    with mounted(tmp_path / "state", "size=8m") as folder:
        with Gateway(
            to=shared_origin, state_directory=str(folder), plugins=[plugin("key-auth")], routes=ROUTES,
            allow="died of|not kept|not written into the audit",
        ) as gateway:
            fill(folder, 0)
            (worker,), control = gateway.workers(), gateway.control()
            os.kill(worker, 9)
            until(lambda: gateway.workers() and gateway.workers() != [worker], 3, "the successor")
            os.kill(control, 9)
            until(lambda: gateway.control() not in (None, control) and gateway.is_healthy(), 10, "the admin API")
            still_works(gateway)


@needs_root
def test_full_disk_at_the_start(shared_origin, tmp_path):
    with mounted(tmp_path / "state", "size=1m") as folder:
        fill(folder, 8192)
        said = Gateway(to=shared_origin, state_directory=str(folder), plugins=[plugin("key-auth")], routes=ROUTES).refused()
        assert "o space left" in said and str(folder) in said
