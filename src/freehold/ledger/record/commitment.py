# SPDX-License-Identifier: Apache-2.0
"""Salted commitments: HMAC-SHA256(salt, label || bytes). Who lacks the salt cannot even test a guess. Pure.

The labels keep a request from being passed off as an answer. They are part of the format and never change.
"""

import hmac

SALT_BYTES = 32
REQUEST_LABEL = b"freehold/v1/request\n"
ANSWER_LABEL = b"freehold/v1/answer\n"

_TOGETHER = 64
_TOGETHER_BYTES = 64 * 1024


class Commitment:
    """A commitment taken piece by piece, as an answer is streamed."""

    def __init__(self, salt: bytes, label: bytes) -> None:
        self._mac = hmac.new(salt, label, "sha256")
        self._waiting: list[bytes] = []  # many small pieces are taken together: a stream has thousands
        self._waiting_bytes = 0

    def update(self, data: bytes) -> None:
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if len(self._waiting) >= _TOGETHER or self._waiting_bytes >= _TOGETHER_BYTES:
            self._take()

    def hexdigest(self) -> str:
        self._take()
        return self._mac.hexdigest()

    def _take(self) -> None:
        self._mac.update(b"".join(self._waiting))
        self._waiting.clear()
        self._waiting_bytes = 0


def request_commitment(salt: bytes, body: bytes) -> str:
    return hmac.digest(salt, REQUEST_LABEL + body, "sha256").hex()


def answer_commitment(salt: bytes, answer: bytes) -> str:
    return hmac.digest(salt, ANSWER_LABEL + answer, "sha256").hex()
