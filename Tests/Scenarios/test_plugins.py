"""The three bundled plugins at work on real requests: key-auth, header-transform, request-id.

Loading, replacing and unloading are in `test_plugin_loading.py`.
"""

import base64
import json
import re
from posixpath import normpath
from urllib.parse import unquote

import pytest
from kit.fixtures import KEYS, plugin
from kit.gateway import Gateway, route
from kit.rawclient import RawClient, get, once

HOST = b"Host: test.example\r\n"
KEY_AUTH = {"name": "key-auth", "config": KEYS}
TRANSFORM = {
    "request": {
        "set": {"X-Path": "p=${request.path}", "X-Mixed": "${request.method} ${request.host} ${route.id}"},
        "add": {"X-Added": "1"}, "remove": ["X-Gone"],
    },
    "response": {
        "set": {"X-Served-By": "sluice ${request.path}", "X-From": "${source.address}", "X-Echo": "${request.headers.x-in}|${request.query.q}"},
        "remove": ["X-Origin"],
    },
}


@pytest.fixture(scope="module")
def guarded(shared_origin):
    with Gateway(
        to=shared_origin, plugins=[plugin(name) for name in ("key-auth", "header-transform", "request-id")], global_plugins=[{"name": "request-id"}],
        routes=[
            route("private", "/private/*", plugins=[KEY_AUTH]),
            route("answered", "/answered", action={"cluster": None, "respond": {"status": 200, "body": "own\n"}}, plugins=[KEY_AUTH]),
            route("shaped", "/shaped/*", plugins=[{"name": "header-transform", "config": TRANSFORM}]),
            route("both", "/both/*", plugins=[KEY_AUTH, {"name": "header-transform", "config": {"request": {"set": {"X-Both": "yes"}}}}]),
            route("everything", "/*"),
        ],
    ) as gateway:
        yield gateway


@pytest.mark.parametrize("lines,target,status", [
    ([], "/private/a", 401), (["X-Api-Key: wrong"], "/private/a", 403), (["X-Api-Key: secret-1"], "/private/a", 200),
    (["x-api-key: secret-2"], "/private/a", 200),
    ([], "/private/a?api_key=secret-1", 200), ([], "/private/a?x=1&api_key=secret-2&y=2", 200), ([], "/private/a?api_key=nope", 403),
    ([], "/private/a?api_keyx=secret-1", 401),
    (["X-Api-Key:"], "/private/a", (401, 403)), (["X-Api-Key: secret-1x"], "/private/a", 403), (["X-Api-Key: secret-"], "/private/a", 403),
    (["X-Api-Key: " + "k" * 5000], "/private/a", 403), (["X-Api-Key: wrong", "X-Api-Key: secret-1"], "/private/a", (401, 403)),
    ([], "/answered", 401), (["X-Api-Key: secret-1"], "/answered", 200), ([], "/public", 200), ([], "/both/x", 401),
    (["X-Api-Key: secret-1"], "/both/x", 200),
])
def test_key_auth(guarded, origin, lines, target, status):
    answer = get(guarded.port, target, *lines)
    assert answer.status == status or (isinstance(status, tuple) and answer.status in status)
    if answer.status in (401, 403):
        assert origin.seen == []
        if answer.status == 401:
            assert answer.all("WWW-Authenticate"), "RFC 9110 section 15.5.2: a 401 must carry a challenge"


@pytest.mark.parametrize("target", [
    "/x/../private/a", "/./private/a", "//private/a", "/%70rivate/a", "/private%2Fa", "/PRIVATE/a", "/x/%2e%2e/private/a", "/private/../private/a",
])
def test_no_way_around_the_key(guarded, origin, target):
    """Whatever reaches the origin without a key must not be a path that the origin could take for /private/."""
    answer = get(guarded.port, target)
    if answer.status == 200 and origin.seen:
        reached = unquote(origin.targets()[0].split("?")[0])
        assert not normpath(re.sub("/+", "/", reached)).startswith("/private/"), f"{target} reached the origin as {origin.targets()[0]}"


def test_key_does_not_travel_on_and_the_consumer_does(guarded, origin):
    assert get(guarded.port, "/private/a", "X-Api-Key: secret-2", "X-Consumer: forged").status == 200
    seen = origin.seen[0]
    assert seen.all("X-Api-Key") == [] and seen.all("X-Consumer") == ["bob"]


def test_refused_upload_leaves_the_connection_in_step(guarded, origin):
    body = b"GET /public/smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    with RawClient(guarded.port) as client:
        client.send(b"POST /private/up HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        answer = client.response("POST")
        assert answer.status == 401
        if answer.closes():
            assert client.is_closed()
        else:
            client.send(b"GET /public/next HTTP/1.1\r\n" + HOST + b"\r\n")
            assert client.response().status == 200
    assert "/public/smuggled" not in origin.targets()


def test_header_transform(guarded, origin):
    answer = get(guarded.port, "/shaped/x?q=7&r=8", "X-Gone: 1", "X-In: in", "X-Path: forged", "X-Added: 0")
    seen = origin.seen[0]
    assert (seen.get("X-Path"), seen.get("X-Mixed"), seen.all("X-Gone")) == ("p=/shaped/x?q=7&r=8", "GET test.example shaped", [])
    assert seen.all("X-Added") == ["0", "1"]
    assert answer.get("X-Served-By").startswith("sluice /shaped/x")
    assert (answer.get("X-From"), answer.get("X-Echo"), answer.all("X-Origin")) == ("127.0.0.1", "in|7", [])
    assert json.loads(answer.body)["body_bytes"] == 0, "the body is untouched"


@pytest.mark.parametrize("value", ["a\xe9b", "tab\there", "x" * 3000])
def test_template_with_unusual_values(guarded, origin, value):
    assert get(guarded.port, "/shaped/x", f"X-In: {value}").get("X-Echo") == value + "|"


def test_template_cannot_split_the_response(guarded, origin):
    """Percent-encoded line ends of a query argument must never become line ends of a header."""
    raw = b"GET /shaped/x?q=1%0d%0aX-Evil:%20yes HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = once(guarded.port, raw)
    assert answer.all("X-Evil") == []


def test_request_id_is_unique_and_the_same_on_both_sides(guarded, origin):
    answers = [get(guarded.port, f"/{number}") for number in range(50)]
    given = [seen.get("X-Request-Id") for seen in origin.seen]
    assert len(set(given)) == 50
    assert [answer.get("X-Request-Id") for answer in answers] == given
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one) for one in given)


def test_request_id_of_a_client_is_replaced(guarded, origin):
    get(guarded.port, "/", "X-Request-Id: mine")
    assert origin.seen[0].get("X-Request-Id") != "mine"


def test_plugins_with_pipelining_and_bodies(guarded, origin):
    with RawClient(guarded.port) as client:
        one = b"POST /both/1 HTTP/1.1\r\n" + HOST + b"X-Api-Key: secret-1\r\nContent-Length: 5\r\n\r\nhello"
        two = b"GET /private/2 HTTP/1.1\r\n" + HOST + b"\r\n"
        three = b"GET /shaped/3 HTTP/1.1\r\n" + HOST + b"\r\n"
        client.send(one + two + three)
        assert [client.response().status for _ in range(3)] == [200, 401, 200]
    assert [seen.get("X-Both") for seen in origin.seen] == ["yes", None]


def test_basic_credentials_are_none_of_our_business(guarded, origin):
    token = base64.b64encode(b"a:b").decode()
    get(guarded.port, "/public", f"Authorization: Basic {token}")
    assert origin.seen[0].get("Authorization") == f"Basic {token}"
