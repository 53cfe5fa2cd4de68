# SPDX-License-Identifier: Apache-2.0
"""Ids of tool calls, made to fit where an API allows few: the same id for a call and its result, in every request."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH = 9  # Mistral's, which fits everywhere


class CallIds:
    """The ids of one request. Those that match ``fits`` stay as they are."""

    def __init__(self, fits: re.Pattern[str]) -> None:
        self._fits = fits

    def of(self, identity: str) -> str:
        """The id to send. It depends on the given one alone, so that a cache of prompts finds earlier turns again."""
        return identity if self._fits.fullmatch(identity) else _short(identity)

    def in_calls(self, calls: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**call, "id": self.of(call["id"])} for call in calls]


def _short(identity: str) -> str:
    """62^9 is some 10^16: two ids of one conversation do not meet."""
    number = int.from_bytes(hashlib.sha256(identity.encode()).digest())
    letters = []
    for _ in range(_LENGTH):
        number, letter = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return "".join(letters)
