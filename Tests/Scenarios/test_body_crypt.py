"""Plugins/body-crypt: bodies that are sealed on the network and plain at the upstream, with a client written from its README."""

import base64
import hashlib
import json
import os

import pytest
from kit.behaviours import pattern, respond
from kit.fixtures import plugin
from kit.gateway import Gateway, route
from kit.rawclient import Cut, RawClient, get
from kit.sealed import Reader, seal, unseal

NEW, OLD = os.urandom(32), os.urandom(32)
KEYS = {"new": NEW, "old": OLD}
CONFIG = {"keys": [{"id": name, "key": base64.b64encode(key).decode()} for name, key in KEYS.items()]}
CODING = "x-aes256gcm"


@pytest.fixture(scope="module")
def crypt(shared_origin):
    with Gateway(
        to=shared_origin, plugins=[plugin("body-crypt")],
        routes=[
            route("sealed", "/*", plugins=[{"name": "body-crypt", "config": CONFIG}]),
            route("lenient", "/lenient/*", plugins=[{"name": "body-crypt", "config": {**CONFIG, "required": False}}]),
        ],
    ) as gateway:
        yield gateway


def post(gateway, body: bytes, *lines: str, target: str = "/echo", coding: str | None = CODING, chunked: bool = False):
    """One POST; the answer is opened, wherever it says that it is sealed."""
    lines = [*lines, *([f"Content-Encoding: {coding}"] if coding else [])]
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    data = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    with RawClient(gateway.port) as client:
        client.send_what_fits("\r\n".join([f"POST {target} HTTP/1.1", "Host: test.example", framing, *lines, "", ""]).encode() + data)
        return opened(client.response("POST"))


def opened(answer):
    if (answer.get("Content-Encoding") or "").endswith(CODING):
        answer.body = unseal(KEYS, answer.body)
    return answer


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("pieces", [
    [b"hello"], [b""], [b"a", b"b", b""], [b"x" * 65536, b"y" * 1], [pattern(65536)] * 12,
], ids=["one", "empty", "empty last", "full segment", "768 KiB"])
def test_request_arrives_plain(crypt, origin, pieces, chunked):
    plain = b"".join(pieces)
    answer = post(crypt, seal(NEW, "new", pieces), chunked=chunked)
    assert answer.status == 200, answer.body
    seen = json.loads(answer.body)
    assert (seen["body_bytes"], seen["sha256"]) == (len(plain), hashlib.sha256(plain).hexdigest())
    (arrived,) = origin.seen
    assert arrived.get("Content-Encoding") is None and arrived.get("Content-Length") == str(len(plain))


def test_other_keys_and_codings(crypt, origin):
    assert post(crypt, seal(OLD, "old", [b"rotated"])).status == 200
    assert post(crypt, seal(NEW, "new", [b"\x1f\x8b"]), coding=f"gzip , {CODING.upper()} ").status == 200
    assert [seen.get("Content-Encoding") for seen in origin.seen] == [None, "gzip"]


GOOD = seal(NEW, "new", [b"first", b"second", b"third"])
PREAMBLE = 4 + 16 + 1 + 3


def changed(at: int) -> bytes:
    return GOOD[:at] + bytes([GOOD[at] ^ 1]) + GOOD[at + 1:]


first, second = slice(PREAMBLE, PREAMBLE + 25), slice(PREAMBLE + 25, PREAMBLE + 51)
FORGED = {
    **{f"byte {at} changed": changed(at) for at in (0, 5, 20, 22, PREAMBLE, PREAMBLE + 3, PREAMBLE + 5, PREAMBLE + 20, len(GOOD) - 1)},
    "cut behind the preamble": GOOD[:PREAMBLE], "cut behind a segment": GOOD[: PREAMBLE + 25], "cut inside a segment": GOOD[:-1],
    "something behind the end": GOOD + b"x", "a whole segment behind the end": GOOD + GOOD[-25:],
    "segments swapped": GOOD[:PREAMBLE] + GOOD[second] + GOOD[first] + GOOD[second.stop:],
    "a segment dropped": GOOD[:PREAMBLE] + GOOD[second.start:], "a segment twice": GOOD[: first.stop] + GOOD[PREAMBLE:],
    "no last segment": seal(NEW, "new", [b"first"], finished=False), "made for responses": seal(NEW, "new", [b"x"], direction="response"),
    "key of another id": seal(OLD, "new", [b"x"]), "unknown id": seal(NEW, "newer", [b"x"]), "nothing": b"", "plain": b"plain text\n",
    "huge segment": GOOD[:PREAMBLE] + b"\x7f\xff\xff\xff" + b"z" * 100,
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_genuine_never_arrives(crypt, origin, name):
    answer = post(crypt, FORGED[name])
    assert answer.status == 400 and b"genuine" in answer.body, answer
    assert origin.seen == []


def test_plain_body_is_refused_unless_allowed(crypt, origin):
    answer = post(crypt, b"plain", coding=None)
    assert (answer.status, answer.get("Accept-Encoding")) == (415, CODING)
    assert origin.seen == []
    assert post(crypt, b"plain", target="/lenient/x", coding=None).status == 200
    assert origin.seen[0].body_bytes == 5
    assert post(crypt, b"plain", target="/lenient/x").status == 400


def test_too_long_for_the_route(crypt, origin):
    """Gathered up to plugin_body_bytes (1 MiB): longer is 413."""
    assert post(crypt, seal(NEW, "new", [pattern(65536)] * 17)).status == 413
    assert origin.seen == []


@pytest.mark.parametrize("target,size", [("/bytes/1", 1), ("/bytes/65536", 65536), ("/bytes/3000000", 3_000_000), ("/chunked/3000000", 3_000_000)])
def test_response_is_sealed(crypt, origin, target, size):
    answer = get(crypt.port, target)
    assert answer.status == 200 and answer.get("Content-Encoding") == CODING
    assert pattern(64) not in answer.body
    assert opened(answer).body == pattern(size)


def test_empty_response_is_not_called_sealed(crypt, origin):
    answer = get(crypt.port, "/bytes/0")
    assert (answer.status, answer.body, answer.get("Content-Encoding")) == (200, b"", None)
    assert opened(get(crypt.port, "/chunked/0")).body == b""


def test_two_responses_are_never_alike(crypt, origin):
    one, two = (get(crypt.port, "/bytes/100").body for _ in range(2))
    assert one != two and one[4:20] != two[4:20]


def test_pieces_come_as_they_are_made(crypt, origin):
    """A sealed stream is a stream: every line can be opened before the next one is made."""
    with RawClient(crypt.port) as client:
        client.send(b"GET /drip/4/200 HTTP/1.1\r\nHost: test.example\r\n\r\n")
        client._head()
        reader, seen = Reader(KEYS), []
        while not reader.finished:
            size = int(client._until(b"\r\n", "a chunk size"), 16)
            pieces = reader.feed(client._exactly(size, "a chunk"))
            client._exactly(2, "the end of a chunk")
            seen += [piece for piece in pieces if piece]
    assert seen == [b"line %02d\n" % number for number in range(4)]


def test_cut_response_has_no_end(crypt, origin):
    """What broke off is never closed by a genuine last segment."""
    with RawClient(crypt.port) as client:
        client.send(b"GET /cut HTTP/1.1\r\nHost: test.example\r\n\r\n")
        with pytest.raises(Cut):
            client.response()
    assert get(crypt.port, "/bytes/10").status == 200


def test_heads_without_body(crypt, origin):
    answer = get(crypt.port, "/bytes/10", method="HEAD")
    assert (answer.status, answer.get("Content-Encoding")) == (200, CODING)
    for status in (204, 304):
        assert get(crypt.port, f"/status/{status}").status == status


def test_validators_and_ranges(crypt, origin):
    @origin.on("/tagged")
    async def tagged(exchange):
        await exchange.body()
        await respond(exchange, 200, b"whole", 'ETag: "strong"', "Accept-Ranges: bytes", "Content-Encoding: gzip")

    answer = get(crypt.port, "/tagged", "Range: bytes=0-1", 'If-Range: "strong"')
    assert (answer.get("ETag"), answer.get("Accept-Ranges")) == ('W/"strong"', None)
    assert answer.get("Content-Encoding") == f"gzip, {CODING}" and opened(answer).body == b"whole"
    assert origin.seen[0].get("Range") is None and origin.seen[0].get("If-Range") is None


def test_many_broken_responses_leave_nothing_behind(crypt, origin):
    """Clients that leave in the middle: each message's key is given back (a generation may have 4,096)."""
    for _ in range(200):
        with RawClient(crypt.port) as client:
            client.send(b"GET /bytes/3000000 HTTP/1.1\r\nHost: test.example\r\n\r\n")
            client.socket.recv(1000)
    assert opened(get(crypt.port, "/bytes/1000")).body == pattern(1000)


@pytest.mark.parametrize("config,word", [
    ({}, "keys"), ({"keys": []}, "keys"), ({"keys": [{"id": "a", "key": "c2hvcnQ="}]}, "key"), ({"keys": [{"key": CONFIG["keys"][0]["key"]}]}, "id"),
    ({"keys": CONFIG["keys"] * 2}, "id"), ({**CONFIG, "require": True}, "require"), ({**CONFIG, "required": "yes"}, "required"),
])
def test_bad_configuration(shared_origin, config, word):
    said = Gateway(to=shared_origin, plugins=[plugin("body-crypt")], global_plugins=[{"name": "body-crypt", "config": config}]).refused()
    assert word in said and ("body-crypt" in said or "global_plugins[0].config" in said)
    assert CONFIG["keys"][0]["key"] not in said
