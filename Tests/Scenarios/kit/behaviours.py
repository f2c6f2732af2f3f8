"""Ready-made behaviours of the origin, by the first segments of the path; anything else is echoed.

A behaviour reads the request body itself (or does not, that is the point of some) and may set `exchange.keep` to False
to end the connection.
"""

import asyncio
import json

BLOCK = bytes(range(256)) * 256  # 64 KiB


def pattern(count: int) -> bytes:
    """The deterministic body of /bytes/N and /chunked/N."""
    return (BLOCK * (count // len(BLOCK) + 1))[:count]


def words(exchange) -> list:
    return exchange.seen.target.split("?")[0].split("/")[2:]


async def respond(exchange, status: int = 200, body: bytes = b"", *lines: str, reason: str = "Some Reason"):
    head = "\r\n".join([f"HTTP/1.1 {status} {reason}", *lines, f"Content-Length: {len(body)}", "", ""])
    await exchange.send(head.encode("latin-1") + (b"" if exchange.seen.method == "HEAD" else body))


async def echo(exchange):
    """What arrived, as JSON: the raw head (latin-1), body size and digest, chunked or not, trailers, connection."""
    if (exchange.seen.get("Expect") or "").lower() == "100-continue":
        await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    seen = await exchange.body()
    answer = {
        "head": seen.head.decode("latin-1"), "body_bytes": seen.body_bytes, "sha256": seen.sha256,
        "chunked": seen.chunked, "trailers": seen.trailers, "connection": seen.connection, "index": seen.index,
        "origin": exchange.origin.label,
    }
    await respond(exchange, 200, json.dumps(answer).encode(), "Content-Type: application/json", "X-Origin: yes")


async def fixed(exchange):
    await exchange.body()
    count = int(words(exchange)[0])
    await exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {count}\r\nContent-Type: application/octet-stream\r\n\r\n".encode())
    if exchange.seen.method == "HEAD":
        return
    block = BLOCK * 4
    for start in range(0, count, len(block)):
        await exchange.send(block[: count - start])


async def chunked(exchange):
    await exchange.body()
    left = int(words(exchange)[0])
    await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n\r\n")
    while left:
        piece = BLOCK[: min(left, len(BLOCK))]
        left -= len(piece)
        await exchange.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    await exchange.send(b"0\r\nX-Checksum: abc\r\nX-Second: two\r\n\r\n")


async def drip(exchange):
    """/drip/COUNT/MS: COUNT chunks of one line each, MS milliseconds apart."""
    await exchange.body()
    count, gap = (int(word) for word in words(exchange)[:2])
    await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(count):
        await exchange.send(b"8\r\nline %02d\n\r\n" % number)
        await asyncio.sleep(gap / 1000)
    await exchange.send(b"0\r\n\r\n")


async def slow(exchange):
    """/slow/MS: answers after MS milliseconds."""
    await exchange.body()
    await asyncio.sleep(int(words(exchange)[0]) / 1000)
    await respond(exchange, 200, b"slow but here\n")


async def status(exchange):
    await exchange.body()
    code = int(words(exchange)[0])
    if code in (204, 304):
        await exchange.send(f"HTTP/1.1 {code} Fine\r\nETag: \"e\"\r\n\r\n".encode())
    else:
        await respond(exchange, code, b"status\n")


async def early(exchange):
    """Answers before the request body was read, then closes without reading it."""
    await respond(exchange, 403, b"no need for your body\n", "Connection: close")
    exchange.keep = False


async def hints(exchange):
    await exchange.body()
    await exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
    await asyncio.sleep(0.02)
    await exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </two.css>; rel=preload\r\n\r\n")
    await respond(exchange, 200, b"hinted\n")


async def cut(exchange):
    """Promises 1000 bytes, sends 400, ends the connection; /cut/chunked does so inside a chunk."""
    await exchange.body()
    if words(exchange) == ["chunked"]:
        await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n190\r\n" + b"x" * 400 + b"\r\n190\r\nyyy")
    else:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 400)
    await asyncio.sleep(0.05)
    exchange.keep = False


async def until_close(exchange):
    """An HTTP/1.0 answer that ends with the connection."""
    await exchange.body()
    await exchange.send(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nfirst\n")
    await asyncio.sleep(0.02)
    await exchange.send(b"second\n")
    exchange.keep = False


async def never(exchange):
    await exchange.body()
    await exchange.reader.read(1)
    exchange.keep = False


async def close_after(exchange):
    """Answers with `Connection: close` and ends the connection."""
    await exchange.body()
    await respond(exchange, 200, b"bye\n", "Connection: close")
    exchange.keep = False


STANDARD = {
    "/": echo, "/bytes": fixed, "/chunked": chunked, "/drip": drip, "/slow": slow, "/status": status, "/early": early,
    "/hints": hints, "/cut": cut, "/until-close": until_close, "/never": never, "/close": close_after,
}
