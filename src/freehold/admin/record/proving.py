# SPDX-License-Identifier: Apache-2.0
"""One entry with all that somebody else needs to verify it. Verifies nothing: the proof is taken from the tiles as they
lie, so that whoever checks it is the one who finds out.
"""

import base64
from pathlib import Path

from freehold.admin.problems import problem_of
from freehold.admin.views import View
from freehold.errors import NotFound, Pruned, VerificationFailed
from freehold.ledger.check.issuing import PublishedLog
from freehold.ledger.record.entry import AdmissionEntry, OutcomeEntry, read_entry, read_fields
from freehold.ledger.record.search import outcome_of
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.ledger.tree.store import LedgerFiles
from freehold.signing.note import parse_vkey

_MOST_READ = 4096  # entries, for an outcome that is not noted


def published_origin(directory: Path) -> str:
    return read_unverified(LedgerFiles(directory).checkpoint()).origin


def require_published(log: PublishedLog, index: int) -> None:
    """Raises NotFound, Pruned."""
    if index >= log.size:
        raise NotFound(
            f"the log has no entry {index}: {log.size} are published",
            hint="A new entry is published within a second.",
        )
    if index < (minimum := log.files.minimum_index()):
        raise Pruned(f"entry {index} was pruned: the log has its entries from {minimum} on")


def entry_view(directory: Path, index: int, vkey: str, witnesses: dict[str, str]) -> View:
    """``vkey`` is the log's verifier key, ``witnesses`` those of its witnesses by name. Raises NotFound, Pruned."""
    origin = published_origin(directory)
    log = PublishedLog(directory, origin)
    require_published(log, index)
    key = parse_vkey(vkey)
    view: View = {
        "index": index,
        "origin": origin,
        "position": f"{origin}/{index}",
        **_NOTHING_READ,
        "vkey": vkey,
        "log_key": {"name": key.name, "id": key.key_id.hex(), "public_key": _base64(key.public_key)},
        "witnesses": [{"name": name, "vkey": vkey} for name, vkey in witnesses.items()],
    }
    for part in (_content, _related, _proof):
        try:
            view |= part(log, index)
        except VerificationFailed as problem:
            view["problem"] = view["problem"] or problem_of(problem)
    return view


_NOTHING_READ: View = {
    "kind": "unknown",
    "at": None,
    "fields": None,
    "text": None,
    "raw": None,
    "related": [],
    "proof": None,
    "checkpoint": None,
    "cosigned": False,
    "problem": None,
}


def _content(log: PublishedLog, index: int) -> View:
    data = log.entry(index)
    fields = read_fields(data)
    return {
        "kind": fields["kind"] if fields else "unknown",
        "at": fields.get("at") if fields else None,
        "fields": fields,
        "text": data.decode("utf-8", "replace"),
        "raw": _base64(data),
    }


def _related(log: PublishedLog, index: int) -> View:
    """The other entries of the same call."""
    entry, related = read_entry(log.entry(index)), list[View]()
    admission = index
    if isinstance(entry, OutcomeEntry):
        admission = entry.admission
        related.append({"what": "admission", "index": admission})
        entry = read_entry(log.entry(admission)) if admission >= log.files.minimum_index() else None
    elif isinstance(entry, AdmissionEntry) and entry.effect == "allow":
        found = outcome_of(log.files, index, log.size, log.noted_outcome(index), _MOST_READ)
        related += [{"what": "outcome", "index": found.index}] if found else []
    if isinstance(entry, AdmissionEntry) and (erased_by := log.erasing_act(entry, admission)) is not None:
        related.append({"what": "erasure", "index": erased_by})
    return {"related": related}


def _proof(log: PublishedLog, index: int) -> View:
    proof = log.proof(index)
    checkpoint = read_unverified(proof.checkpoint)
    return {
        "proof": {
            "size": checkpoint.size,
            "hashes": [_base64(node) for node in proof.hashes],
            "root": _base64(checkpoint.root),
        },
        "checkpoint": proof.checkpoint.decode(),
        "cosigned": proof.checkpoint == log.files.cosigned_checkpoint(),
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
