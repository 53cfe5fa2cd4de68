# SPDX-License-Identifier: Apache-2.0
"""Evidence packs with next to nothing in them, made by the parts that make real ones, and ways to spoil them.

The ledger has a call, a drill and, last, the act that puts the pack on record.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from tests.ledger_builder import AT, KEY, ORIGIN, admission_bytes, append, open_log, outcome_bytes

from freehold.assess.evidence.pack.chosen import Chosen
from freehold.assess.evidence.pack.closing import closed_files
from freehold.assess.evidence.pack.draft import Draft
from freehold.ledger import compose
from freehold.ledger.check.issuing import receipts_for
from freehold.ledger.check.trust import trust_log
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.ledger.tree.store import LedgerFiles
from freehold.signing.elliptic import EllipticSigner
from freehold.vault.oms import Kind as Statement
from freehold.vault.oms import sign_own
from freehold.verify.form.archive import write_archive
from freehold.verify.form.manifest import ACT, FORMAT, VKEY, Kind, Manifest, describe, write_manifest
from freehold.verify.form.manifest import KEY as KEY_FILE
from freehold.verify.form.signature import PREDICATE, SUBJECT

SIGNER: Final = EllipticSigner(ec.derive_private_key(0xF4EE401D, ec.SECP256R1()))
STRANGER: Final = EllipticSigner(ec.derive_private_key(0x57A46E4, ec.SECP256R1()))
DRILL: Final = "drill_0123456789ab"
SCORECARD: Final = b'{"id":"drill_0123456789ab","passed":true}'
ANSWERS: Final = b'[[answer]]\nid = "SOV-8.q4"\nby = "A. Weber"\nvalue = "3"\n'
TRUST: Final = trust_log(KEY.vkey)
_KIND = Statement(PREDICATE, dict[str, int], "a statement about a pack")


@dataclass(slots=True)
class Recipe:
    """What a pack is made of, to be changed before it is made. ``manifest`` and ``act`` change what is signed."""

    files: dict[str, tuple[Kind, bytes]] = field(default_factory=dict)
    manifest: Callable[[Manifest], Manifest] = lambda manifest: manifest
    act: Callable[[dict[str, str]], dict[str, str]] = lambda digests: digests
    subject: str = ""
    kind: str = ACT
    signer: EllipticSigner = SIGNER
    scorecard: bytes = SCORECARD  # whose digest is on record


def make_pack(root: Path, recipe: Recipe | None = None) -> bytes:
    """A pack, its ledger in a folder that is free. It need not hold."""
    return write_archive(make_files(root, recipe))


def make_files(root: Path, recipe: Recipe | None = None) -> dict[str, bytes]:
    """The files of such a pack."""
    return _Making(root, recipe or Recipe()).make()


class _Making:
    def __init__(self, root: Path, recipe: Recipe) -> None:
        self._root = root
        self._recipe = recipe

    def make(self) -> dict[str, bytes]:
        log = open_log(self._root)
        digest = f"sha256:{hashlib.sha256(self._recipe.scorecard).hexdigest()}"
        drill = compose.act(
            id="act-1", kind="drill.run", subject=DRILL, operator="op-1", digests={"scorecard": digest}, at_utc=AT
        )
        append(log, [admission_bytes(), outcome_bytes(0), drill])
        log.publish()
        drafted = self._draft()
        recorded = compose.act(
            id="act-2",
            kind=self._recipe.kind,
            subject=self._recipe.subject or drafted.manifest.id,
            operator="op-1",
            digests=self._recipe.act({"manifest": drafted.digest, "key": f"sha256:{SIGNER.verifier.hint}"}),
            at_utc=AT,
        )
        append(log, [recorded])
        log.publish()
        log.close()
        signature = sign_own(_KIND, SUBJECT, drafted.digest, {"schema": 1}, self._recipe.signer)
        return closed_files(drafted, signature, self._root / "ledger", 3)

    def _draft(self) -> Draft:
        ledger = self._root / "ledger"
        head = read_unverified(LedgerFiles(ledger).checkpoint())
        files: dict[str, tuple[Kind, bytes]] = {
            "index.html": (Kind.INDEX, b"<!doctype html><title>pack</title>\n"),
            VKEY: (Kind.KEY, f"{KEY.vkey}\n".encode()),
            KEY_FILE: (Kind.KEY, SIGNER.verifier.pem),
            "ledger/checkpoint": (Kind.HEAD, LedgerFiles(ledger).checkpoint()),
            "drills/drill_0123456789ab.json": (Kind.RECORD, SCORECARD),
            "asserted/answers.toml": (Kind.ASSERTED, ANSWERS),
            **{
                f"receipts/{index}.json": (Kind.RECEIPT, receipt)
                for index, receipt in receipts_for(ledger, ORIGIN, (0, 2)).items()
            },
            **self._recipe.files,
        }
        manifest = self._recipe.manifest(
            Manifest(
                pack=FORMAT,
                id="pack_0123456789ab",
                origin=ORIGIN,
                made_at="2026-11-23T04:00:00Z",
                freehold="0.1.0",
                key=SIGNER.verifier.hint,
                tree_size=head.size,
                root=head.root.hex(),
                files=tuple(describe(path, kind, path, content) for path, (kind, content) in files.items()),
            )
        )
        return Draft(
            manifest=manifest,
            manifest_bytes=write_manifest(manifest),
            files={path: content for path, (_, content) in files.items()},
            chosen=Chosen(acts={}, calls={}, left_out=0),
        )
