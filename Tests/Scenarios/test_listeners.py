"""Where the gateway listens and how a client's address looks then: IPv4, IPv6, both at once on `[::]`, Unix sockets.

A wildcard listener is open to the network while its test runs, on a port that nobody knows.
"""

import json
import socket
import stat

import pytest
from kit.gateway import Gateway
from kit.ports import free_port
from kit.rawclient import Response
from kit.wait import until

REQUEST = b"GET /where HTTP/1.1\r\nHost: test.example\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n"


def ask(address) -> Response:
    """One request over any kind of stream socket."""
    if isinstance(address, str):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        client.connect(address)
    else:
        client = socket.create_connection(address, timeout=5)
    with client:
        client.sendall(REQUEST)
        data = b""
        while more := client.recv(65536):
            data += more
    head, _, body = data.partition(b"\r\n\r\n")
    return Response("HTTP/1.1", int(head.split()[1]), "", [], head, body)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")


@needs_ipv6
def test_one_listener_for_both_families(shared_origin, origin):
    """`[::]` takes IPv4 too; such a client looks to the upstream and to the log as on an IPv4 listener, and is trusted as there."""
    port = free_port()
    with Gateway(
        to=shared_origin, listeners=[{"address": f"[::]:{port}"}], forwarded={"standard": True, "trusted": ["127.0.0.0/8"]},
        log={"access": {"format": "json", "path": "access.log"}},
    ) as gateway:
        for client, chain, forwarded in (("127.0.0.1", "203.0.113.9, 127.0.0.1", "for=127.0.0.1"), ("::1", "::1", 'for="[::1]"')):
            origin.forget()
            assert ask((client, port)).status == 200
            (seen,) = origin.seen
            assert seen.get("X-Forwarded-For") == chain
            assert forwarded in seen.get("Forwarded")
        log = gateway.folder / "access.log"
        until(lambda: log.read_text().count("/where") == 2, 3, "both lines of the access log")
        text = log.read_text()
        assert "::ffff:" not in text
        lines = [json.loads(line) for line in text.splitlines() if "/where" in line]
        assert [line["client"] for line in lines] == ["127.0.0.1", "::1"]


@needs_ipv6
def test_ipv6_listener_of_one_address(shared_origin):
    port = free_port()
    with Gateway(to=shared_origin, listeners=[{"address": f"[::1]:{port}"}]):
        assert ask(("::1", port)).status == 200
        with pytest.raises(ConnectionRefusedError):
            ask(("127.0.0.1", port))


def test_unix_listener(shared_origin, origin, tmp_path):
    path = tmp_path / "gateway.sock"
    tcp = free_port()
    with Gateway(to=shared_origin, listeners=[{"address": f"unix:{path}"}, {"address": f"127.0.0.1:{tcp}"}]):
        mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
        assert ask(str(path)).status == 200
        assert ask(("127.0.0.1", tcp)).status == 200
    assert not path.exists()


@needs_ipv6
@pytest.mark.parametrize("second", ["127.0.0.1", "*", "[::1]"])
def test_what_the_wildcard_covers_cannot_be_listened_on_again(second):
    port = free_port()
    said = Gateway(listeners=[{"address": f"[::]:{port}"}, {"address": f"{second}:{port}"}], routes=[]).refused()
    assert "listeners[1].address" in said
