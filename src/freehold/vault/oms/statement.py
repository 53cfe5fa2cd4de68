# SPDX-License-Identifier: Apache-2.0
"""The statement of a model's signature: every file by its path and SHA-256, and one digest over all of them.

In-toto Statement v1 with the predicate `https://model_signing/signature/v1.0`. Its one subject has the digest over the
digests of the resources in their order. A model that is a single file has one resource, of the name ".".
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from freehold.errors import VerificationFailed

ONLY_FILE = "."  # the name of the one resource where a file was signed, and not a folder

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
# what the outside tool leaves out of a folder by itself, when it signs as when it verifies; at the folder's top alone
IGNORED = ("model.sig", ".git", ".gitattributes", ".github", ".gitignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One file. ``digest`` is ``sha256:`` and 64 hexadecimal digits."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What was signed, and what the signer's tool called it: the name of the file or of the folder."""

    name: str
    resources: frozenset[Resource]


class _Subject(msgspec.Struct):
    digest: dict[str, str]
    name: str = ""


class _Resource(msgspec.Struct):
    name: str
    algorithm: str
    digest: str


class _Serialization(msgspec.Struct):
    method: str
    hash_type: str


class _Predicate(msgspec.Struct):
    serialization: _Serialization
    resources: list[_Resource]


class _Statement(msgspec.Struct, rename={"type": "_type", "predicate_type": "predicateType"}):
    type: str
    subject: list[_Subject]
    predicate_type: str
    predicate: _Predicate


_STATEMENT_DECODER: Final = msgspec.json.Decoder(_Statement)


def write_statement(name: str, resources: Iterable[Resource], ignored: tuple[str, ...] = ()) -> bytes:
    """The payload for a model called ``name``. ``ignored``: what else may lie in its folder.

    What the outside tool passes over is left out: it would look for a file that it does not see.
    """
    wanted = (resource for resource in resources if resource.name not in IGNORED)
    listed = sorted(wanted, key=lambda resource: resource.name.split("/"))
    rows = [{"name": row.name, "algorithm": "sha256", "digest": row.digest.removeprefix("sha256:")} for row in listed]
    serialization = {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": (*IGNORED, *ignored),
    }
    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": _over(row["digest"] for row in rows)}}],
        "predicateType": _PREDICATE,
        "predicate": {"serialization": serialization, "resources": rows},
    }
    return json.dumps(statement, separators=(",", ":")).encode()


def read_statement(payload: bytes) -> Statement:
    """What a payload says was signed. Raises VerificationFailed. Whatever paths it would have ignored, none is."""
    try:
        read = _STATEMENT_DECODER.decode(payload)
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise VerificationFailed("what was signed is not a statement about a model's files") from exc
    if (read.type, read.predicate_type) != (_STATEMENT, _PREDICATE):
        raise VerificationFailed(f"what was signed is {read.predicate_type!r}, expected {_PREDICATE!r}")
    rows = read.predicate.resources
    if read.predicate.serialization.method != "files" or any(row.algorithm != "sha256" for row in rows):
        raise VerificationFailed("the signature is over shards or digests of another kind; SHA-256 of files is read")
    try:
        over = _over(row.digest for row in rows)
    except ValueError as exc:
        raise VerificationFailed("the signed statement has a digest that is none") from exc
    if len(read.subject) != 1 or read.subject[0].digest.get("sha256") != over:
        raise VerificationFailed("the signed statement contradicts itself: its subject is not its files")
    if len({row.name for row in rows}) != len(rows):
        raise VerificationFailed("the signed statement names a file twice")
    resources = frozenset(Resource(name=row.name, digest=f"sha256:{row.digest}") for row in rows)
    return Statement(name=read.subject[0].name, resources=resources)


def _over(digests: Iterable[str]) -> str:
    return hashlib.sha256(b"".join(bytes.fromhex(digest) for digest in digests)).hexdigest()
