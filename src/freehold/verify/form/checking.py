# SPDX-License-Identifier: Apache-2.0
"""Checks a pack: its manifest, its signature, that both are on record, and that all in it is of one history.

One checkpoint has to satisfy the policy: that of the receipt of the pack itself. Every other head in the pack is signed
by the same log, and is shown to be a beginning of it; so what the witnesses of that one saw, they saw of all.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from freehold.errors import VerificationFailed
from freehold.ledger.check.consistency import parse_consistency_proof
from freehold.ledger.check.receipt import CheckedReceipt, check_receipt
from freehold.ledger.check.trust import NONE, TrustedCheckpoint, TrustPolicy
from freehold.ledger.record.entry import ActEntry
from freehold.ledger.tree.merkle import is_consistent
from freehold.signing.elliptic import EllipticVerifier
from freehold.verify.form.manifest import (
    ACT,
    CONSISTENCY,
    HEADS,
    KEY,
    MANIFEST,
    RECEIPT,
    RECEIPTS,
    SCORECARDS,
    SIGNATURE,
    Kind,
    Manifest,
    read_manifest,
    require_listed,
)
from freehold.verify.form.signature import carried_key, read_signature, require_signed

_DRILL: Final = "drill.run"
_PREFIX: Final = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What people said, as the pack has it. ``people``: as they named themselves."""

    path: str
    answers: int
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPack:
    """What a pack has proved. ``unrecorded``: scorecards whose digest no receipt in it shows."""

    manifest: Manifest
    act: ActEntry
    index: int
    head: TrustedCheckpoint
    calls: int
    acts: int
    recorded: tuple[str, ...]
    unrecorded: tuple[str, ...]
    statements: tuple[Statements, ...]
    given: tuple[str, ...]


def check_pack(files: Mapping[str, bytes], policy: TrustPolicy, key: EllipticVerifier | None = None) -> CheckedPack:
    """``key``: who must have signed; None: whoever the ledger says did. Raises VerificationFailed."""
    manifest, digest = _manifest(files)
    signer = carried_key(files[KEY]) if KEY in files else None
    if signer is None or signer.hint != manifest.key:
        raise VerificationFailed(f"{KEY} is not the key that the manifest names: expected {manifest.key}")
    require_signed(read_signature(_need(files, SIGNATURE)), digest, signer)
    if key is not None and key.hint != signer.hint:
        raise VerificationFailed(f"the pack is signed by the key {signer.hint}, expected {key.hint}")
    recorded, act = _recorded(files, manifest, digest, policy)
    history = _History(files, manifest, recorded.checkpoints[0])
    history.require_beginning(manifest.tree_size, manifest.root)
    alone = replace(policy, quorum=NONE)
    for path in HEADS:
        if path in files:
            history.require_part(_opened(files[path], alone, path), path)
    receipts = _receipts(files, alone, history)
    history.require_nothing_more()
    found, missing = _scorecards(files, receipts)
    return CheckedPack(
        manifest=manifest,
        act=act,
        index=recorded.position.index,
        head=recorded.checkpoints[0],
        calls=sum(one.admission is not None for one in receipts.values()),
        acts=sum(one.act is not None for one in receipts.values()),
        recorded=found,
        unrecorded=missing,
        statements=tuple(_said(file.path, files) for file in manifest.files if file.kind is Kind.ASSERTED),
        given=tuple(file.path for file in manifest.files if file.kind is Kind.GIVEN),
    )


def _manifest(files: Mapping[str, bytes]) -> tuple[Manifest, str]:
    data = _need(files, MANIFEST)
    manifest = read_manifest(data)
    closing = {MANIFEST, SIGNATURE, RECEIPT, *(name for name in files if name.startswith(CONSISTENCY))}
    require_listed(manifest, {name: content for name, content in files.items() if name not in closing})
    return manifest, hashlib.sha256(data).hexdigest()


def _recorded(
    files: Mapping[str, bytes], manifest: Manifest, digest: str, policy: TrustPolicy
) -> tuple[CheckedReceipt, ActEntry]:
    """The receipt that puts this very manifest, and the key that signed it, on record."""
    checked = check_receipt(_need(files, RECEIPT), policy)
    act = checked.act
    if act is None or act.act != ACT or checked.position.origin != manifest.origin:
        raise VerificationFailed(f"{RECEIPT} is not of an act {ACT} in the ledger of {manifest.origin!r}")
    expected = {"manifest": _PREFIX + digest, "key": _PREFIX + manifest.key}
    if (act.subject, act.digests) != (manifest.id, expected):
        raise VerificationFailed(
            f"{RECEIPT} is of another pack: expected {manifest.id} with manifest {expected['manifest']} by key"
            f" {expected['key']}, found {act.subject} with {act.digests}"
        )
    return checked, act


class _History:
    """The trees that a pack speaks of, each shown to be a beginning of the newest."""

    def __init__(self, files: Mapping[str, bytes], manifest: Manifest, head: TrustedCheckpoint) -> None:
        self._files = files
        self._origin = manifest.origin
        self._head = head.checkpoint
        self._shown: set[tuple[int, str]] = set()
        self._used: set[str] = set()

    def require_part(self, trusted: TrustedCheckpoint, where: str) -> None:
        if trusted.checkpoint.origin != self._origin:
            raise VerificationFailed(f"{where} is of {trusted.checkpoint.origin!r}, expected {self._origin!r}")
        self.require_beginning(trusted.checkpoint.size, trusted.checkpoint.root.hex())

    def require_beginning(self, size: int, root: str) -> None:
        """Raises VerificationFailed unless a tree of this size and root is where the newest began."""
        if (size, root) in self._shown:
            return
        path = f"{CONSISTENCY}{size}.txt"
        proof: tuple[bytes, ...] = ()
        if path in self._files:
            proof = parse_consistency_proof(self._files[path])
            self._used.add(path)
        if not is_consistent(size, _bytes(root), self._head.size, self._head.root, proof):
            raise VerificationFailed(
                f"the pack speaks of a ledger of {size} entries with root {root[:64]}, and does not show that the one"
                f" of {self._head.size} entries goes on from it"
            )
        self._shown.add((size, root))

    def require_nothing_more(self) -> None:
        """No proof is there that nothing in the pack needs."""
        if extra := sorted(name for name in self._files if name.startswith(CONSISTENCY) and name not in self._used):
            raise VerificationFailed(f"the pack has a proof that nothing in it needs: {extra[0]!r}")


def _opened(note: bytes, policy: TrustPolicy, path: str) -> TrustedCheckpoint:
    try:
        return policy.open_signed(note)
    except VerificationFailed as problem:
        raise VerificationFailed(f"{path}: {problem.message}", hint=problem.advice) from problem


def _receipts(files: Mapping[str, bytes], policy: TrustPolicy, history: _History) -> dict[str, CheckedReceipt]:
    """Every receipt, by its path. Each is of the entry that its name says."""
    found = {}
    for path in (name for name in files if name.startswith(RECEIPTS)):
        try:
            checked = check_receipt(files[path], policy)
        except VerificationFailed as problem:
            raise VerificationFailed(f"{path}: {problem.message}", hint=problem.advice) from problem
        if path != f"{RECEIPTS}{checked.position.index}.json":
            raise VerificationFailed(f"{path} is the receipt of entry {checked.position.index}")
        for trusted in checked.checkpoints:
            history.require_part(trusted, path)
        found[path] = checked
    return found


def _scorecards(
    files: Mapping[str, bytes], receipts: Mapping[str, CheckedReceipt]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which scorecards are those on record, and which nothing here shows to be. Raises VerificationFailed."""
    acts = [one.act for one in receipts.values() if one.act is not None and one.act.act == _DRILL]
    kept = {act.subject: act.digests.get("scorecard", "") for act in acts}
    recorded, unrecorded = [], []
    for path in (name for name in files if name.startswith(SCORECARDS) and name.endswith(".json")):
        drill = path.removeprefix(SCORECARDS).removesuffix(".json")
        if drill not in kept:
            unrecorded.append(path)
        elif kept[drill] != _PREFIX + hashlib.sha256(files[path]).hexdigest():
            raise VerificationFailed(f"{path} is not the scorecard on record: expected {kept[drill]}")
        else:
            recorded.append(path)
    return tuple(recorded), tuple(unrecorded)


def _said(path: str, files: Mapping[str, bytes]) -> Statements:
    """How many answers a file has, and whose; none where it is no list of answers."""
    try:
        rows = tomllib.loads(files[path].decode()).get("answer", [])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        rows = []
    told = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    people = dict.fromkeys(str(row.get("by", "")) for row in told)
    return Statements(path=path, answers=len(told), people=tuple(people))


def _need(files: Mapping[str, bytes], path: str) -> bytes:
    if path not in files:
        raise VerificationFailed(f"the pack has no {path}")
    return files[path]


def _bytes(root: str) -> bytes:
    try:
        return bytes.fromhex(root)
    except ValueError as exc:
        raise VerificationFailed(f"{MANIFEST} names no root of a ledger: {root[:80]!r}") from exc
