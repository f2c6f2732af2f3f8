"""Header fields through the gateway: what passes untouched, what is taken out, what is added (RFC 9110 section 7.6).

"Trusted" is a client whose forwarding fields are believed: `forwarded.trusted` of the configuration.
"""

import re

import pytest
from kit.behaviours import respond
from kit.gateway import Gateway
from kit.rawclient import RawClient, get, once

PASS = [
    ("X-Case-Kept", "Value With Spaces"), ("x-lower", "1"), ("X-Empty", ""), ("X-Dup", "a"), ("X-Dup", "b"), ("Cookie", "a=b; c=d"),
    ("Authorization", "Basic Zm9v"), ("Accept-Encoding", "gzip, br"), ("X-Punct!#$%&'*+-.^_`|~", "t"), ("X-Obs", "caf\xe9 \xff"),
    ("X-Tab", "a\tb"), ("Accept", "*/*"), ("If-None-Match", '"x"'), ("Range", "bytes=0-1"), ("X-Long", "v" * 3000),
]


def test_fields_pass_in_order_and_byte_for_byte(gateway, origin):
    get(gateway.port, "/", *[f"{name}: {value}" for name, value in PASS])
    names = {name for name, _ in PASS}
    assert [(name, value) for name, value in origin.seen[0].fields if name in names] == PASS


def test_white_space_around_a_value_does_not_matter(gateway, origin):
    get(gateway.port, "/", "X-A:  \t padded \t ", "X-B:tight")
    assert (origin.seen[0].get("X-A"), origin.seen[0].get("X-B")) == ("padded", "tight")


@pytest.mark.parametrize("host", ["test.example", "Test.EXAMPLE:8080", "127.0.0.1", "[::1]:8080", "xn--bcher-kva.example", "a_b.example"])
def test_host_passes(gateway, origin, host):
    assert get(gateway.port, "/", host=host).status == 200
    assert origin.seen[0].get("Host") == host


@pytest.mark.parametrize("line", [
    "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: gzip", "Upgrade: h2c",
])
def test_hop_by_hop_fields_stop_here(gateway, origin, line):
    assert get(gateway.port, "/", line).status == 200
    assert origin.seen[0].all(line.split(":")[0]) == []


def test_fields_named_by_connection_stop_here(gateway, origin):
    get(gateway.port, "/", "Connection: X-Secret-Hop , keep-alive,x-other", "X-Secret-Hop: 1", "x-Other: 2", "X-Stays: 3")
    seen = origin.seen[0]
    assert (seen.all("X-Secret-Hop"), seen.all("X-Other"), seen.get("X-Stays")) == ([], [], "3")


def test_te_trailers_goes_on_with_its_connection_option(gateway, origin):
    get(gateway.port, "/", "TE: trailers, gzip;q=0.5", "Connection: TE")
    seen = origin.seen[0]
    assert seen.all("TE") in ([], ["trailers"])
    if seen.all("TE"):
        assert "te" in (seen.get("Connection") or "").lower(), "RFC 9110 section 10.1.4: TE needs its connection option"


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Transfer-Encoding"])
def test_connection_cannot_take_out_framing_and_host(gateway, origin, name):
    """A client must not be able to strip the fields that delimit its own request: ignored or refused."""
    body = {"Content-Length": "Content-Length: 5\r\n\r\nhello", "Transfer-Encoding": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}
    raw = f"POST /strip HTTP/1.1\r\nHost: test.example\r\nConnection: {name}\r\n" + body.get(name, "\r\n")
    answer = once(gateway.port, raw.encode())
    if answer.status == 400:
        assert origin.seen == [] and answer.closes()
        return
    assert answer.status == 200
    seen = origin.seen[0]
    assert seen.get("Host") == "test.example"
    assert seen.finished and seen.body_bytes == (5 if name in body else 0)


def test_response_fields_pass_and_hop_by_hop_ones_do_not(gateway, origin):
    @origin.on("/fields")
    async def fields(exchange):
        await respond(
            exchange, 299, b"ok", "Set-Cookie: a=1", "Set-Cookie: b=2", "X-Obs: \xe9", "Server: origin/1", "Connection: X-Hop, close",
            "X-Hop: 1", "Keep-Alive: timeout=9", "Proxy-Connection: x", "X-Empty:", "ETag: W/\"1\"", reason="My Own Words",
        )
        exchange.keep = False

    with RawClient(gateway.port) as client:
        for _ in range(2):
            client.send(b"GET /fields HTTP/1.1\r\nHost: a.example\r\n\r\n")
            answer = client.response()
            assert (answer.status, answer.reason) == (299, "My Own Words")
            assert answer.all("Set-Cookie") == ["a=1", "b=2"]
            assert (answer.get("X-Obs"), answer.get("X-Empty"), answer.get("ETag")) == ("\xe9", "", 'W/"1"')
            assert not answer.closes(), "the upstream's close is not the client's"
            for name in ("X-Hop", "Keep-Alive", "Proxy-Connection"):
                assert answer.all(name) == [], name


def test_date_is_there_exactly_once(gateway, origin):
    """RFC 9110 section 6.6.1: a recipient with a clock that gets a response without Date adds one."""
    @origin.on("/dated")
    async def dated(exchange):
        await respond(exchange, 200, b"", "Date: Mon, 01 Jan 2001 00:00:00 GMT")

    assert get(gateway.port, "/dated").get("Date") == "Mon, 01 Jan 2001 00:00:00 GMT"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", get(gateway.port, "/undated").get("Date"))


def test_via_is_added_and_appended(gateway, origin):
    get(gateway.port, "/")
    get(gateway.port, "/", "Via: 1.0 fred")
    once(gateway.port, b"GET / HTTP/1.0\r\n\r\n")
    assert [", ".join(seen.all("Via")) for seen in origin.seen] == ["1.1 sluice", "1.0 fred, 1.1 sluice", "1.0 sluice"]


def test_untrusted_client_cannot_speak_for_others(gateway, origin):
    get(
        gateway.port, "/", "X-Forwarded-For: 6.6.6.6", "x-forwarded-for: 7.7.7.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
        "X-Forwarded-Port: 1", "Forwarded: for=6.6.6.6",
    )
    seen = origin.seen[0]
    assert seen.get("X-Forwarded-For") == "127.0.0.1"
    assert seen.get("X-Forwarded-Proto") == "http"
    assert seen.get("X-Forwarded-Host", "test.example") == "test.example"
    assert seen.get("X-Forwarded-Port", str(gateway.port)) == str(gateway.port)
    assert not any("6.6.6.6" in value for value in seen.all("Forwarded"))


@pytest.fixture(scope="module")
def trusting(shared_origin):
    forwarded = {"trusted": ["10.0.0.0/8", "127.0.0.0/8"], "standard": True}
    with Gateway(to=shared_origin, forwarded=forwarded) as gateway:
        yield gateway


def test_trusted_client_is_believed_and_appended_to(trusting, origin):
    get(
        trusting.port, "/", "X-Forwarded-For: 6.6.6.6, 10.1.2.3", "X-Forwarded-Proto: https", "X-Forwarded-Host: public.example",
        "Forwarded: for=6.6.6.6;proto=https",
    )
    seen = origin.seen[0]
    assert [part.strip() for part in ",".join(seen.all("X-Forwarded-For")).split(",")] == ["6.6.6.6", "10.1.2.3", "127.0.0.1"]
    assert (seen.get("X-Forwarded-Proto"), seen.get("X-Forwarded-Host")) == ("https", "public.example")
    elements = ",".join(seen.all("Forwarded")).split(",")
    assert elements[0].strip() == "for=6.6.6.6;proto=https" and "for=127.0.0.1" in elements[1]


def test_standard_forwarded_field(trusting, origin):
    """RFC 7239: for, host and proto of this hop."""
    get(trusting.port, "/", host="shop.example:8443")
    pairs = dict(pair.split("=", 1) for pair in origin.seen[0].get("Forwarded").split(";"))
    assert pairs["for"] == "127.0.0.1" and pairs["proto"] == "http"
    assert pairs.get("host", '"shop.example:8443"') == '"shop.example:8443"', "a value with a colon is quoted"


def test_forwarding_fields_can_be_off(shared_origin, origin):
    with Gateway(to=shared_origin, forwarded={"x_forwarded": False, "via": False, "standard": False}) as gateway:
        get(gateway.port, "/")
    seen = origin.seen[0]
    assert [seen.all(name) for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Via", "Forwarded")] == [[], [], [], []]
