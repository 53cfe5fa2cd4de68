# SPDX-License-Identifier: Apache-2.0
"""Salted commitments: HMAC-SHA256(salt, label || bytes). Who lacks the salt cannot even test a guess. Pure.

The labels keep a request from being passed off as an answer. They are part of the format and never change.
"""

from collections.abc import Callable
from hashlib import sha256

SALT_BYTES = 32
REQUEST_LABEL = b"freehold/v1/request\n"
ANSWER_LABEL = b"freehold/v1/answer\n"

_TOGETHER = 64  # pieces
# RFC 2104, written out: what ``hmac`` does around the hashing takes longer than the hashing of most calls.
_BLOCK_BYTES = 64  # of SHA-256; no salt is longer
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Commitment:
    """A commitment taken piece by piece, as an answer is streamed."""

    __slots__ = ("_inner", "_key", "_out", "_taken_bytes", "_waiting")

    def __init__(self, salt: bytes, label: bytes) -> None:
        self._key = key = salt.ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(key.translate(_INNER) + label)
        self._waiting: list[bytes] = []  # many small pieces are taken together: a stream has thousands
        self._taken_bytes = 0

    @property
    def size_bytes(self) -> int:
        """Of all pieces so far."""
        return self._taken_bytes + sum(map(len, self._waiting))

    def update(self, data: bytes) -> None:
        self._waiting.append(data)
        if len(self._waiting) >= _TOGETHER:
            self._take()

    def before(self, out: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
        """``out``, with each piece committed to before it goes there."""
        self._out = out
        return self._committed

    def _committed(self, piece: bytes) -> bool:
        self.update(piece)
        return self._out(piece)

    def hexdigest(self) -> str:
        self._take()
        return sha256(self._key.translate(_OUTER) + self._inner.digest()).hexdigest()

    def _take(self) -> None:
        together = b"".join(self._waiting)
        self._inner.update(together)
        self._taken_bytes += len(together)
        self._waiting.clear()


def request_commitment(salt: bytes, body: bytes) -> str:
    return _committed(salt, REQUEST_LABEL + body)


def answer_commitment(salt: bytes, answer: bytes) -> str:
    return _committed(salt, ANSWER_LABEL + answer)


def _committed(salt: bytes, data: bytes) -> str:
    key = salt.ljust(_BLOCK_BYTES, b"\0")
    inner = sha256(key.translate(_INNER) + data).digest()
    return sha256(key.translate(_OUTER) + inner).hexdigest()
