"""Phases in which a plugin changes what a request is: its body gathered in access, a response of its own, the choice of cluster and
target. The plugin is `plugins/phases.c`; it never waits on anything but the gateway, so no fiber is involved."""

import hashlib
import subprocess

import pytest
from kit.fixtures import compiled
from kit.gateway import ROOT, Gateway, cluster, route
from kit.origin import Origin
from kit.rawclient import Cut, RawClient, get

MODES = ["body-echo", "body-upper", "body-twice", "body-keep", "body-new", "route", "balance", "content", "content-length", "content-rot",
         "content-cut", "content-empty", "content-decline"]
KIB = 1024


@pytest.fixture(scope="module")
def second():
    with Origin("second") as origin:
        yield origin


@pytest.fixture(scope="module")
def phases(shared_origin, second, tmp_path_factory):
    source = (ROOT / "Tests/Scenarios/plugins/phases.c").read_text()
    file = compiled(tmp_path_factory.mktemp("phases"), "phases", source)
    routes = [route(mode, f"/{mode}/*", plugins=[{"name": "phases", "config": {"mode": mode}}]) for mode in MODES]
    routes[MODES.index("balance")]["action"] = {"cluster": "both"}
    with Gateway(
        to=shared_origin, plugins=[{"name": "phases", "path": str(file)}], routes=[*routes, route("everything", "/*")],
        clusters=[cluster("origin", shared_origin.address), cluster("second", second.address),
                  cluster("both", shared_origin.address, second.address)],
        limits={"plugin_body_bytes": 256 * KIB}, allow="plugin phases",
    ) as gateway:
        yield gateway


def post(gateway, path: str, body: bytes, *lines: str, chunked: bool = False, pieces: int = 1):
    with RawClient(gateway.port) as client:
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
        head = "\r\n".join([f"POST {path} HTTP/1.1", "Host: a", framing, *lines, "", ""]).encode()
        size = -(-len(body) // pieces) or 1
        parts = [body[at:at + size] for at in range(0, len(body), size)]
        if chunked:
            parts = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts] + [b"0\r\n\r\n"]
        client.send(head)
        client.send_pieces(parts) if pieces > 1 else client.send(b"".join(parts))
        return client.response("POST")


@pytest.mark.parametrize("size", [0, 1, 1000, 16 * KIB, 100 * KIB, 256 * KIB])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("pieces", [1, 5])
def test_gathered_body_is_the_body(phases, size, chunked, pieces):
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    answer = post(phases, "/body-echo/", body, chunked=chunked, pieces=pieces)
    assert (answer.status, answer.body) == (200, body)
    assert answer.get("X-Filtered") == "yes"


@pytest.mark.parametrize("chunked", [False, True])
def test_changed_body_goes_upstream_with_its_length(phases, origin, chunked):
    answer = post(phases, "/body-upper/x", b"hello" * 3000, chunked=chunked)
    assert answer.status == 200
    seen = origin.wait_for(1)[0]
    assert seen.get("Content-Length") == "15000" and seen.get("Transfer-Encoding") is None
    assert seen.sha256 == hashlib.sha256(b"HELLO" * 3000).hexdigest()


def test_replaced_body(phases, origin):
    assert post(phases, "/body-twice/x", b"ab" * 50_000, pieces=4).status == 200
    seen = origin.wait_for(1)[0]
    assert (seen.get("Content-Length"), seen.sha256) == ("200000", hashlib.sha256(b"ab" * 100_000).hexdigest())


def test_request_without_a_body_gets_one(phases, origin):
    assert get(phases.port, "/body-new/x", method="POST").status == 200
    seen = origin.wait_for(1)[0]
    assert (seen.get("Content-Length"), seen.sha256) == ("3", hashlib.sha256(b"new").hexdigest())


def test_gathered_request_without_a_body(phases, origin):
    assert get(phases.port, "/body-keep/x").status == 200
    assert origin.wait_for(1)[0].get("Content-Length") is None


@pytest.mark.parametrize("chunked", [False, True])
def test_body_above_the_limit(phases, origin, chunked):
    answer = post(phases, "/body-echo/", b"x" * (256 * KIB + 1), chunked=chunked)
    assert answer.status == 413 and b"plugins" in answer.body
    assert origin.seen == []


def test_gathering_asks_a_client_that_waits(phases):
    with RawClient(phases.port) as client:
        client.send(b"POST /body-echo/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.interim().status == 100
        client.send(b"hello")
        assert client.response().body == b"hello"


def test_connection_goes_on_after_a_gathered_body(phases):
    with RawClient(phases.port) as client:
        client.send(b"POST /body-echo/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /body-keep/next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response().body == b"hi"
        assert client.response().status == 200


def test_client_that_leaves_while_its_body_is_gathered(phases, origin):
    with RawClient(phases.port) as client:
        client.send(b"POST /body-upper/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    assert get(phases.port, "/body-keep/after").status == 200
    assert origin.targets() == ["/body-keep/after"]


def test_malformed_chunks_while_gathering(phases):
    with RawClient(phases.port) as client:
        client.send(b"POST /body-echo/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert client.response().status == 400


def test_gathered_body_is_sent_again_when_the_kept_connection_had_died(phases, origin):
    assert post(phases, "/body-upper/x", b"one").status == 200
    origin.drop_connections()
    assert post(phases, "/body-upper/x", b"two").status == 200


@pytest.mark.parametrize("to,status", [("second", 200), ("origin", 200), ("nowhere", 404)])
def test_cluster_by_name(phases, origin, second, to, status):
    second.forget()
    assert get(phases.port, "/route/x", f"X-Cluster: {to}").status == status
    assert (len(origin.seen), len(second.seen)) == {"second": (0, 1), "origin": (1, 0), "nowhere": (0, 0)}[to]


def test_target_by_label(phases, origin, second):
    second.forget()
    for wanted in (origin, second, second, origin, second):
        assert get(phases.port, "/balance/x", f"X-Target: {wanted.address}").status == 200
    assert (len(origin.seen), len(second.seen)) == (2, 3)


def lines(count: int) -> bytes:
    return b"".join(b"%010d\n" % number for number in range(count))


@pytest.mark.parametrize("count", [0, 1, 100, 10_000, 100_000])
@pytest.mark.parametrize("mode,rot", [("content", False), ("content-rot", True), ("content-length", False)])
def test_content_is_streamed(phases, origin, count, mode, rot):
    answer = get(phases.port, f"/{mode}/", f"X-Lines: {count}")
    expected = lines(count)
    if rot:
        expected = expected.translate(bytes.maketrans(b"0123456789", b"9876543210"))
    assert (answer.status, answer.body) == (200, expected)
    assert answer.get("Content-Type") == "text/plain" and answer.get("X-Filtered") == "yes"
    assert origin.seen == []


def test_content_for_a_slow_client_and_the_next_request(phases):
    with RawClient(phases.port, receive_buffer=4096, timeout=20) as client:
        for _ in range(2):
            client.send(b"GET /content/ HTTP/1.1\r\nHost: a\r\nX-Lines: 60000\r\n\r\n")
            assert client.response().body == lines(60_000)


def test_content_for_http_1_0_and_head(phases):
    with RawClient(phases.port) as client:
        client.send(b"GET /content/ HTTP/1.0\r\nX-Lines: 3\r\n\r\n")
        answer = client.response()
        assert answer.body == lines(3) and not answer.chunked
    with RawClient(phases.port) as client:
        for _ in range(2):
            client.send(b"HEAD /content/ HTTP/1.1\r\nHost: a\r\nX-Lines: 3\r\n\r\n")
            assert client.response("HEAD").status == 200
    assert get(phases.port, "/content-empty/").status == 204


def test_content_that_fails_midway_is_cut(phases):
    with RawClient(phases.port) as client, pytest.raises(Cut):
        client.send(b"GET /content-cut/ HTTP/1.1\r\nHost: a\r\nX-Lines: 50000\r\n\r\n")
        client.response()


def test_declined_content_goes_upstream(phases, origin):
    assert get(phases.port, "/content-decline/x").status == 200
    assert origin.targets() == ["/content-decline/x"]


def test_client_that_leaves_during_content(phases):
    for _ in range(20):
        with RawClient(phases.port, receive_buffer=4096) as client:
            client.send(b"GET /content/ HTTP/1.1\r\nHost: a\r\nX-Lines: 90000\r\n\r\n")
            assert client.socket.recv(100)
    assert get(phases.port, "/content/", "X-Lines: 2").body == lines(2)


def test_curl_sees_the_same(phases):
    run = subprocess.run(["curl", "-sS", "-H", "X-Lines: 1000", f"http://127.0.0.1:{phases.port}/content/"], capture_output=True, timeout=10)
    assert run.stdout == lines(1000)
