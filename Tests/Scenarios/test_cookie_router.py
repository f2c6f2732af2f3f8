"""Plugins/cookie-router: the value of a cookie picks the cluster, for each request anew."""

import pytest
from kit.fixtures import plugin
from kit.gateway import Gateway, cluster, route
from kit.origin import Origin
from kit.rawclient import RawClient, get

HOST = b"Host: test.example\r\n"


@pytest.fixture(scope="module")
def origins():
    with Origin("stable") as stable, Origin("beta") as beta:
        yield stable, beta


@pytest.fixture(scope="module")
def routed(origins):
    config = {"cookie": "group", "clusters": {"beta": "beta", "b2": "beta", "gone": "nowhere"}}
    with Gateway(
        clusters=[cluster(origin.label, origin.address) for origin in origins], plugins=[plugin("cookie-router")], allow="cookie-router",
        routes=[route("shop", "/*", to="stable", plugins=[{"name": "cookie-router", "config": config}])],
    ) as gateway:
        yield gateway


COOKIES = [
    ([], "stable"), (["Cookie: group=beta"], "beta"), (["cookie: a=b; group=beta; c=d"], "beta"), (["COOKIE: group=b2"], "beta"),
    (["Cookie: group=\"beta\""], "beta"), (["Cookie: a=b;group=beta"], "beta"), (["Cookie: a=1", "Cookie: group=beta"], "beta"),
    (["Cookie: group=beta; group=other"], "beta"), (["Cookie: group=other; group=beta"], "stable"), (["Cookie: Group=beta"], "stable"),
    (["Cookie: group=BETA"], "stable"), (["Cookie: group=stable"], "stable"), (["Cookie: xgroup=beta"], "stable"), (["Cookie: group"], "stable"),
    (["Cookie: group="], "stable"), (["Cookie: ;;; = ; group =beta"], "stable"), (["Cookie: a=\"group=beta\""], "stable"),
    (["X-Cookie: group=beta"], "stable"), (["Cookie: " + "a=b; " * 500 + "group=beta"], "beta"),
]


@pytest.mark.parametrize("lines,expected", COOKIES)
def test_cookie_picks_the_cluster(routed, origins, lines, expected):
    for origin in origins:
        origin.forget()
    assert get(routed.port, "/x", *lines).status == 200
    assert [origin.label for origin in origins if origin.seen] == [expected]


def test_cluster_that_nobody_configured(routed, origins):
    """The plugin says so by failing; its failure mode (closed) decides."""
    assert get(routed.port, "/x", "Cookie: group=gone").status == 500


def test_one_connection_many_groups(routed, origins):
    """The choice belongs to the request, not to the connection."""
    with RawClient(routed.port) as client:
        for group in ("beta", "none", "beta", "none"):
            for origin in origins:
                origin.forget()
            client.send(f"GET /x HTTP/1.1\r\nCookie: group={group}\r\n".encode() + HOST + b"\r\n")
            assert client.response().status == 200
            assert [bool(origin.seen) for origin in origins] == ([False, True] if group == "beta" else [True, False])
