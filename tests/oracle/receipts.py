# SPDX-License-Identifier: Apache-2.0
"""Freehold's receipts and commitments, from docs/reference/ledger-format.md and RFC 8785; Python's own json reads them.

It checks what a receipt says of the log and of itself; which fields an entry of each kind has is the product's matter.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tests.oracle.policies import Policy
from tests.oracle.proofs import check_proof, read_proof
from tests.oracle.refused import Refused

FORMAT = "freehold/receipt/v1"
FIELDS = {"receipt", "origin", "admission", "outcome", "act", "salt", "erasure"}
ERASING = {"call.forget", "salts.expire"}
MAX_ENTRY_BYTES = 65_535  # tlog-tiles §Log entries: the length is a uint16


def check_receipt(data: bytes, policy: Policy) -> dict[str, dict[str, Any]]:
    """The entries that a receipt proves, by what it calls them. Raises Refused."""
    receipt = read_json(data)
    if receipt.get("receipt") != FORMAT or not receipt.keys() <= FIELDS:
        raise Refused("not this format")
    names = [name for name in ("admission", "outcome", "act", "erasure") if receipt.get(name) is not None]
    if names != ["act"] and (names[:1] != ["admission"] or "act" in names):
        raise Refused("neither of a call nor of an act")
    heads: dict[int, bytes] = {}
    entries = {name: _proven(receipt[name], str(receipt.get("origin")), policy, heads) for name in names}
    for name, entry in entries.items():
        if entry.get("kind") != ("act" if name == "erasure" else name):
            raise Refused(f"the {name} is of kind {entry.get('kind')}")
    if "act" in names and "salt" in receipt:
        raise Refused("an act has no salt")
    if "outcome" in entries:
        _same_call(entries["outcome"], entries["admission"], receipt["admission"]["index"])
    if "erasure" in entries:
        _destroyed(entries["erasure"], entries["admission"])
        if receipt["erasure"]["index"] < receipt["admission"]["index"]:
            raise Refused("the act destroyed what was there before it")
    if "salt" in receipt and not _is_salt(receipt["salt"]):
        raise Refused("the salt is not 32 bytes in hex")
    return entries


def _same_call(outcome: Mapping[str, Any], admission: Mapping[str, Any], index: int) -> None:
    if outcome["admission"] != index or outcome["call"] != admission["call"]:
        raise Refused("the outcome is of another call")
    if admission["effect"] != "allow":
        raise Refused("a refusal has no outcome")


def _destroyed(act: Mapping[str, Any], admission: Mapping[str, Any]) -> None:
    if act["act"] not in ERASING or act["subject"] not in {admission["call"], admission["at"][:10]}:
        raise Refused("the act destroyed another salt, or none")


def read_json(data: bytes) -> dict[str, Any]:
    """One object, read in one way only: no key twice, no fraction, UTF-8."""
    try:
        read = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_no_number)
    except (ValueError, RecursionError) as exc:
        raise Refused("not JSON") from exc
    if not isinstance(read, dict):
        raise Refused("no object")
    return read


def canonical(entry: Mapping[str, Any]) -> bytes:
    """RFC 8785, in the part of JSON that entries use."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def commitment(salt: bytes, label: str, data: bytes) -> str:
    """§Commitments and salts: HMAC-SHA256 by its definition in RFC 2104. ``label`` is ``request`` or ``answer``."""
    key = salt.ljust(64, b"\x00")
    inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in key) + f"freehold/v1/{label}\n".encode() + data)
    return hashlib.sha256(bytes(octet ^ 0x5C for octet in key) + inner.digest()).hexdigest()


def _is_salt(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and not set(value) - set("0123456789abcdef")


def _proven(part: Any, origin: str, policy: Policy, heads: dict[int, bytes]) -> dict[str, Any]:
    """An entry that is in the log; ``heads`` are the roots by size that the receipt has shown so far."""
    if not isinstance(part, dict) or set(part) != {"index", "entry", "proof"}:
        raise Refused("a part without index, entry and proof")
    try:
        data, proof = str(part["entry"]).encode(), read_proof(str(part["proof"]).encode())
    except UnicodeEncodeError as exc:
        raise Refused("half a surrogate pair") from exc
    if proof.index != part["index"]:
        raise Refused("the proof is of another index")
    head = check_proof(proof, data, policy)
    if head.origin != origin.encode() or heads.setdefault(head.size, head.root) != head.root:
        raise Refused("of another log, or of another tree of this size")
    entry = read_json(data)
    if canonical(entry) != data or len(data) > MAX_ENTRY_BYTES:
        raise Refused("the entry is not canonical, or longer than a log can hold")
    if entry.get("v") != 1:
        raise Refused("the entry is of another version")
    return entry


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise Refused("a key twice")
    return dict(pairs)


def _no_number(word: str) -> None:
    raise Refused(f"{word} is no whole number")
