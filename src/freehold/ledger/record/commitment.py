# SPDX-License-Identifier: Apache-2.0
"""Salted commitments: HMAC-SHA256(salt, label || bytes). Who lacks the salt cannot even test a guess. Pure.

The labels keep a request from being passed off as an answer. They are part of the format and never change.
"""

from hashlib import sha256

SALT_BYTES = 32
REQUEST_LABEL = b"freehold/v1/request\n"
ANSWER_LABEL = b"freehold/v1/answer\n"

_TOGETHER = 64
_TOGETHER_BYTES = 64 * 1024
# RFC 2104, written out: what ``hmac`` does around the hashing takes longer than the hashing of most calls.
_BLOCK_BYTES = 64  # of SHA-256; no salt is longer
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Commitment:
    """A commitment taken piece by piece, as an answer is streamed."""

    __slots__ = ("_inner", "_key", "_waiting", "_waiting_bytes")

    def __init__(self, salt: bytes, label: bytes) -> None:
        self._key = key = salt.ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(key.translate(_INNER) + label)
        self._waiting: list[bytes] = []  # many small pieces are taken together: a stream has thousands
        self._waiting_bytes = 0

    def update(self, data: bytes) -> None:
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if len(self._waiting) >= _TOGETHER or self._waiting_bytes >= _TOGETHER_BYTES:
            self._take()

    def hexdigest(self) -> str:
        self._take()
        return sha256(self._key.translate(_OUTER) + self._inner.digest()).hexdigest()

    def _take(self) -> None:
        self._inner.update(b"".join(self._waiting))
        self._waiting.clear()
        self._waiting_bytes = 0


def request_commitment(salt: bytes, body: bytes) -> str:
    return _committed(salt, REQUEST_LABEL + body)


def answer_commitment(salt: bytes, answer: bytes) -> str:
    return _committed(salt, ANSWER_LABEL + answer)


def _committed(salt: bytes, data: bytes) -> str:
    key = salt.ljust(_BLOCK_BYTES, b"\0")
    inner = sha256(key.translate(_INNER) + data).digest()
    return sha256(key.translate(_OUTER) + inner).hexdigest()
