"""Upgrade: a real WebSocket client and server through the gateway, refusals, and tunnels of anything else.

RFC 9110 section 7.8 and RFC 6455; idle limits of tunnels are here too.
"""

import threading
from contextlib import ExitStack

import pytest
from kit.behaviours import respond
from kit.gateway import Gateway
from kit.rawclient import RawClient, get
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve

UPGRADE = b"GET /tunnel HTTP/1.1\r\nHost: test.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


def handle(socket):
    """Echo; `close` ends with a code of our own, `hello` is greeted first."""
    if socket.request.path == "/hello":
        socket.send("welcome")
    for message in socket:
        if message == "close":
            socket.close(4321, "as you wish")
            return
        socket.send(message)


class WebSocketOrigin:
    def __enter__(self):
        self.server = serve(handle, "127.0.0.1", 0, max_size=8 << 20)
        self.address = "127.0.0.1:%d" % self.server.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join(5)


@pytest.fixture(scope="module")
def websocket_gateway():
    with WebSocketOrigin() as origin, Gateway(to=origin, timeouts={"tunnel_idle": "1s"}) as gateway:
        yield gateway


def dial(gateway, path="/", **keys):
    return connect(f"ws://127.0.0.1:{gateway.port}{path}", open_timeout=5, max_size=8 << 20, **keys)


def test_text_binary_and_ping(websocket_gateway):
    with dial(websocket_gateway) as client:
        for message in ("hello", "ü" * 1000, b"\x00\xff" * 500, b"z" * (2 << 20)):
            client.send(message)
            assert client.recv(timeout=10) == message
        assert client.ping().wait(5)


def test_server_speaks_first(websocket_gateway):
    with dial(websocket_gateway, "/hello") as client:
        assert client.recv(timeout=5) == "welcome"


def test_close_code_comes_through(websocket_gateway):
    with dial(websocket_gateway) as client:
        client.send("close")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=5)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "as you wish")


def test_thirty_at_once(websocket_gateway):
    with ExitStack() as stack:
        clients = [stack.enter_context(dial(websocket_gateway)) for _ in range(30)]
        for number, client in enumerate(clients):
            client.send(str(number))
        assert [client.recv(timeout=5) for client in clients] == [str(number) for number in range(30)]


def test_idle_tunnel_is_closed(websocket_gateway):
    with dial(websocket_gateway, ping_interval=None) as client:
        client.send("x")
        assert client.recv(timeout=5) == "x"
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=4)


def tunnel(origin):
    @origin.on("/tunnel")
    async def behaviour(exchange):
        await exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst:")
        while data := await exchange.reader.read(65536):
            await exchange.send(data.upper())
        await exchange.send(b":last")
        exchange.keep = False


def test_bytes_right_behind_the_101_and_half_close(gateway, origin):
    tunnel(origin)
    with RawClient(gateway.port) as client:
        client.send(UPGRADE)
        answer = client.response()
        assert (answer.status, answer.get("Upgrade")) == (101, "echo")
        assert "upgrade" in answer.get("Connection").lower()
        client.send(b"some bytes that are GET / HTTP/1.1\r\n\r\n")
        client.finish_sending()
        assert client.rest() == b"first:SOME BYTES THAT ARE GET / HTTP/1.1\r\n\r\n:last"
    seen = origin.seen[0]
    assert (seen.get("Upgrade"), seen.get("Connection").lower()) == ("echo", "upgrade")


def test_large_tunnel_both_ways(gateway, origin):
    tunnel(origin)
    data = b"abcdefgh" * (1 << 18)
    with RawClient(gateway.port) as client:
        client.send(UPGRADE)
        assert client.response().status == 101
        sender = threading.Thread(target=lambda: (client.send(data), client.finish_sending()))
        sender.start()
        assert client.rest() == b"first:" + data.upper() + b":last"
        sender.join(5)


def test_refused_upgrade_is_an_ordinary_answer(gateway, origin):
    @origin.on("/tunnel")
    async def refuse(exchange):
        await respond(exchange, 426, b"no tunnels\n", "Upgrade: other", "Connection: upgrade")

    with RawClient(gateway.port) as client:
        client.send(UPGRADE)
        answer = client.response()
        assert (answer.status, answer.body) == (426, b"no tunnels\n")
        client.send(b"GET /next HTTP/1.1\r\nHost: test.example\r\n\r\n")
        assert client.response().status == 200


def test_upgrade_not_named_by_connection_stays_here(gateway, origin):
    get(gateway.port, "/", "Upgrade: websocket")
    assert origin.seen[0].all("Upgrade") == []


def test_101_nobody_asked_for_is_a_bad_gateway(gateway, origin):
    """RFC 9110 section 15.2.2: only a request with Upgrade may be answered by 101."""
    tunnel(origin)
    answer = get(gateway.port, "/tunnel")
    assert answer.status == 502


@pytest.mark.parametrize("value", ["h2c", "H2C", "websocket, h2c"])
def test_no_tunnel_to_http_2(gateway, origin, value):
    """Requests inside an h2c tunnel would pass routes and plugins unseen: the upstream is not even asked."""
    get(gateway.port, "/", "Connection: Upgrade, HTTP2-Settings", f"Upgrade: {value}", "HTTP2-Settings: AAMAAABkAAQAAP__")
    assert origin.seen[0].all("Upgrade") == [] and origin.seen[0].all("HTTP2-Settings") == []
