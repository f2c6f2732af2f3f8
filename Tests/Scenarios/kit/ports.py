"""Free TCP ports for listeners that are opened a moment later by another process.

They are taken below the ephemeral range, so that no outgoing connection of this machine can grab one in between.
"""

import random
import socket

_given = set()


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now and that was not handed out before in this run."""
    for _ in range(1000):
        port = random.randint(12_000, 32_000)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise RuntimeError("no free port between 12000 and 32000")
