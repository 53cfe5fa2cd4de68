# SPDX-License-Identifier: Apache-2.0
"""Writes assets/: consistency proofs from 3 entries to 7, each with the defect that it is named for.

Run from the repository's root, and only to add a file: ``python -m tests.attack.verify.proof_assets``.
"""

import base64
import json
from pathlib import Path

from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.ledger.tree.merkle import consistency_proof, leaf_hash, root, root_of
from freehold.signing.keys import FileKey

ASSETS = Path(__file__).parent / "assets"
KEY = FileKey("estate.example/ledger", bytes(range(32)))
LEAVES = [leaf_hash(b"entry %d" % index) for index in range(7)]
OLDER, NEWER = 3, 7


def assets() -> dict[str, bytes]:
    """The content of every file, by its name."""
    sound = _proof(OLDER, NEWER)
    lines = {
        "sound": sound,
        "hash-changed": [_changed(sound[0]), *sound[1:]],
        "hash-missing": sound[1:],
        "hash-too-many": [*sound, sound[-1]],
        "hash-of-31-bytes": [sound[0][:31], *sound[1:]],
        "hashes-in-another-order": sound[::-1],
        "empty": [],
        "of-another-older-size": _proof(OLDER + 1, NEWER),
        "of-another-newer-size": _proof(OLDER, NEWER - 1),
        "of-another-log": [leaf_hash(node) for node in sound],
        "more-hashes-than-a-tree-is-high": [*sound] * 16,
    }
    text = _text(sound)
    words = [base64.b64encode(node).decode() for node in sound]
    others = {
        "sound-json": json.dumps({"consistency": words}).encode(),
        "json-a-list": json.dumps(words).encode(),
        "json-cut-off": json.dumps({"consistency": words}).encode()[:-2],
        "json-of-another-name": json.dumps({"audit_path": words}).encode(),
        "json-with-a-name-twice": b'{"consistency":[],' + json.dumps({"consistency": words}).encode()[1:],
        "json-with-a-number": json.dumps({"consistency": [*words, 1]}).encode(),
        "not-ascii": text.replace(b"\n", "\u2028".encode(), 1),
        "not-base64": text.replace(b"=", b"!", 1),
        "spaces-in-a-hash": text.replace(b"=\n", b" =\n", 1),
        "checkpoint-behind-it": text + b"\n" + checkpoint(NEWER),
    }
    return {
        f"{name}.proof": data
        for name, data in {**{name: _text(proof) for name, proof in lines.items()}, **others}.items()
    }


def checkpoint(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(origin=KEY.name, size=size, root=root(size, _subtree)), KEY)


def _proof(older: int, newer: int) -> list[bytes]:
    return consistency_proof(older, newer, _subtree)


def _subtree(height: int, index: int) -> bytes:
    return root_of(LEAVES[index << height : (index + 1) << height])


def _text(proof: list[bytes]) -> bytes:
    return b"".join(base64.b64encode(node) + b"\n" for node in proof)


def _changed(node: bytes) -> bytes:
    return bytes([node[0] ^ 1]) + node[1:]


if __name__ == "__main__":
    ASSETS.mkdir(exist_ok=True)
    for name, content in assets().items():
        (ASSETS / name).write_bytes(content)
