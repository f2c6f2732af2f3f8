"""A client of body-crypt, written from the format in its README and from nothing else."""

import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LAST = 1 << 31


class Stream:
    def __init__(self, key: bytes, key_id: str, direction: str, salt: bytes):
        pieces = [b"sluice body-crypt 1", direction.encode(), salt, key_id.encode(), b"\x01"]
        self.cipher, self.counter = AESGCM(hmac.digest(key, b"".join(pieces), "sha256")), 0

    def next_nonce(self, last: bool) -> bytes:
        nonce = bytes(7) + struct.pack(">IB", self.counter, last)
        self.counter += 1
        return nonce


def seal(key: bytes, key_id: str, pieces, direction: str = "request", finished: bool = True) -> bytes:
    """A sealed message of one segment a piece. Not `finished`: the last of them does not say so."""
    salt = os.urandom(16)
    stream, out = Stream(key, key_id, direction, salt), [b"SLS1" + salt + bytes([len(key_id)]) + key_id.encode()]
    for number, piece in enumerate(pieces):
        last = finished and number == len(pieces) - 1
        head = struct.pack(">I", len(piece) | (LAST if last else 0))
        out += [head, stream.cipher.encrypt(stream.next_nonce(last), piece, head)]
    return b"".join(out)


class Reader:
    """Opens a sealed response as its bytes come: `feed` returns the plain pieces that are complete."""

    def __init__(self, keys: dict, direction: str = "response"):
        self.keys, self.direction, self.buffer, self.stream, self.finished = keys, direction, b"", None, False

    def feed(self, data: bytes) -> list:
        self.buffer += data
        pieces = []
        if self.stream is None and len(self.buffer) >= 21 and len(self.buffer) >= 21 + self.buffer[20]:
            assert self.buffer[:4] == b"SLS1", self.buffer[:4]
            key_id = self.buffer[21 : 21 + self.buffer[20]].decode()
            self.stream = Stream(self.keys[key_id], key_id, self.direction, self.buffer[4:20])
            self.buffer = self.buffer[21 + len(key_id):]
        while self.stream and len(self.buffer) >= 4:
            word = struct.unpack(">I", self.buffer[:4])[0]
            size, last = word & ~LAST, bool(word & LAST)
            assert size <= 65536 and not self.finished
            if len(self.buffer) < 20 + size:
                break
            pieces.append(self.stream.cipher.decrypt(self.stream.next_nonce(last), self.buffer[4 : 20 + size], self.buffer[:4]))
            self.buffer, self.finished = self.buffer[20 + size:], last
        return pieces


def unseal(keys: dict, data: bytes) -> bytes:
    """A whole sealed response."""
    reader = Reader(keys)
    plain = b"".join(reader.feed(data))
    assert reader.finished and reader.buffer == b"", "the message is cut off, or something follows it"
    return plain
