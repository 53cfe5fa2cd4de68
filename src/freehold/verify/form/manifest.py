# SPDX-License-Identifier: Apache-2.0
"""A pack's manifest: every file with its digest and what kind of word it is, and the tree that the reports speak of."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from freehold.errors import VerificationFailed
from freehold.ledger.record.reading import parse_json, present_fields, reader_of

FORMAT: Final = "freehold/pack/v1"
ACT: Final = "evidence.pack"  # what puts a manifest on record
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "proof/manifest.sigstore.json"
RECEIPT: Final = "proof/receipt.json"
CONSISTENCY: Final = "proof/consistency/"  # one proof for each size of tree that anything in the pack speaks of
KEY: Final = "keys/vault.pem"
VKEY: Final = "keys/ledger.vkey"
POLICY: Final = "keys/tlog-policy"
RECEIPTS: Final = "receipts/"
SCORECARDS: Final = "drills/"
HEADS: Final = ("ledger/checkpoint", "ledger/checkpoint.cosigned")
MAX_MANIFEST_BYTES: Final = 1 << 24


class Kind(StrEnum):
    """Whose word a file is, and what for."""

    INDEX = "index"  # to be read first
    REPORT = "report"  # drawn up by the estate's program, for people
    DATA = "data"  # the same, for programs
    SOURCE = "source"  # what reports were drawn from: settings, rules, facts, materials
    RECORD = "record"  # what was kept of a drill
    RECEIPT = "receipt"  # proves that entries are in the ledger
    HEAD = "head"  # a signed checkpoint of the ledger
    KEY = "key"  # public keys, and whom the estate would have trusted: no reason to trust them
    ASSERTED = "asserted"  # what a person said, by name
    GIVEN = "given"  # made elsewhere, and put in as it came


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of the pack. ``sha256`` is in hex."""

    path: str
    kind: Kind
    title: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """``key``: SHA-256, in hex, over the PEM of the key that signed it. ``tree_size``, ``root``: what reports count."""

    pack: str
    id: str
    origin: str
    made_at: str
    freehold: str
    key: str
    tree_size: int
    root: str
    files: tuple[File, ...]


def describe(path: str, kind: Kind, title: str, content: bytes) -> File:
    """A file as the manifest lists it."""
    return File(path=path, kind=kind, title=title, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def write_manifest(manifest: Manifest) -> bytes:
    return json.dumps(present_fields(manifest), ensure_ascii=False, indent=1).encode() + b"\n"


def read_manifest(data: bytes) -> Manifest:
    """Taken apart; nothing that it says is proved yet. Raises VerificationFailed."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise VerificationFailed(f"{MANIFEST} has {len(data)} bytes, expected at most {MAX_MANIFEST_BYTES}")
    try:
        manifest = _read(parse_json(data))
    except ValueError as exc:
        raise VerificationFailed(f"{MANIFEST} is no manifest of a pack, or one of a newer release") from exc
    if manifest.pack != FORMAT:
        raise VerificationFailed(f"{MANIFEST} is {manifest.pack[:80]!r}, expected {FORMAT!r}")
    return manifest


def require_listed(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    """Exactly the files that the manifest lists, each as it says. Raises VerificationFailed."""
    listed = {file.path for file in manifest.files}
    if len(listed) != len(manifest.files):
        raise VerificationFailed(f"{MANIFEST} lists a file twice")
    if missing := sorted(listed - files.keys()):
        raise VerificationFailed(f"the pack lacks {len(missing)} files of its manifest, such as {missing[0]!r}")
    if extra := sorted(files.keys() - listed):
        raise VerificationFailed(
            f"the pack has {len(extra)} files that its manifest does not list, such as {extra[0]!r}"
        )
    for file in manifest.files:
        content = files[file.path]
        found = hashlib.sha256(content).hexdigest()
        if (len(content), found) != (file.size_bytes, file.sha256):
            raise VerificationFailed(
                f"{file.path!r} was changed: expected {file.size_bytes} bytes with SHA-256 {file.sha256},"
                f" found {len(content)} with {found}"
            )


_read = reader_of(Manifest, unknown_fields=False)
