"""A load generator that counts every request: keep-alive connections in a process of its own, nothing retried.

A request is good when a complete answer with the wanted status came; everything else is a failure with its time and
kind. A connection that the gateway ended *with* an answer (`Connection: close`) is simply opened again.
"""

import argparse
import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass


@dataclass
class Result:
    ok: int
    failures: list  # [seconds since the epoch, kind]
    slowest: float  # seconds


class Load:
    """For example: `with Load(port, connections=4) as load: …; assert not load.stop().failures`."""

    def __init__(self, port: int, connections: int = 4, target: str = "/", lines=(), status: int = 200, pause: float = 0.0):
        self.arguments = [
            sys.executable, __file__, f"--port={port}", f"--connections={connections}", f"--target={target}",
            f"--status={status}", f"--pause={pause}", *[f"--line={line}" for line in lines],
        ]
        self.result = None

    def __enter__(self):
        self.process = subprocess.Popen(self.arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "running\n"
        return self

    def stop(self) -> Result:
        if self.result is None:
            out, _ = self.process.communicate("", timeout=15)
            self.result = Result(**json.loads(out))
            assert self.result.ok, "the load generator got no answer at all"
        return self.result

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        elif self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class Connection(threading.Thread):
    def __init__(self, options, stop):
        super().__init__(daemon=True)
        lines = [f"GET {options.target} HTTP/1.1", "Host: load.example", *options.line, "", ""]
        self.request = "\r\n".join(lines).encode()
        self.options, self.stop = options, stop
        self.ok, self.failures, self.slowest, self.socket = 0, [], 0.0, None

    def run(self):
        while not self.stop.is_set():
            begun = time.monotonic()
            problem = self.exchange()
            self.slowest = max(self.slowest, time.monotonic() - begun)
            if problem:
                self.failures.append([time.time(), problem])
                self.close()
            else:
                self.ok += 1
            if self.options.pause:
                time.sleep(self.options.pause)
        self.close()

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def exchange(self) -> str:
        """Empty when all went well, else what went wrong."""
        try:
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.options.port), timeout=10)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall(self.request)
            return self.read_answer()
        except OSError as error:
            return f"{type(error).__name__}: {error}"

    def read_answer(self) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.socket.recv(65536)
            if not more:
                return f"closed after {len(data)} bytes of the answer's head"
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lower = head.lower()
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        have = len(body)
        while have < length:
            more = self.socket.recv(65536)
            if not more:
                return f"closed after {have} of {length} bytes of the body"
            have += len(more)
        if b"connection: close" in lower:
            self.close()
        status = int(head.split(b" ")[1])
        return "" if status == self.options.status else f"status {status}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--target", default="/")
    parser.add_argument("--line", action="append", default=[])
    parser.add_argument("--status", type=int, default=200)
    parser.add_argument("--pause", type=float, default=0.0)
    options, stop = parser.parse_args(), threading.Event()
    connections = [Connection(options, stop) for _ in range(options.connections)]
    for connection in connections:
        connection.start()
    print("running", flush=True)
    sys.stdin.read()
    stop.set()
    for connection in connections:
        connection.join(12)
    print(json.dumps({
        "ok": sum(connection.ok for connection in connections),
        "failures": sorted(failure for connection in connections for failure in connection.failures),
        "slowest": max(connection.slowest for connection in connections),
    }))


if __name__ == "__main__":
    main()
