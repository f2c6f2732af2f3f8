"""A client that sends exactly the bytes it is told, in the pieces it is told, and reads strictly what comes back.

It never mends anything: a malformed answer is an assertion, so that the gateway cannot hide behind a lenient reader.
"""

import socket
import time
from dataclasses import dataclass, field


@dataclass
class Response:
    version: str
    status: int
    reason: str
    fields: list
    head: bytes
    body: bytes = b""
    trailers: list = field(default_factory=list)
    interim: list = field(default_factory=list)
    chunked: bool = False

    def all(self, name: str) -> list:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: str, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else default

    def closes(self) -> bool:
        """The answer says that this connection ends with it."""
        return "close" in [token.strip().lower() for value in self.all("Connection") for token in value.split(",")]


class Cut(AssertionError):
    """The connection ended inside a message; `got` holds the bytes of the unfinished part."""

    def __init__(self, where: str, got: bytes):
        super().__init__(f"connection ended in {where} after {got[-200:]!r}")
        self.got = got


class RawClient:
    def __init__(self, port: int, timeout: float = 8.0, receive_buffer: int = 0, host: str = "127.0.0.1"):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def send_pieces(self, pieces, gap: float = 0.01):
        """Each piece in a packet of its own, `gap` seconds apart."""
        for piece in pieces:
            self.socket.sendall(piece)
            time.sleep(gap)

    def send_what_fits(self, data: bytes) -> bool:
        """Like `send`, but a peer that answers and closes meanwhile is no error; False then."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def response(self, method: str = "GET") -> Response:
        """The next final answer; interim ones before it are in `.interim`. `method` decides whether there is a body."""
        interim = []
        while True:
            answer = self._head()
            if answer.status < 200 and answer.status != 101:
                interim.append(answer)
                continue
            answer.interim = interim
            self._body(answer, method)
            return answer

    def interim(self) -> Response:
        """The next head alone, which must be a 1xx."""
        answer = self._head()
        assert answer.status < 200, answer
        return answer

    def rest(self) -> bytes:
        """Everything until the peer closes."""
        while self._more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def is_closed(self, within: float = 2.0) -> bool:
        """The peer ends the connection within that time and sends nothing before."""
        if self.buffer:
            return False
        old = self.socket.gettimeout()
        self.socket.settimeout(within)
        try:
            data = self.socket.recv(65536)
            self.buffer += data
            return data == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(old)

    def _more(self) -> bool:
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            return False
        self.buffer += data
        return data != b""

    def _until(self, mark: bytes, where: str) -> bytes:
        while mark not in self.buffer:
            if not self._more():
                raise Cut(where, self.buffer)
        part, _, self.buffer = self.buffer.partition(mark)
        return part

    def _exactly(self, count: int, where: str) -> bytes:
        parts, have = [], 0
        while True:
            take = self.buffer[: count - have]
            self.buffer = self.buffer[len(take):]
            parts.append(take)
            have += len(take)
            if have == count:
                return b"".join(parts)
            if not self._more():
                raise Cut(where, b"".join(parts))

    def _head(self) -> Response:
        head = self._until(b"\r\n\r\n", "a response head")
        lines = head.decode("latin-1").split("\r\n")
        assert not any("\n" in line or "\r" in line for line in lines), f"bare CR or LF in {head!r}"
        version, status, reason = (lines[0].split(" ", 2) + [""])[:3]
        assert version in ("HTTP/1.1", "HTTP/1.0") and len(status) == 3, f"status line {lines[0]!r}"
        return Response(version, int(status), reason, _fields(lines[1:]), head)

    def _body(self, answer: Response, method: str):
        if method == "HEAD" or answer.status in (101, 204, 304):
            return
        lengths, codings = answer.all("Content-Length"), answer.all("Transfer-Encoding")
        assert not (lengths and codings), f"both framings in {answer.head!r}"
        if codings:
            assert codings == ["chunked"], codings
            answer.chunked = True
            answer.body, answer.trailers = self._chunks()
        elif lengths:
            assert len(lengths) == 1 and lengths[0].isdigit(), lengths
            answer.body = self._exactly(int(lengths[0]), "a response body")
        else:
            answer.body = self.rest()

    def _chunks(self):
        parts = []
        while True:
            size = int(self._until(b"\r\n", "a chunk size").split(b";")[0], 16)
            if size == 0:
                break
            parts.append(self._exactly(size, "a chunk"))
            assert self._exactly(2, "the end of a chunk") == b"\r\n"
        trailers = []
        while line := self._until(b"\r\n", "the trailers"):
            trailers.append(line.decode("latin-1"))
        return b"".join(parts), _fields(trailers)


def _fields(lines) -> list:
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        assert colon and name and not name.isspace() and name == name.strip(), f"field line {line!r}"
        fields.append((name, value.strip(" \t")))
    return fields


def once(port: int, data: bytes, method: str = "GET", timeout: float = 8.0) -> Response:
    """One exchange on a connection of its own."""
    with RawClient(port, timeout) as client:
        client.send(data)
        return client.response(method)


def get(port: int, target: str = "/", *lines: str, method: str = "GET", host: str = "test.example") -> Response:
    """One plain request with extra header lines."""
    head = "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {host}", *lines, "", ""])
    return once(port, head.encode("latin-1"), method)
