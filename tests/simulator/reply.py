# SPDX-License-Identifier: Apache-2.0
"""An answer in a vendor's own bytes, and the seam to the vendors."""

import hashlib
import json
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.simulator.asked import Asked
from tests.simulator.said import Said

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer has one piece; a streamed one has its events."""

    pieces: list[bytes]
    stream: bool = False
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    terminators: int = 0  # how many of the last pieces say that the stream is whole


class Problem(Exception):
    """The request is answered with an error of the vendor's."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request, as a vendor sees it. Header names are in small letters."""

    number: int
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at_unix: int
    key: str  # the only one that is good
    models: frozenset[str]

    def name(self, length: int, salt: object = "") -> str:
        """Letters and digits, the same for the same request and salt."""
        digest = hashlib.sha512(f"{self.number}/{salt}".encode()).digest()
        return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest)[:length]

    def uuid(self) -> str:
        digits = self.hex(32, "uuid")
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def hex(self, length: int, salt: object = "") -> str:
        return hashlib.sha512(f"{self.number}/{salt}".encode()).hexdigest()[:length]


class Door(Protocol):
    """One endpoint of one vendor."""

    def admit(self, visit: Visit) -> None:
        """Raises Problem where the vendor would not let the caller in."""
        ...

    def read(self, visit: Visit) -> Asked:
        """Raises Problem for what the vendor would refuse."""
        ...

    def write(self, visit: Visit, asked: Asked, said: Said) -> Reply: ...

    def error(self, visit: Visit, status: int) -> Reply:
        """An error of the vendor's with this status."""
        ...

    def error_event(self, visit: Visit) -> bytes:
        """How the vendor breaks off in mid-stream."""
        ...


def compact(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def indented(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def data_events(documents: Iterable[Mapping[str, Any]]) -> list[bytes]:
    return [b"data: " + compact(document) + b"\n\n" for document in documents]
