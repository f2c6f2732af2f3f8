"""Request smuggling by Content-Length and Transfer-Encoding (RFC 9112 sections 6.1 to 6.3 and 11.2).

Each case is the part of the head behind `POST /attack` and `Host`, with the statuses that are right for it; a body that
suits the attack follows. The proof that nothing got through is in `kit/attack.py`.
"""

import json

import pytest
from kit.attack import POST, ids, refused
from kit.rawclient import once

CODING = (400, 501)  # RFC 9112 section 6.1 asks for 501 for an unknown coding, 6.3 for 400 when chunked is not last

BOTH = [
    b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding:\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n",
    b"Content-Length: 5\r\ntRANSFER-eNCODING: CHUNKED\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
    b"Content-Length: 5\r\nX: y\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
]

CODINGS = [
    (b"Transfer-Encoding : chunked\r\n", (400,)),
    (b"Transfer-Encoding\t: chunked\r\n", (400,)),
    (b"Transfer-Encoding: \x0bchunked\r\n", (400,)),
    (b"Transfer-Encoding:\x0bchunked\r\n", (400,)),
    (b"Transfer-Encoding: chunked\x0b\r\n", (400,)),
    (b"Transfer-Encoding: \x0cchunked\r\n", (400,)),
    (b"Transfer-Encoding: chunked\x00\r\n", (400,)),
    (b"Transfer-Encoding: chu\x00nked\r\n", (400,)),
    (b"\x00Transfer-Encoding: chunked\r\n", (400,)),
    (b"Transfer-Encoding: \x00chunked\r\n", (400,)),
    (b" Transfer-Encoding: chunked\r\n", (400,)),
    (b"\tTransfer-Encoding: chunked\r\n", (400,)),
    (b"Transfer-Encoding:\r\n chunked\r\n", (400,)),
    (b"Transfer-Encoding: chunked\r\n , identity\r\n", (400,)),
    (b"Transfer-Encoding\r\n: chunked\r\n", (400,)),
    (b"Transfer-Encoding: chunked\rX: y\r\n", (400,)),
    (b"Transfer-Encoding: chunked\r\r\n", (400,)),
    (b"X: y\nTransfer-Encoding: chunked\r\n", (400,)),
    (b"X: y\rTransfer-Encoding: chunked\r\n", (400,)),
    (b"X: y\r\n\rTransfer-Encoding: chunked\r\n", (400,)),
    (b"Transfer-Encoding: chunked\n", (400,)),
    (b"Transfer-Encoding\xa0: chunked\r\n", (400,)),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", (400,)),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", CODING),
    (b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", CODING),
    (b"Transfer-Encoding: chunked, chunked\r\n", CODING),
    (b"Transfer-Encoding: chunked, identity\r\n", CODING),
    (b"Transfer-Encoding: identity, chunked\r\n", CODING),
    (b"Transfer-Encoding: xchunked\r\n", CODING),
    (b"Transfer-Encoding: chunkedx\r\n", CODING),
    (b"Transfer-Encoding: x chunked\r\n", CODING),
    (b"Transfer-Encoding: chunked;q=1\r\n", CODING),
    (b"Transfer-Encoding: \"chunked\"\r\n", CODING),
    (b"Transfer-Encoding: 'chunked'\r\n", CODING),
    (b"Transfer-Encoding: [chunked]\r\n", CODING),
    (b"Transfer-Encoding: \xa0chunked\r\n", CODING),
    (b"Transfer-Encoding: \xef\xbb\xbfchunked\r\n", CODING),
    (b"Transfer-Encoding: chunked,\r\n", CODING),
    (b"Transfer-Encoding: ,chunked\r\n", CODING),
    (b"Transfer-Encoding: chunk\r\n", CODING),
    (b"Transfer-Encoding: chun\xc4\xb8ed\r\n", CODING),
    (b"Transfer-Encoding:\r\n", CODING),
    (b"Transfer-Encoding: identity\r\n", CODING),
    (b"Transfer-Encoding: gzip\r\n", CODING),
    (b"Transfer-Encoding: gzip, chunked\r\n", CODING),
    (b"Transfer-Encoding: chunked, gzip\r\n", CODING),
]

LENGTHS = [
    b"+5", b"-5", b"0x5", b"5,5", b"5, 5", b"5 5", b"5;", b"\"5\"", b"", b"5.0", b"1e1", b"5\x0b", b"\x0b5", b"5\x00", b"\x005", b"5_0", b"five",
    b"5\t5", b"\xef\xbc\x95", b"5\xa0", b",5", b"5,", b"99999999999999999999999", b"18446744073709551621", b"9223372036854775808",
    b"5\r\nContent-Length: 6", b"6\r\nContent-Length: 5", b"5\r\nContent-Length: 5", b"5\r\ncontent-length: 0", b"5\r\n 5", b"\r\n 5", b"5\r5",
]

NAMES = [
    b"Content-Length : 5\r\n", b"Content-Length\t: 5\r\n", b" Content-Length: 5\r\n", b"Content-Length\x00: 5\r\n", b"Content-Length 5\r\n",
    b"X: y\nContent-Length: 5\r\n", b"X: y\rContent-Length: 5\r\n", b"Content-Length: 5\n", b"Content Length: 5\r\n", b": 5\r\n",
]


@pytest.mark.parametrize("head", BOTH, ids=ids(BOTH))
def test_both_framings(gateway, origin, head):
    refused(gateway, origin, POST + head + b"\r\n0\r\n\r\nG", CODING)


@pytest.mark.parametrize("head,statuses", CODINGS, ids=ids(CODINGS))
@pytest.mark.parametrize("second", [b"", b"Content-Length: 5\r\n"], ids=["alone", "with a length"])
def test_transfer_encoding_in_disguise(gateway, origin, head, statuses, second):
    refused(gateway, origin, POST + second + head + b"\r\n0\r\n\r\n", CODING if second else statuses)


@pytest.mark.parametrize("value", LENGTHS, ids=ids(LENGTHS))
def test_content_length_that_is_no_number(gateway, origin, value):
    refused(gateway, origin, POST + b"Content-Length: " + value + b"\r\n\r\nhello", (400, 413) if value.isdigit() else (400,))


@pytest.mark.parametrize("line", NAMES, ids=ids(NAMES))
def test_content_length_in_disguise(gateway, origin, line):
    refused(gateway, origin, POST + line + b"\r\nhello")


def test_transfer_encoding_in_http_1_0(gateway, origin):
    """RFC 9112 section 6.1: such a message has faulty framing."""
    refused(gateway, origin, b"POST /attack HTTP/1.0\r\nHost: test.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


HARMLESS = [
    (b"Transfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "the coding's name has no case"),
    (b"Transfer-Encoding:chunked \t\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "white space around it means nothing"),
    (b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello", "another field altogether"),
    (b"Content_Length: 3\r\nContent-Length: 5\r\n\r\nhello", "another field altogether"),
    (b"X-Transfer-Encoding: chunked\r\nContent-Length:5\r\n\r\nhello", "another field altogether"),
    (b"Content-Length:   5\t\r\n\r\nhello", "white space around it means nothing"),
]


@pytest.mark.parametrize("rest,why", HARMLESS, ids=[why for _, why in HARMLESS])
def test_what_only_looks_like_an_attack(gateway, origin, rest, why):
    answer = once(gateway.port, POST + rest)
    assert answer.status == 200 and json.loads(answer.body)["body_bytes"] == 5
