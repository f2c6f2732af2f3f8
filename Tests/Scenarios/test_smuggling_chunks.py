"""Request smuggling inside chunked bodies (RFC 9112 section 7.1): sizes, extensions, line ends, trailers.

The head is fine, so the origin may see the request begin; it must never see it end.
"""

import json
import time

import pytest
from kit.attack import POST, ids, refused
from kit.rawclient import RawClient, once

HEAD = POST + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

SIZES = [
    b"0x5", b"+5", b"-5", b" 5", b"\t5", b"5 ", b"5\t", b"", b"g", b"5g", b"5_", b"5.", b"5,", b"\x005", b"5\x00", b"\xef\xbc\x95", b"05h",
    b"-0", b"0x0", b"FFFFFFFFFFFFFFFF", b"FFFFFFFFFFFFFFFFF", b"10000000000000005", b"8000000000000000", b"5\x0b", b"\x0b5",
]

BODIES = [
    b"5\nhello\r\n" + END,
    b"5\rhello\r\n" + END,
    b"5\r\rhello\r\n" + END,
    b"5\r\nhello\n" + END,
    b"5\r\nhello\r" + END,
    b"5\r\nhello" + END,
    b"5\r\nhelloX\r\n" + END,
    b"5\r\nhello\r\r\n" + END,
    b"5\r\nhell\r\n" + END,
    b"4\r\nhello\r\n" + END,
    b"5;ext\nmore\r\nhello\r\n" + END,
    b"5;ext\rmore\r\nhello\r\n" + END,
    b"5;\x00\r\nhello\r\n" + END,
    b"5;a=\x01\r\nhello\r\n" + END,
    b"5;a=\x7f\r\nhello\r\n" + END,
    b"5;" + b"a" * 5000 + b"\r\nhello\r\n" + END,
    b"".join(b"1;" + b"e" * 100 + b"\r\nz\r\n" for _ in range(60)) + END,
    b"5\r\nhello\r\n0\n\r\n",
    b"5\r\nhello\r\n0\r\n\n",
    b"5\r\nhello\r\n0\r\r\n",
    b"5\r\nhello\r\n0;\n\r\n",
    b"5\r\nhello\r\n00000000000000000\r\n\r\n",
    b"5\r\nhello\r\n\r\n" + END,
]

TRAILERS = [
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: evil.example\r\n", b" X: folded\r\n", b"X: y\r\n folded\r\n",
    b"no colon\r\n",
    b": empty name\r\n", b"X : y\r\n", b"X: a\x00b\r\n", b"X: a\nY: b\r\n", b"X: a\rY: b\r\n", b"X\x7f: a\r\n", b"X: " + b"v" * 9000 + b"\r\n",
    b"X: y\r\n" * 3000,
]


@pytest.mark.parametrize("size", SIZES, ids=ids(SIZES))
def test_size_that_is_no_size(gateway, origin, size):
    refused(gateway, origin, HEAD + size + b"\r\nhello\r\n" + END, (400, 413) if size[:1] in b"F8" else (400,), may_start=True)


@pytest.mark.parametrize("body", BODIES, ids=ids(BODIES))
def test_broken_chunk(gateway, origin, body):
    refused(gateway, origin, HEAD + body, may_start=True)


@pytest.mark.parametrize("trailer", TRAILERS, ids=ids(TRAILERS))
def test_trailer_that_must_not_be(gateway, origin, trailer):
    refused(gateway, origin, HEAD + b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n", (400, 431), may_start=True)


HARMLESS = [
    b"5\r\nhello\r\n0\r\n\r\n", b"0005\r\nhello\r\n000\r\n\r\n", b"5;a\r\nhello\r\n0;b=c\r\n\r\n", b"5;a=\"x;y\"\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
    b"1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("body", HARMLESS, ids=ids(HARMLESS))
def test_unusual_but_right(gateway, origin, body):
    answer = once(gateway.port, HEAD + body)
    assert answer.status == 200 and json.loads(answer.body)["body_bytes"] == 5


def test_every_split_of_a_broken_body_is_refused(gateway, origin):
    """The verdict must not depend on where packets end."""
    body = b"5\r\nhello\r\n0x\r\n\r\n"
    for cut in range(1, len(body) - 3):
        with RawClient(gateway.port) as client:
            client.send(HEAD + body[:cut])
            time.sleep(0.003)
            client.send_what_fits(body[cut:])
            assert client.response("POST").status == 400, f"cut at {cut}"
