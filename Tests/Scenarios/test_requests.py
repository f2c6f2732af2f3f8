"""Requests through the gateway: methods, targets, versions, pipelining, connection reuse.

Header fields are in `test_headers.py`, bodies in `test_bodies.py`, refusals in `test_limits.py` and `test_smuggling_*`.
"""

import json

import pytest
from kit.rawclient import RawClient, get, once
from kit.wait import until

HOST = b"Host: test.example\r\n"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PURGE", "M-SEARCH", "get"])
def test_method_goes_through_as_it_is(gateway, origin, method):
    answer = get(gateway.port, "/m", "Content-Length: 0", method=method)
    assert answer.status == 200
    assert [(seen.method, seen.target) for seen in origin.seen] == [(method, "/m")]


@pytest.mark.parametrize("target", [
    "/", "/a/b", "/a%20b", "/.well-known/x", "/x?", "/x?a=1&b=%2F&c", "/x?a=/../b", "/semi;colon=1", "/~tilde!$&'()*+,=:@", "//double//slash",
    "/" + "p" * 4000, "/?" + "q" * 4000,
])
def test_target_goes_through_byte_for_byte(gateway, origin, target):
    assert get(gateway.port, target).status == 200
    assert origin.targets() == [target]


@pytest.mark.parametrize("target,sent", [
    ("/%2e%41", "/.A"), ("/a/./b", "/a/b"), ("/a/../b?x=/../y", "/b?x=/../y"), ("/a/%2E%2e/b", "/b"), ("/a%2fb", "/a%2Fb"), ("/a/..", "/"),
    ("/%61%7e%2D", "/a~-"), ("/...", "/..."),
])
def test_unusual_spellings_go_upstream_as_they_were_routed(gateway, origin, target, sent):
    """RFC 3986 sections 5.2.4 and 6.2.2: what the route was chosen by is what the upstream gets."""
    assert get(gateway.port, target).status == 200
    assert origin.targets() == [sent]


@pytest.mark.parametrize("target", ["/..", "/../etc/passwd", "/a/%2e%2e/../b", "/%", "/%4", "/%zz", "/a%00b"])
def test_paths_that_mean_nothing_are_refused(gateway, origin, target):
    assert get(gateway.port, target).status == 400
    assert origin.targets() == []


@pytest.mark.parametrize("target,path,host", [
    ("http://other.example/p?q=1", "/p?q=1", "other.example"),
    ("http://other.example", "/", "other.example"),
    ("http://other.example:8081?x=1", "/?x=1", "other.example:8081"),
    ("HTTP://Other.Example/", "/", "Other.Example"),
])
def test_absolute_form_decides_host_and_becomes_origin_form(gateway, origin, target, path, host):
    """RFC 9112 section 3.2.2: a proxy ignores the received Host and replaces it by the target's authority."""
    assert get(gateway.port, target, host="ignored.example").status == 200
    assert [(seen.target, seen.get("Host").lower()) for seen in origin.seen] == [(path, host.lower())]


def test_options_asterisk(gateway, origin):
    """RFC 9112 section 3.2.4: `*` stays `*` when it is sent on; a gateway may as well answer itself."""
    assert get(gateway.port, "*", method="OPTIONS").status in (200, 204)
    assert origin.targets() in ([], ["*"])


@pytest.mark.parametrize("cut", range(1, 60, 3))
def test_request_in_two_packets(gateway, origin, cut):
    request = b"GET /split?a=b HTTP/1.1\r\nHost: test.example\r\nX-One: 1\r\n\r\n"
    with RawClient(gateway.port) as client:
        client.send_pieces([request[:cut], request[cut:]], gap=0.005)
        assert client.response().status == 200
    assert origin.targets() == ["/split?a=b"]


def test_request_byte_by_byte(gateway, origin):
    request = b"POST /bytewise HTTP/1.1\r\nHost: test.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"
    with RawClient(gateway.port) as client:
        client.send_pieces([bytes([byte]) for byte in request], gap=0.001)
        assert json.loads(client.response().body)["body_bytes"] == 3
    assert origin.targets() == ["/bytewise"]


def test_empty_lines_before_the_request_line_are_skipped(gateway, origin):
    """RFC 9112 section 2.2: at least one empty line (CRLF) before the request-line is ignored."""
    assert once(gateway.port, b"\r\nGET /after-empty HTTP/1.1\r\n" + HOST + b"\r\n").status == 200
    assert origin.targets() == ["/after-empty"]


def test_pipelined_requests_are_answered_in_order(gateway, origin):
    requests = [b"GET /slow/150 HTTP/1.1\r\n", b"GET /second HTTP/1.1\r\n", b"GET /bytes/5 HTTP/1.1\r\n"]
    with RawClient(gateway.port) as client:
        client.send(b"".join(line + HOST + b"\r\n" for line in requests))
        answers = [client.response() for _ in requests]
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert answers[0].body == b"slow but here\n"
        assert "GET /second " in json.loads(answers[1].body)["head"]
        assert len(answers[2].body) == 5


def test_pipelined_requests_with_bodies(gateway, origin):
    one = b"POST /1 HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello"
    two = b"POST /2 HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n6\r\nworld!\r\n0\r\n\r\n"
    three = b"GET /3 HTTP/1.1\r\n" + HOST + b"\r\n"
    with RawClient(gateway.port) as client:
        client.send(one + two + three)
        sizes = [json.loads(client.response().body)["body_bytes"] for _ in range(3)]
    assert sizes == [5, 6, 0]
    assert origin.targets() == ["/1", "/2", "/3"]


def test_many_pipelined_requests_in_one_burst(gateway, origin):
    count = 200
    with RawClient(gateway.port) as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\n" % number + HOST + b"\r\n" for number in range(count)))
        for number in range(count):
            assert f"GET /{number} " in json.loads(client.response().body)["head"]


def test_connections_are_reused_on_both_sides(gateway, origin):
    before = origin.connections
    with RawClient(gateway.port) as client:
        for number in range(20):
            client.send(b"GET /%d HTTP/1.1\r\n" % number + HOST + b"\r\n")
            answer = client.response()
            assert answer.status == 200 and not answer.closes()
    assert len({seen.connection for seen in origin.seen}) == 1
    assert origin.connections <= before + 1


def test_connection_close_is_obeyed(gateway, origin):
    with RawClient(gateway.port) as client:
        client.send(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        assert client.response().closes()
        assert client.is_closed()
    assert origin.seen[0].get("Connection", "keep-alive").lower() != "close", "the client's close is not the upstream's"


def test_http_1_0_client(gateway, origin):
    with RawClient(gateway.port) as client:
        client.send(b"GET /old HTTP/1.0\r\n\r\n")
        answer = client.response()
        assert answer.status == 200 and not answer.chunked
        assert client.is_closed()
    assert origin.seen[0].line == "GET /old HTTP/1.1"
    assert origin.seen[0].get("Host"), "a request upstream needs a Host field (RFC 9112 section 3.2)"


def test_http_1_0_client_keeps_alive_when_it_asks(gateway, origin):
    with RawClient(gateway.port) as client:
        for _ in range(3):
            client.send(b"GET /old HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n")
            answer = client.response()
            assert answer.status == 200
            assert "keep-alive" in (answer.get("Connection") or "").lower()


@pytest.mark.parametrize("connection", [b"", b"Connection: keep-alive\r\n"])
def test_http_1_0_client_never_gets_chunks(gateway, origin, connection):
    with RawClient(gateway.port) as client:
        client.send(b"GET /chunked/100000 HTTP/1.0\r\nHost: a.example\r\n" + connection + b"\r\n")
        answer = client.response()
        assert not answer.chunked and answer.get("Transfer-Encoding") is None
        assert len(answer.body) == 100_000


def test_http_1_0_upstream(gateway, origin):
    with RawClient(gateway.port) as client:
        client.send(b"GET /until-close HTTP/1.1\r\n" + HOST + b"\r\n")
        answer = client.response()
        assert (answer.version, answer.status, answer.body) == ("HTTP/1.1", 200, b"first\nsecond\n")


def test_client_that_leaves_early_frees_the_upstream(gateway, origin):
    """Nobody waits for the answer any more, so the connection upstream is closed, not parked until a timeout."""
    origin.drop_connections()
    client = RawClient(gateway.port)
    client.send(b"GET /never HTTP/1.1\r\n" + HOST + b"\r\n")
    origin.wait_for(1)
    assert origin.open == 1
    client.socket.close()
    until(lambda: origin.open == 0, 3, "the upstream connection to be closed")
