"""What a route does without an upstream, and what ends a connection that did nothing wrong: fixed answers, redirects,
`limits.requests_per_connection`.
"""

import pytest
from kit.gateway import Gateway, cluster, route
from kit.rawclient import RawClient, get

HOST = b"Host: test.example\r\n"
STATUSES = [301, 302, 303, 307, 308]


def own(name: str, path: str, **action) -> dict:
    return route(name, path, action={"cluster": None, **action})


@pytest.fixture(scope="module")
def acting(shared_origin):
    with Gateway(
        clusters=[cluster("origin", shared_origin.address)],
        routes=[
            *[own(f"to-{status}", f"/{status}/*", redirect={"status": status, "location": f"https://elsewhere.example/{status}?a=b%20c#top"})
              for status in STATUSES],
            own("default", "/moved", redirect={"location": "/new/place"}),
            own("said", "/said", respond={"status": 203, "body": "said\n", "headers": {"X-Said": "yes", "Content-Type": "text/x-said"}}),
            own("nothing", "/nothing", respond={"status": 204}),
            route("everything", "/*"),
        ],
    ) as gateway:
        yield gateway


@pytest.mark.parametrize("status", STATUSES)
def test_redirect(acting, origin, status):
    """RFC 9110 section 15.4: the status as configured, the Location byte for byte, whatever the request's path."""
    answer = get(acting.port, f"/{status}/deep/er?x=y")
    assert (answer.status, answer.get("Location")) == (status, f"https://elsewhere.example/{status}?a=b%20c#top")
    assert answer.get("Date") and not answer.closes()
    assert origin.seen == []


def test_redirect_is_302_unless_it_says_otherwise(acting):
    answer = get(acting.port, "/moved")
    assert (answer.status, answer.get("Location")) == (302, "/new/place")


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
def test_redirect_of_other_methods(acting, origin, method):
    """The connection goes on behind it; a body that was announced is read away."""
    with RawClient(acting.port) as client:
        body = b"hello" if method == "POST" else b""
        client.send(f"{method} /307/x HTTP/1.1\r\nContent-Length: {len(body)}\r\n".encode() + HOST + b"\r\n" + body)
        answer = client.response(method)
        assert (answer.status, answer.body) == (307, b"") or method != "HEAD"
        assert answer.status == 307
        client.send(b"GET /said HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.response().status == 203
    assert origin.seen == []


def test_fixed_answer(acting, origin):
    answer = get(acting.port, "/said")
    assert (answer.status, answer.body, answer.get("X-Said"), answer.get("Content-Type")) == (203, b"said\n", "yes", "text/x-said")
    answer = get(acting.port, "/said", method="HEAD")
    assert (answer.status, answer.body, answer.get("Content-Length")) == (203, b"", "5")
    answer = get(acting.port, "/nothing")
    assert (answer.status, answer.get("Content-Length")) == (204, None)
    assert origin.seen == []


def test_requests_per_connection(shared_origin, origin):
    """The last one allowed is served, says that the connection ends, and it does; what was pipelined behind it is not served."""
    with Gateway(to=shared_origin, limits={"requests_per_connection": 3}) as gateway:
        with RawClient(gateway.port) as client:
            for number in range(1, 4):
                client.send(f"GET /r{number} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
                answer = client.response()
                assert (answer.status, answer.closes()) == (200, number == 3)
            assert client.is_closed()
        origin.forget()
        with RawClient(gateway.port) as client:
            client.send(b"".join(f"GET /p{number} HTTP/1.1\r\n".encode() + HOST + b"\r\n" for number in range(1, 6)))
            assert [client.response().closes() for _ in range(3)] == [False, False, True]
            assert client.rest() == b""
        assert origin.targets() == ["/p1", "/p2", "/p3"]
        assert get(gateway.port, "/again").status == 200
