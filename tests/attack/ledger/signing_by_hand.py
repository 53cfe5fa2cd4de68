# SPDX-License-Identifier: Apache-2.0
"""Signs whatever it is told to, as a log or a witness that lies would: notes, checkpoints and cosignatures, by hand."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LOG = 0x01
WITNESS = 0x04
AT = 1_763_822_280  # 2025-11-22T14:38:00Z


@dataclass(frozen=True)
class Hand:
    """An Ed25519 key of a name and a type, made from a number."""

    name: str
    number: int
    kind: int = LOG

    @property
    def key(self) -> Ed25519PrivateKey:
        seed = bytes(range(32)) if self.number == 0 else bytes([self.number]) * 32
        return Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def material(self) -> bytes:
        return bytes([self.kind]) + self.key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + self.material).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.material).decode()}"

    def line(self, text: str, *, at_unix: int = AT) -> str:
        """A signature line: over the text, or for a witness over the cosignature's message."""
        if self.kind == WITNESS:
            message = f"cosignature/v1\ntime {at_unix}\n{text}"
            return self.line_of(at_unix.to_bytes(8, "big") + self.key.sign(message.encode()))
        return self.line_of(self.key.sign(text.encode()))

    def line_of(self, signature: bytes) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + signature).decode()}\n"


ORIGIN = "estate.example/ledger"
OWN = Hand(ORIGIN, 0)
THIEF = Hand(ORIGIN, 9)
ELSEWHERE = Hand("other.example/ledger", 0)
PARIS = Hand("witness.paris.example/w1", 1, WITNESS)
BERLIN = Hand("witness.berlin.example/w1", 2, WITNESS)
ROME = Hand("witness.rome.example/w1", 3, WITNESS)
STRANGER = Hand("witness.nowhere.example/w1", 4, WITNESS)


def head(size: int, root: bytes, *, origin: str = ORIGIN, more: str = "") -> str:
    """The text of a checkpoint."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n{more}"


def note(text: str, *lines: str) -> bytes:
    return (text + "\n" + "".join(lines)).encode()
