"""Request smuggling and confusion by request lines, field lines and Host (RFC 9112 sections 2 to 5, RFC 9110 section 7.2).

Each case is a whole head without its final empty line; everything here is refused before the origin hears of it.
"""

import pytest
from kit.attack import ids, refused
from kit.rawclient import RawClient

HOST = b"Host: test.example\r\n"
OLD = (400, 505)

REQUEST_LINES = [
    (b"GET  /attack HTTP/1.1", (400,)), (b"GET /attack  HTTP/1.1", (400,)), (b"GET\t/attack HTTP/1.1", (400,)),
    (b"GET /attack\tHTTP/1.1", (400,)), (b" GET /attack HTTP/1.1", (400,)), (b"GET /attack HTTP/1.1 ", (400,)),
    (b"GET /attack HTTP/1.10", OLD), (b"GET /attack HTTP/01.1", OLD), (b"GET /attack HTTP/2.0", (505,)), (b"GET /attack HTTP/3", OLD),
    (b"GET /attack http/1.1", (400,)), (b"GET /attack HTTP/1.1x", (400,)), (b"GET /attack HTTP/ 1.1", (400,)), (b"GET /attack HTTP/1,1", (400,)),
    (b"GET /attack HTTP/11", (400,)), (b"GET /attack HTTQ/1.1", (400,)), (b"GET /attack HTTP/1.", (400,)), (b"GET /attack HTTP/-1.1", (400,)),
    (b"GET /attack", OLD), (b"GET", (400,)), (b"GET HTTP/1.1", (400,)), (b"GET attack HTTP/1.1", (400,)), (b"GET /att ack HTTP/1.1", (400,)),
    (b"GET /att\x00ack HTTP/1.1", (400,)), (b"GET /att\x01ack HTTP/1.1", (400,)), (b"GET /att\x7fack HTTP/1.1", (400,)),
    (b"GET /att\xe9ack HTTP/1.1", (400,)), (b"GET /attack#fragment HTTP/1.1", (400,)), (b"GET /att\rack HTTP/1.1", (400,)),
    (b"GET\r/attack HTTP/1.1", (400,)), (b"GET /attack\x0bHTTP/1.1", (400,)), (b"G@T /attack HTTP/1.1", (400,)), (b"G\x00T /attack HTTP/1.1", (400,)),
    (b"GET: /attack HTTP/1.1", (400,)), (b"GET * HTTP/1.1", (400,)), (b"GET test.example:80 HTTP/1.1", (400,)),
    (b"GET http:///attack HTTP/1.1", (400,)),
    (b"GET http://user@test.example/attack HTTP/1.1", (400,)), (b"GET http://u:p@test.example/ HTTP/1.1", (400,)),
    (b"GET http://test.example:port/ HTTP/1.1", (400,)), (b"GET http://te st/ HTTP/1.1", (400,)), (b"GET http:/attack HTTP/1.1", (400,)),
    (b"GET http://test.example\\@evil/ HTTP/1.1", (400,)), (b"CONNECT test.example:80 HTTP/1.1", (400, 501)),
    (b"CONNECT /attack HTTP/1.1", (400, 501)),
    (b"HTTP/1.1 200 OK", (400, 505)), (b"\x16\x03\x01\x02\x00\x01", (400,)), (b"PRI * HTTP/2.0", OLD),
]

FIELD_LINES = [
    b"X : y\r\n", b"X\t: y\r\n", b"X Y: z\r\n", b": y\r\n", b"no colon here\r\n", b" X: y\r\n", b"\tX: y\r\n", b"X: y\r\n folded\r\n",
    b"X: y\r\n\tfolded\r\n",
    b"X: a\x00b\r\n", b"X: a\x01b\r\n", b"X: a\x7fb\r\n", b"X\x00: y\r\n", b"X\x7f: y\r\n", b"X-\xe9: y\r\n", b"X: y\r\r\n", b"X: y\n",
    b"X: y\n\r\n", b"X: a\rb\r\n",
    b"X: a\nb: c\r\n", b"\r: y\r\n", b"(X): y\r\n", b"X@: y\r\n", b"X,: y\r\n", b"\"X\": y\r\n", b"X: a\x08b\r\n", b"\x00\r\n",
]

HOSTS = [
    b"", b"Host: test.example\r\nHost: test.example\r\n", b"Host: test.example\r\nHost: evil.example\r\n",
    b"Host: test.example\r\nhOST: evil.example\r\n",
    b"Host: a b\r\n", b"Host: a/b\r\n", b"Host: user@test.example\r\n", b"Host: a:port\r\n", b"Host: a:99999\r\n", b"Host: a:80:80\r\n",
    b"Host: [::1\r\n",
    b"Host: ::1\r\n", b"Host: [zz]\r\n", b"Host: [::1]x\r\n", b"Host: a\tb\r\n", b"Host: a?b\r\n", b"Host: a#b\r\n", b"Host: \"a\"\r\n",
    b"Host: <a>\r\n",
    b"Host: a\\b\r\n", b"Host: a\xe9\r\n", b"Host: a\x00b\r\n", b"Host : test.example\r\n", b" Host: test.example\r\n", b"Host: a:-1\r\n",
    b"Host: http://a\r\n",
    b"Host:\r\n test.example\r\n", b"Host: :80\r\n",
]


@pytest.mark.parametrize("line,statuses", REQUEST_LINES, ids=ids(REQUEST_LINES))
def test_request_line(gateway, origin, line, statuses):
    refused(gateway, origin, line + b"\r\n" + HOST + b"\r\n", statuses)


@pytest.mark.parametrize("line", FIELD_LINES, ids=ids(FIELD_LINES))
@pytest.mark.parametrize("place", ["before Host", "after Host"])
def test_field_line(gateway, origin, line, place):
    lines = line + HOST if place == "before Host" else HOST + line
    refused(gateway, origin, b"GET /attack HTTP/1.1\r\n" + lines + b"\r\n")


@pytest.mark.parametrize("lines", HOSTS, ids=ids(HOSTS))
def test_host(gateway, origin, lines):
    refused(gateway, origin, b"GET /attack HTTP/1.1\r\n" + lines + b"X-A: b\r\n\r\n")


LINE_ENDS = [
    b"GET /attack HTTP/1.1\nHost: test.example\r\n\r\n", b"GET /attack HTTP/1.1\nHost: test.example\n\n",
    b"GET /attack HTTP/1.1\r\nHost: test.example\n\n",
    b"GET /attack HTTP/1.1\r\nHost: test.example\n\r\n", b"GET /attack HTTP/1.1\rHost: test.example\r\r",
    b"\nGET /attack HTTP/1.1\r\nHost: test.example\r\n\r\n",
    b"\rGET /attack HTTP/1.1\r\nHost: test.example\r\n\r\n", b"GET /attack HTTP/1.1\r\nHost: test.example\r\n\r\r\n",
]


@pytest.mark.parametrize("raw", LINE_ENDS, ids=ids(LINE_ENDS))
def test_line_ends(gateway, origin, raw):
    refused(gateway, origin, raw)


def test_what_follows_a_refused_request_is_never_read(gateway, origin):
    """Many good requests behind a bad one: none is acted on."""
    good = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    refused(gateway, origin, b"GET /attack HTTP/1.1\r\nBad Line\r\n\r\n" + good * 50)


def test_what_comes_before_a_bad_request_is_answered_first(gateway, origin):
    with RawClient(gateway.port) as client:
        client.send(b"GET /good HTTP/1.1\r\n" + HOST + b"\r\nGET /bad HTTP/1.1\r\nBad Line\r\n\r\n")
        assert client.response().status == 200
        answer = client.response()
        assert answer.status == 400 and answer.closes() and client.is_closed()
    assert origin.targets() == ["/good"]
