"""An HTTP/1.1 origin whose behaviour a test writes: one asyncio loop in a thread of its own.

It remembers every head exactly as it was received (`seen`), which is how a test proves what the gateway sent or did
not send. Ready-made behaviours by path are in `behaviours.py`; `on(path)` adds one for a test.
"""

import asyncio
import hashlib
import socket
import struct
import threading
from dataclasses import dataclass, field

from . import behaviours, wait


@dataclass
class Seen:
    """A request as it arrived. `finished` is True once its whole body was read."""

    head: bytes
    connection: int
    index: int
    finished: bool = False
    body_bytes: int = 0
    sha256: str = ""
    chunked: bool = False
    trailers: list = field(default_factory=list)
    chunks: int = 0

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    @property
    def fields(self) -> list:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines if line)]

    def all(self, name: str) -> list:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: str, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"origin got {name} {len(values)} times: {values}"
        return values[0] if values else default


class Exchange:
    """One request in the hands of a behaviour."""

    def __init__(self, origin, seen: Seen, reader, writer):
        self.origin, self.seen, self.reader, self.writer = origin, seen, reader, writer
        self.keep = True
        self.raw_body = None

    async def send(self, data: bytes):
        self.writer.write(data)
        await self.writer.drain()

    async def body(self, collect: bool = False, pause=None) -> Seen:
        """Reads the whole request body. `pause(total)` is awaited after each piece: a slow reader."""
        seen, digest, parts = self.seen, hashlib.sha256(), []
        async for piece in self._pieces():
            digest.update(piece)
            seen.body_bytes += len(piece)
            if collect:
                parts.append(piece)
            if pause:
                await pause(seen.body_bytes)
        seen.sha256, seen.finished = digest.hexdigest(), True
        self.raw_body = b"".join(parts)
        return seen

    async def _pieces(self):
        if (self.seen.get("Transfer-Encoding") or "").lower() == "chunked":
            self.seen.chunked = True
            while size := int((await self._line()).split(b";")[0], 16):
                self.seen.chunks += 1
                while size:
                    piece = await self._some(min(size, 1 << 20))
                    size -= len(piece)
                    yield piece
                assert await self.reader.readexactly(2) == b"\r\n"
            while line := await self._line():
                self.seen.trailers.append(line.decode("latin-1"))
            return
        left = int(self.seen.get("Content-Length") or 0)
        while left:
            piece = await self._some(min(left, 1 << 20))
            left -= len(piece)
            yield piece

    async def _some(self, count: int) -> bytes:
        piece = await self.reader.read(count)
        if not piece:
            raise asyncio.IncompleteReadError(b"", count)
        return piece

    async def _line(self) -> bytes:
        return (await self.reader.readuntil(b"\r\n"))[:-2]

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        self.keep = False
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Origin:
    def __init__(self, label: str = "origin", backlog: int = 1024):
        self.label, self.backlog = label, backlog
        self.seen, self.connections, self.open = [], 0, 0
        self.behaviours = dict(behaviours.STANDARD)
        self._writers = set()

    def on(self, path: str):
        """Decorator: `async def behaviour(exchange)` for requests whose path is this one or goes on with `/`."""
        def add(behaviour):
            self.behaviours[path] = behaviour
            return behaviour
        return add

    def forget(self):
        """Forgets what was seen and what tests added; connections stay open. What has arrived already is forgotten too."""
        asyncio.run_coroutine_threadsafe(self._forget(), self.loop).result(10)
        self.behaviours = dict(behaviours.STANDARD)

    async def _forget(self):
        for _ in range(5):  # turns of the loop: accept, read and note what waits in the sockets
            await asyncio.sleep(0)
        self.seen.clear()

    def targets(self) -> list:
        return [seen.target for seen in list(self.seen)]

    def wait_for(self, count: int, timeout: float = 5.0) -> list:
        """The requests seen once there are `count` of them."""
        wait.until(lambda: len(self.seen) >= count, timeout, f"{count} requests at {self.label}")
        return list(self.seen)

    def drop_connections(self):
        """Closes every connection the gateway keeps to this origin, and waits until that is done."""
        asyncio.run_coroutine_threadsafe(self._drop(), self.loop).result(5)

    async def _drop(self):
        for writer in list(self._writers):
            writer.close()
        await asyncio.sleep(0.02)

    def __enter__(self):
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name=self.label, daemon=True)
        self._thread.start()
        assert started.wait(5), "origin did not start"
        self.address = f"127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)
        assert not self._thread.is_alive(), f"{self.label} did not stop"

    def _run(self, started):
        asyncio.run(self._serve(started))

    async def _serve(self, started):
        self.loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.loop.set_exception_handler(lambda *_: None)
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=1 << 18, backlog=self.backlog)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connection(self, reader, writer):
        number, index = self.connections, 0
        self.connections += 1
        self.open += 1
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                seen = Seen(head[:-2], number, index)
                self.seen.append(seen)
                exchange = Exchange(self, seen, reader, writer)
                await self._behaviour(seen)(exchange)
                index += 1
                if not exchange.keep:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._writers.discard(writer)
            writer.close()

    def _behaviour(self, seen: Seen):
        path = seen.target.split("?")[0]
        while path:
            if path in self.behaviours:
                return self.behaviours[path]
            path = path.rpartition("/")[0]
        return self.behaviours["/"]
