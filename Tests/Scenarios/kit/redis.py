"""A real redis-server in a process of its own, without persistence, on a free port; it can be stopped and started again."""

import shutil
import socket
import subprocess
import tempfile

from .gateway import accepts
from .ports import free_port
from .wait import until

PROGRAM = shutil.which("redis-server")


class Redis:
    def __init__(self):
        self.port, self.folder, self.process = free_port(), tempfile.mkdtemp(prefix="sluice-redis-"), None

    def start(self):
        words = ["--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self.folder]
        self.process = subprocess.Popen([PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until(lambda: accepts(self.port), 10, "redis-server to listen")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *words) -> bytes:
        """One command; the raw reply (RESP, one read)."""
        parts = [str(word).encode() for word in words]
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
            client.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
            return client.recv(65536)

    def info(self, name: str) -> int:
        """A number of INFO."""
        text = self.command("INFO").decode()
        return int(text.partition(f"\r\n{name}:")[2].partition("\r\n")[0])
