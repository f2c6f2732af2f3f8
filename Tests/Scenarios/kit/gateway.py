"""A real gateway in processes of its own: writes a configuration, runs `sluice run -c`, waits, stops, judges the log.

The binary is `.build/release/sluice` of this repository; SLUICE_BIN names another. Everything lives in one temporary
folder that goes when the gateway stops. Processes are found under the master in /proc, never by name.
"""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from .ports import free_port
from .wait import until

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("SLUICE_BIN", ROOT / ".build/release/sluice"))
PLUGINS = Path(os.environ.get("SLUICE_PLUGINS", ROOT / ".build/plugins"))

# What a gateway must never print, whatever the clients and upstreams do.
CRASHES = re.compile(r"Fatal error|\*\*\* |Crash|Sanitizer|Segmentation|died of signal (?!15\b)|Assertion|precondition", re.IGNORECASE)
ERROR_LINE = re.compile(r"^\S+Z error ")
# Errors of a request: an upstream or a client failed, which is what many scenarios are about.
REQUEST_ERROR = re.compile(r"\b(upstream|client|target)\b")


def merged(base: dict, changes: dict) -> dict:
    """`changes` over `base`, maps merged key by key; None removes a key."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def cluster(name: str, *addresses: str, **keys) -> dict:
    return {"id": name, "targets": [{"address": address} for address in addresses], **keys}


def route(name: str, path: str, to: str = "origin", **keys) -> dict:
    return merged({"id": name, "match": {"paths": [path]}, "action": {"cluster": to}}, keys)


class Answer:
    """An answer of the admin API."""

    def __init__(self, status: int, headers, body: bytes):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:500]!r}>"


class Gateway:
    """For example: `with Gateway(to=origin, timeouts={"head": "1s"}) as gateway: get(gateway.port, "/")`."""

    def __init__(self, to=None, allow: str = "", env: dict | None = None, binary: Path = BINARY, before=None, **changes):
        """`to`: the origin(s) behind cluster `origin` and route `/*`. `allow`: log lines that are no failure (regex).
        `before` runs in the new process ahead of the program: limits, rights."""
        self.allow, self.env, self.binary, self.before = allow, env or {}, binary, before
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-scenario-"))
        self.port, self.admin_port, self.dyups_port = free_port(), free_port(), free_port()
        self.file = self.folder / "sluice.yaml"
        self.config = merged(self._base(to), changes)
        self.process = None
        self.measured = {}
        self.token = None  # sent with every call of the admin API
        self.authority = None  # PEM file of who signed the admin API's certificate

    def _base(self, to) -> dict:
        origins = to if isinstance(to, (list, tuple)) else [to] if to else []
        base = {
            "version": 1, "workers": 1,
            "state_directory": str(self.folder / "state"), "pid_file": str(self.folder / "sluiced.pid"),
            "listeners": [{"address": f"127.0.0.1:{self.port}"}],
            "admin": {"listen": f"127.0.0.1:{self.admin_port}"}, "dyups": {"listen": f"127.0.0.1:{self.dyups_port}"},
            "log": {"level": "info", "error": "stderr"}, "timeouts": {"drain": "5s"},
        }
        if origins:
            base["clusters"] = [cluster("origin", *(origin.address for origin in origins))]
            base["routes"] = [route("everything", "/*")]
        return base

    # Life

    def write(self, **changes):
        """Changes the configuration and writes the file; the running gateway does not know yet."""
        self.config = merged(self.config, changes)
        self.write_text(yaml.dump(self.config, Dumper=Plain, sort_keys=False))

    def write_text(self, text: str):
        self.file.write_text(text)

    def __enter__(self):
        if not self.file.exists():
            self.write()
        try:
            self.start()
        except BaseException:
            self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def start(self):
        assert self.binary.exists(), f"{self.binary} is missing: run `make build` first, or name another in SLUICE_BIN"
        self.stderr = self.folder / "stderr"
        begun = time.monotonic()
        with open(self.stderr, "ab") as out:
            self.process = subprocess.Popen(
                [str(self.binary), "run", "-c", str(self.file)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, cwd=self.folder, env={**os.environ, **self.env}, preexec_fn=self.before,
            )
        try:
            until(lambda: self._is_up(), 15, "the listeners and /healthz to answer")
        except AssertionError:
            self.kill()
            raise AssertionError(f"gateway did not start:\n{self.log()}") from None
        self.measured["start"] = time.monotonic() - begun

    def _is_up(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"gateway ended with {self.process.returncode} while starting")
        places = [listener["address"].rpartition(":")[::2] for listener in self.config["listeners"]]
        return all(accepts(int(port), host) for host, port in places if port.isdigit()) and self.is_healthy()

    def is_healthy(self) -> bool:
        """The admin API answers (or is configured off)."""
        if self.config["admin"]["listen"] == "off":
            return True
        try:
            return self.admin("GET", "/healthz").status == 200
        except OSError:
            return False

    def stop(self, timeout: float = 10.0):
        """SIGTERM, exit code 0 within `timeout`, and nothing bad in the log."""
        self.process.send_signal(signal.SIGTERM)
        code = self.wait_end(timeout)
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.log()}"
        self.judge_log()

    def wait_end(self, timeout: float = 10.0) -> int:
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"gateway still ran {timeout} s later:\n{self.log()}") from None

    def kill(self):
        """The last resort: every process of this gateway's own session."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)

    def __exit__(self, kind, *_):
        try:
            if self.process and self.process.poll() is None:
                self.stop() if kind is None else self.kill()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def refused(self, timeout: float = 15.0) -> str:
        """Runs a gateway that must not start: exit code not 0 within `timeout`; what it said."""
        if not self.file.exists():
            self.write()
        command = [str(self.binary), "run", "-c", str(self.file)]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=timeout, cwd=self.folder, env={**os.environ, **self.env},
                preexec_fn=self.before)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        assert result.returncode > 0, f"ended with {result.returncode}: {result.stderr}"
        return result.stderr

    # What it says

    def log(self) -> str:
        return self.stderr.read_text(errors="replace") if self.stderr.exists() else ""

    def judge_log(self):
        bad = [line for line in self.log().splitlines() if self._is_bad(line)]
        assert not bad, "the log has lines that must not be there:\n" + "\n".join(bad)

    def _is_bad(self, line: str) -> bool:
        if self.allow and re.search(self.allow, line):
            return False
        return bool(CRASHES.search(line)) or bool(ERROR_LINE.match(line) and not REQUEST_ERROR.search(line))

    def admin(self, method: str, path: str, body=None, content_type: str = "application/json", timeout: float = 10, headers=None) -> Answer:
        """A call of the admin API; `body` is sent as JSON unless it is bytes."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        scheme = "https" if self.authority else "http"
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.admin_port}{path}", data, method=method)
        if data is not None:
            request.add_header("Content-Type", content_type)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        context = ssl.create_default_context(cafile=self.authority) if self.authority else None
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=context) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    # Its processes

    @property
    def pid(self) -> int:
        return self.process.pid

    def _children(self) -> list:
        found = []
        for entry in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            try:
                found.append((int(entry), Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")))
            except (FileNotFoundError, ProcessLookupError):  # gone before or while it is read
                pass
        return found

    def workers(self) -> list:
        """Process ids of the workers alive, by worker index."""
        found = [(int(words[words.index(b"--worker") + 1]), pid) for pid, words in self._children() if b"--worker" in words]
        return [pid for _, pid in sorted(found)]

    def control(self) -> int | None:
        found = [pid for pid, words in self._children() if b"control" in words]
        return found[0] if found else None

    def signal(self, number: int):
        self.process.send_signal(number)


def memory_kib(pid: int) -> int:
    """Resident memory that is the process's own (anonymous and shared pages, not file pages of binaries)."""
    text = Path(f"/proc/{pid}/status").read_text()
    return sum(int(re.search(rf"^{key}:\s+(\d+)", text, re.M)[1]) for key in ("RssAnon", "RssShmem"))


def alive(pid: int) -> bool:
    """The process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Plain(yaml.SafeDumper):
    """Writes every value out: the gateway refuses anchors."""

    def ignore_aliases(self, data):
        return True


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection(("::1" if host == "[::1]" else "127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def sluice(*arguments, timeout: float = 20, env: dict | None = None) -> subprocess.CompletedProcess:
    """Runs the `sluice` command to its end."""
    return subprocess.run(
        [str(BINARY), *map(str, arguments)], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
    )
