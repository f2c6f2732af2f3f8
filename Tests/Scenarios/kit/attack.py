"""Judging one request-smuggling attempt: the gateway must refuse it, end the connection, and never act on what follows.

Behind every attempt comes a complete, innocent-looking request for /smuggled; if the origin ever sees it, two parties
read the same bytes differently. A request for /barrier then proves that nothing is still on its way.
"""

from .rawclient import RawClient, get

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: test.example\r\n\r\n"
POST = b"POST /attack HTTP/1.1\r\nHost: test.example\r\n"


def refused(gateway, origin, raw: bytes, statuses=(400,), may_start: bool = False):
    """`may_start`: the head itself is fine, so the origin may see it, but never a finished body."""
    origin.forget()
    with RawClient(gateway.port) as client:
        client.send_what_fits(raw + SMUGGLED)
        answer = client.response("POST")
        assert answer.status in statuses, f"answered {answer.status} to {raw!r}, origin saw {origin.targets()}"
        assert answer.closes(), f"{answer.status} without Connection: close, so what follows would be read as a request"
        assert client.is_closed(), f"the connection stayed open: {client.buffer!r}"
    assert get(gateway.port, "/barrier").status == 200
    seen = list(origin.seen)
    assert "/smuggled" not in [one.target for one in seen], "the origin saw the smuggled request"
    assert seen[-1].target == "/barrier"
    if may_start:
        assert len(seen) <= 2 and not any(one.finished for one in seen[:-1])
    else:
        assert len(seen) == 1, f"the origin saw {seen[0].head!r}"


def ids(cases) -> list:
    """Readable test names for raw bytes."""
    return [repr(case[0] if isinstance(case, tuple) else case)[2:-1].replace("\\\\", "\\")[:70] for case in cases]
