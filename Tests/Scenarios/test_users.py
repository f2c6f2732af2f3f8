"""Rights and limits of the processes: `user:` with a real second account, and a limit of open files that is too low.

Only root can change users; who runs these tests as somebody else skips those, with that reason.
"""

import ctypes
import os
import pwd
import resource
import signal
import socket
import stat
from pathlib import Path

import pytest
from kit.fixtures import KEYS, built, copy, plugin
from kit.gateway import Gateway, route
from kit.rawclient import get
from kit.wait import until

ACCOUNT = "nobody"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a gateway that becomes somebody else")


def identity(pid: int) -> set:
    """All user and group ids of a process: real, effective, saved, file system."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {(words[0], int(number)) for words in (line.split() for line in lines) if words[0] in ("Uid:", "Gid:") for number in words[1:]}


class Handed(Gateway):
    """A gateway in a folder that the second account may enter."""

    def start(self):
        self.folder.chmod(0o755)
        super().start()


@pytest.fixture
def account():
    return pwd.getpwnam(ACCOUNT)


@needs_root
def test_everything_belongs_to_the_user(shared_origin, origin, account, tmp_path):
    """Children run as the user, the files they need are the user's, and everything that files are needed for works."""
    with Handed(
        to=shared_origin, user=ACCOUNT, workers=2, plugins_api="local", plugins=[plugin("key-auth")],
        log={"error": "error.log", "access": {"format": "combined", "path": "access.log"}},
        routes=[route("private", "/private/*", plugins=[{"name": "key-auth", "config": KEYS}]), route("everything", "/*")],
    ) as gateway:
        gateway.write(listeners=[*gateway.config["listeners"], {"address": f"unix:{gateway.folder}/state/in.sock"}])
        assert gateway.admin("POST", "/v1/reload").status == 200
        children = [*gateway.workers(), gateway.control()]
        assert len(children) == 3
        for pid in children:
            assert identity(pid) == {("Uid:", account.pw_uid), ("Gid:", account.pw_gid)}
        assert {uid for _, uid in identity(gateway.pid)} == {0}
        belongings_are(gateway, account)
        changes_work(gateway, account, tmp_path)
        belongings_are(gateway, account)


def belongings_are(gateway, account):
    """State, logs and the listener's socket."""
    state = gateway.folder / "state"
    things = [state, *state.rglob("*"), gateway.folder / "error.log", gateway.folder / "access.log"]
    assert any(thing.suffix == ".so" for thing in things)
    for thing in things:
        info = thing.lstat()
        assert (info.st_uid, info.st_gid) == (account.pw_uid, account.pw_gid), thing
        assert not info.st_mode & 0o007 or stat.S_ISDIR(info.st_mode) and not info.st_mode & 0o002, thing
    assert stat.S_IMODE((state / "in.sock").lstat().st_mode) == 0o660


def changes_work(gateway, account, tmp_path):
    """Traffic, loading, reloading, rotation, a client of the user on the socket, a successor."""
    assert get(gateway.port, "/private/x").status == 401
    (gateway.folder / "given").mkdir()
    (gateway.folder / "given").chmod(0o755)
    file = copy("key-auth", gateway.folder / "given", "mine")
    file.chmod(0o644)
    assert gateway.admin("POST", "/v1/plugins/load", {"path": str(file), "name": "key-auth"}).status == 200
    assert gateway.admin("POST", "/v1/plugins/load", {"path": str(built("header-transform"))}).status == 200
    assert get(gateway.port, "/private/x", "X-Api-Key: secret-1").status == 200
    assert as_user(account, gateway.folder / "state/in.sock") == b"HTTP/1.1 200"
    for name in ("access", "error"):
        (gateway.folder / f"{name}.log").rename(gateway.folder / f"{name}.log.1")
    gateway.signal(signal.SIGUSR1)
    until(lambda: (gateway.folder / "access.log").exists() and (gateway.folder / "error.log").exists(), 3, "the new logs")
    until(lambda: get(gateway.port).status == 200 and (gateway.folder / "access.log").read_text(), 3, "a line in the new access log")
    old = gateway.workers()[0]
    os.kill(old, signal.SIGKILL)
    until(lambda: len(gateway.workers()) == 2 and old not in gateway.workers(), 3, "the successor")
    until(lambda: get(gateway.port, "/private/x", "X-Api-Key: secret-1").status == 200, 3, "the successor's answer")


def as_user(account, path: Path) -> bytes:
    """Start of the answer that a process of `account` gets through a Unix socket."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.setgroups([]), os.setgid(account.pw_gid), os.setuid(account.pw_uid)
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(5)
                client.connect(str(path))
                client.sendall(b"GET / HTTP/1.1\r\nHost: test.example\r\n\r\n")
                os.write(write, client.recv(12))
        except OSError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with open(read, "rb") as pipe:
        return pipe.read()


@needs_root
def test_restart_as_the_same_user_finds_its_state(shared_origin, account):
    """What root hands over again at the second start includes what the user wrote in the meantime."""
    with Handed(to=shared_origin, user=ACCOUNT, plugins_api="local", plugins=[plugin("key-auth")]) as gateway:
        gateway.stop()
        gateway.start()
        assert gateway.admin("GET", "/v1/plugins/key-auth").status == 200
        assert {info.lstat().st_uid for info in (gateway.folder / "state").rglob("*")} == {account.pw_uid}


@needs_root
def test_existing_log_stays_its_owners(shared_origin, account):
    """Root gives nothing away that was there before: it could be a link that the user put there."""
    gateway = Handed(to=shared_origin, user=ACCOUNT, log={"access": {"format": "combined", "path": "access.log"}})
    target, link = gateway.folder / "somebody-elses", gateway.folder / "access.log"
    target.write_text("")
    link.symlink_to(target)
    with gateway:
        assert get(gateway.port).status == 200
        until(lambda: target.read_text() != "", 3, "the line")
        assert target.stat().st_uid == 0


# Limits

CAP_SYS_RESOURCE, PR_CAPBSET_DROP, PR_CAPBSET_READ = 24, 24, 23


def lowered(files: int):
    """Runs in the new process: the hard limit of open files, and no right to raise it again, root or not."""
    libc = ctypes.CDLL(None, use_errno=True)

    def apply():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        if os.geteuid() == 0 and libc.prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 1:
            if libc.prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "cannot drop CAP_SYS_RESOURCE")

    return apply


def test_too_few_open_files_are_told_with_numbers(shared_origin):
    """limits.connections that the process can never have: refused at the start, with what is needed, allowed, and two cures."""
    said = Gateway(to=shared_origin, before=lowered(500), limits={"connections": 4000}).refused()
    needed = int(said.partition("limit of open files to ")[2].split()[0])
    assert 4000 < needed < 4600
    for part in ("cannot start", "hard 500", f"LimitNOFILE={needed}", "limits.connections"):
        assert part in said, said


def test_just_enough_open_files(shared_origin):
    with Gateway(to=shared_origin, before=lowered(500), limits={"connections": 200}) as gateway:
        assert get(gateway.port).status == 200
        soft, hard = Path(f"/proc/{gateway.workers()[0]}/limits").read_text().partition("Max open files")[2].split()[:2]
        assert int(soft) >= 200 and int(hard) == 500
