"""Every refusal of its own has the right status, says the right thing about the connection, and keeps the peace.

Slow clients and connection counts are in `test_limits_slow.py`; attacks on framing in `test_smuggling_*.py`.
"""

import pytest
from kit.gateway import Gateway, cluster, route
from kit.ports import free_port
from kit.rawclient import RawClient, get, once

HOST = b"Host: test.example\r\n"


@pytest.fixture(scope="module")
def strict(shared_origin):
    """A gateway with small limits; only some paths have a route."""
    dead = f"127.0.0.1:{free_port()}"
    with Gateway(
        clusters=[cluster("origin", shared_origin.address), cluster("dead", dead, connect_timeout="1s")],
        routes=[
            route("read-only", "/ro/*", match={"methods": ["GET", "HEAD"]}),
            route("write", "/ro/x", match={"methods": ["PUT"]}),
            route("any", "/any/*"), route("dead", "/dead", to="dead"),
            route("slow", "/slow/*", timeouts={"response": "500ms"}), route("never", "/never", timeouts={"response": "500ms"}),
            route("small", "/small/*", limits={"body_bytes": 10}),
        ],
        limits={"head_bytes": 4096, "target_bytes": 1024, "header_fields": 20, "body_bytes": 100_000},
    ) as gateway:
        yield gateway


def ask(gateway, raw: bytes, method: str = "GET", leftover: bytes = b""):
    """Sends and judges: the answer, whether the connection ended, and that it ended exactly when the answer said so."""
    with RawClient(gateway.port) as client:
        client.send_what_fits(raw + leftover)
        answer = client.response(method)
        if answer.closes():
            assert client.is_closed(), "said Connection: close and stayed open"
        else:
            client.send(b"GET /any/still-here HTTP/1.1\r\n" + HOST + b"\r\n")
            assert client.response().status == 200, "said nothing of closing, and the next request failed"
        return answer


CLOSING = [
    (b"GET /any/ HTTP/1.1\r\n\r\n", 400, "no Host"),
    (b"BAD\x01METHOD /any/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, "method is no token"),
    (b"GET /any/" + b"x" * 1100 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "target too long"),
    (b"GET /any/" + b"x" * 9000, 414, "target that never ends"),
    (b"GET /any/ HTTP/1.1\r\n" + HOST + b"X-Big: " + b"v" * 5000 + b"\r\n\r\n", 431, "head too long"),
    (b"GET /any/ HTTP/1.1\r\n" + HOST + b"X-Big: " + b"v" * 5000, 431, "head that never ends"),
    (b"GET /any/ HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 30 + b"\r\n", 431, "too many fields"),
    (b"POST /any/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "unknown transfer coding"),
    (b"CONNECT test.example:443 HTTP/1.1\r\nHost: test.example:443\r\n\r\n", 501, "CONNECT"),
    (b"GET /any/ HTTP/2.0\r\n" + HOST + b"\r\n", 505, "major version 2"),
    (b"GET /any/ HTTP/0.9\r\n" + HOST + b"\r\n", 505, "major version 0"),
    (b"POST /any/ HTTP/1.1\r\n" + HOST + b"Content-Length: 100001\r\n\r\n", 413, "announced body too large"),
    (b"POST /small/ HTTP/1.1\r\n" + HOST + b"Content-Length: 11\r\n\r\n", 413, "too large for this route"),
    (b"POST /any/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n" + b"z" * 100_100, 413, "chunked body grew too large"),
]


@pytest.mark.parametrize("raw,status,why", CLOSING, ids=[why for _, _, why in CLOSING])
def test_refused_and_closed(strict, origin, raw, status, why):
    with RawClient(strict.port) as client:
        client.send_what_fits(raw)
        answer = client.response(raw.split(b" ")[0].decode("latin-1"))
        assert answer.status == status
        assert answer.closes() and client.is_closed()
    assert not any(seen.finished for seen in origin.seen)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_404_keeps_the_connection(strict, origin, method):
    answer = ask(strict, f"{method} /nowhere HTTP/1.1\r\n".encode() + HOST + b"\r\n", method)
    assert answer.status == 404 and not answer.closes()
    assert origin.targets() == ["/any/still-here"]


@pytest.mark.parametrize("target,allow", [("/ro/y", {"GET", "HEAD"}), ("/ro/x", {"GET", "HEAD", "PUT"})])
def test_405_names_what_is_allowed(strict, origin, target, allow):
    """RFC 9110 section 15.5.6: Allow is a must, and lists every method that some route of this path takes."""
    answer = ask(strict, f"DELETE {target} HTTP/1.1\r\n".encode() + HOST + b"\r\n", "DELETE")
    assert answer.status == 405
    assert {word.strip() for word in answer.get("Allow").split(",")} == allow


def test_404_with_a_body_does_not_lose_step(strict, origin):
    """The body of a refused request is not taken for the next request."""
    body = b"GET /any/smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = ask(strict, b"POST /nowhere HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body) + body, "POST")
    assert answer.status == 404
    assert "/any/smuggled" not in origin.targets()


def test_417(strict, origin):
    answer = ask(strict, b"POST /any/ HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nExpect: 200-maybe\r\n\r\nhello", "POST")
    assert answer.status == 417
    assert origin.targets() in ([], ["/any/still-here"])


@pytest.mark.parametrize("target,status", [("/dead", 502), ("/never", 504), ("/slow/2000", 504)])
def test_upstream_trouble(strict, origin, target, status):
    assert ask(strict, f"GET {target} HTTP/1.1\r\n".encode() + HOST + b"\r\n").status == status


def test_slow_but_within_the_limit(strict, origin):
    assert get(strict.port, "/slow/200").status == 200


@pytest.mark.parametrize("size", [0, 1, 99_999, 100_000])
def test_body_up_to_the_limit(strict, origin, size):
    raw = b"POST /any/ HTTP/1.1\r\n" + HOST
    assert once(strict.port, raw + b"Content-Length: %d\r\n\r\n" % size + b"z" * size).status == 200
    if size:
        assert once(strict.port, raw + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % size + b"z" * size + b"\r\n0\r\n\r\n").status == 200


def test_route_limit_counts_content_not_chunk_framing(strict, origin):
    ten = b"".join(b"1;ext=%d\r\nz\r\n" % number for number in range(10)) + b"0\r\n\r\n"
    assert once(strict.port, b"POST /small/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + ten).status == 200
    eleven = b"1\r\nz\r\n" + ten
    assert once(strict.port, b"POST /small/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + eleven).status == 413


def test_just_below_the_head_limits(strict, origin):
    assert get(strict.port, "/any/" + "x" * 1000).status == 200
    assert get(strict.port, "/any/", "X-Big: " + "v" * 3800).status == 200
    assert get(strict.port, "/any/", *["X: 1"] * 18).status == 200


def test_413_reaches_a_client_that_sends_all_the_same(strict, origin):
    """The answer is not lost in a reset although unread bytes keep coming."""
    with RawClient(strict.port) as client:
        client.send_what_fits(b"POST /any/ HTTP/1.1\r\n" + HOST + b"Content-Length: 900000\r\n\r\n" + b"z" * 900_000)
        assert client.response("POST").status == 413


def test_413_instead_of_100(strict, origin):
    """A client that waits for 100 learns it at once and has sent nothing."""
    with RawClient(strict.port) as client:
        client.send(b"POST /any/ HTTP/1.1\r\n" + HOST + b"Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n")
        answer = client.response("POST")
        assert (answer.status, answer.interim) == (413, [])


def test_own_answers_are_complete_messages(strict, origin):
    for raw in (b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n", b"GET /any/ HTTP/1.1\r\n\r\n"):
        answer = once(strict.port, raw)
        assert answer.get("Date") and answer.get("Content-Length") == str(len(answer.body))
        assert "sluice/" not in answer.body.decode().lower(), "versions are nobody's business"
