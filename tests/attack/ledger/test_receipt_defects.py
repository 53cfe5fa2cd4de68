# SPDX-License-Identifier: Apache-2.0
"""Receipts and tlog-proofs with a defect are refused for it, by the product and by the oracle; their twins are not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.attack.ledger.receipt_assets import proofs, receipts, unwitnessed_receipts
from tests.attack.ledger.signing_by_hand import BERLIN, OWN, PARIS
from tests.oracle import proofs as oracle_proofs
from tests.oracle import receipts as oracle_receipts
from tests.oracle.policies import read_policy
from tests.oracle.refused import Refused

from freehold.errors import VerificationFailed
from freehold.ledger.check.receipt import check_receipt, check_tlog_proof
from freehold.ledger.check.trust import parse_policy

ASSETS = Path(__file__).parent / "assets"
LOG_ALONE = f"log {OWN.vkey}\nquorum none\n".encode()
BOTH = (
    f"log {OWN.vkey}\nwitness paris {PARIS.vkey}\nwitness berlin {BERLIN.vkey}\ngroup g all paris berlin\nquorum g\n"
).encode()
SOUND = {"sound", "sound-cosigned", "sound-with-salt", "sound-forgotten", "sound-expired"}
REASONS = {
    "act-as-admission": "entry 2 is not of the kind that the receipt says: expected an admission",
    "admission-as-act": "entry 0 is not of the kind that the receipt says: expected an act",
    "admission-as-outcome": "entry 0 is not of the kind that the receipt says: expected an outcome",
    "call-and-act": "neither of a call nor of an act",
    "checkpoint-of-another-root": "entry 0 is not in the tree of 1 entries: expected root",
    "checkpoint-of-another-size": "does not fit",
    "checkpoint-unsigned": "the note has no signatures",
    "empty": "no receipt, or one of a newer release",
    "entry-a-list": "entry 0 is not of the kind that the receipt says: expected an admission",
    "entry-nested-too-deep": "entry 0 is not canonical JSON",
    "entry-not-json": "entry 0 is not canonical JSON",
    "entry-of-a-later-version": "entry 0 is not of the kind that the receipt says: expected an admission",
    "entry-over-the-limit": "expected at most 65535",
    "entry-read-in-two-ways": "entry 0 is not canonical JSON",
    "entry-with-a-fraction": "entry 0 is not canonical JSON",
    "entry-with-half-a-number": "entry 0 is not canonical JSON",
    "entry-with-an-escape": "entry 0 is not canonical JSON",
    "entry-with-keys-out-of-order": "entry 0 is not canonical JSON",
    "entry-with-spaces": "entry 0 is not canonical JSON",
    "erasure-alone": "neither of a call nor of an act",
    "erasure-before-its-call": "the erasure at 0 is before its call, at 1",
    "erasure-not-an-act": "entry 1 is not of the kind that the receipt says: expected an act",
    "erasure-of-another-call": "the act call.forget on call-b did not destroy the salt of call call-a",
    "erasure-of-another-day": "the act salts.expire on 2026-11-23 did not destroy the salt of call call-a",
    "erasure-that-destroys-nothing": "the act key.revoke on call-a did not destroy the salt",
    "field-unknown": "no receipt, or one of a newer release",
    "forked-between-admission-and-outcome": "the log has signed two roots for its first 2 entries, expected one",
    "format-of-a-later-release": "'freehold/receipt/v2'",
    "index-below-zero": "no receipt, or one of a newer release",
    "index-not-of-the-proof": "the proof is for entry 0, expected 1",
    "json-a-list": "no receipt, or one of a newer release",
    "json-cut-off": "no receipt, or one of a newer release",
    "json-in-utf-16": "no receipt, or one of a newer release",
    "json-with-more-behind-it": "no receipt, or one of a newer release",
    "key-twice": "no receipt, or one of a newer release",
    "key-twice-in-a-part": "no receipt, or one of a newer release",
    "log-of-another-key": "expected estate.example/ledger+007c5d44, found estate.example/ledger+15ae8344",
    "neither-call-nor-act": "neither of a call nor of an act",
    "nested-too-deep": "no receipt, or one of a newer release",
    "not-json": "no receipt, or one of a newer release",
    "origin-of-another-log": "of 'other.example/ledger', expected",
    "outcome-alone": "neither of a call nor of an act",
    "outcome-of-another-admission": "the outcome is of call call-a admitted at 1, expected call call-a at 0",
    "outcome-of-another-call": "the outcome is of call call-b admitted at 0, expected call call-a at 0",
    "outcome-of-another-id": "the outcome is of call call-b admitted at 0, expected call call-a at 0",
    "outcome-on-a-refusal": "the outcome is of call call-a admitted at 0, expected call call-refused at 4",
    "outcome-on-its-own-refusal": "call call-a was refused: expected no outcome, found one",
    "outcome-swapped-with-the-admission": "entry 261 is not of the kind that the receipt says: expected an admission",
    "outcome-with-another-ending": "entry 261 is not in the tree of 263 entries: expected root",
    "proof-of-another-index": "entry 1 is not in the tree of 263 entries: expected root",
    "proof-with-a-hash-changed": "entry 0 is not in the tree of 263 entries: expected root",
    "proof-with-a-hash-too-many": "the proof leads to nowhere",
    "proof-without-a-hash": "the proof leads to nowhere",
    "salt-in-capitals": "the salt is not 64 hex digits",
    "salt-not-hex": "the salt is not 64 hex digits",
    "salt-not-text": "no receipt, or one of a newer release",
    "salt-null": "no receipt, or one of a newer release",
    "salt-of-31-bytes": "the salt is not 64 hex digits",
    "salt-on-an-act": "neither of a call nor of an act",
    "verdict-changed": "entry 0 is not in the tree of 263 entries: expected root",
}
UNWITNESSED = {
    "cosigned-by-nobody": "expected 2 of paris, berlin (group g), found nobody",
    "cosigned-by-one": "expected 2 of paris, berlin (group g), found paris",
    "cosigned-by-one-twice": "expected 2 of paris, berlin (group g), found paris",
    "cosigned-by-a-stranger": "expected 2 of paris, berlin (group g), found paris",
    "cosigned-by-a-stranger-of-that-name": "expected 2 of paris, berlin (group g), found paris",
    "timestamp-broken": "the signature of witness.paris.example/w1+9419f127 does not fit",
    "timestamp-beyond-the-range": "the signature of witness.paris.example/w1+9419f127 does not fit",
    "cosignature-of-another-checkpoint": "the signature of witness.paris.example/w1+9419f127 does not fit",
    "outcome-under-a-checkpoint-of-nobody": "expected 2 of paris, berlin (group g), found nobody",
}
PROOFS = {
    "first-line-of-a-later-version": "expected 'c2sp.org/tlog-proof@v1', found 'c2sp.org/tlog-proof@v2'",
    "first-line-missing": "this is no proof",
    "byte-order-mark": "this is no proof",
    "carriage-returns": "this is no proof",
    "extra-missing": "entry 2 is not in the tree",
    "extra-changed": "entry 2 is not in the tree",
    "extra-not-base64": "is not base64",
    "extra-behind-the-index": "is not base64",
    "index-missing": "the proof names no index: expected 'index N'",
    "index-of-another-entry": "entry 1 is not in the tree of 3 entries",
    "index-with-a-leading-zero": "expected 'index N', found 'index 02'",
    "index-below-zero": "expected 'index N', found 'index -2'",
    "index-beyond-the-tree": "entry 3 is not in the tree of 3 entries",
    "index-beyond-all-numbers": "entry 18446744073709551616 is not in the tree of 3 entries",
    "index-in-other-digits": "expected 'index N'",
    "index-with-more-behind-it": "expected 'index N', found 'index 2 3'",
    "hash-missing": "the proof leads to nowhere",
    "hash-too-many": "the proof leads to nowhere",
    "hash-changed": "entry 2 is not in the tree of 3 entries: expected root b4a0",
    "hash-of-31-bytes": "is not 32 bytes long",
    "hash-not-base64": "is not base64",
    "hash-spelt-otherwise": "is not canonical base64",
    "hashes-without-number": "has 64 hashes, expected at most 63",
    "empty-line-missing": "is not base64",
    "empty-line-twice": "or an empty one",
    "checkpoint-missing": "the note has no signatures",
    "checkpoint-of-another-size": "does not fit",
    "checkpoint-of-another-key": "expected estate.example/ledger+007c5d44, found estate.example/ledger+15ae8344",
    "cut-off": "the note has no signatures",
}


@pytest.mark.parametrize("defect", sorted(REASONS))
def test_a_receipt_with_a_defect_is_refused_for_it(defect: str) -> None:
    data = (ASSETS / "receipts" / f"{defect}.json").read_bytes()
    with pytest.raises(VerificationFailed) as refusal:
        check_receipt(data, OWN.vkey)
    assert REASONS[defect] in refusal.value.message
    with pytest.raises(Refused):
        oracle_receipts.check_receipt(data, read_policy(LOG_ALONE))


@pytest.mark.parametrize("name", sorted(SOUND))
def test_its_sound_twin_is_accepted(name: str) -> None:
    data = (ASSETS / "receipts" / f"{name}.json").read_bytes()
    checked = check_receipt(data, parse_policy(LOG_ALONE))
    assert set(oracle_receipts.check_receipt(data, read_policy(LOG_ALONE))) == set(checked.entries)


@pytest.mark.parametrize("defect", sorted(UNWITNESSED))
def test_a_receipt_that_too_few_witnessed_is_refused_by_who_asks_for_more(defect: str) -> None:
    data = (ASSETS / "receipts" / "unwitnessed" / f"{defect}.json").read_bytes()
    assert check_receipt(data, parse_policy(LOG_ALONE)).admission
    with pytest.raises(VerificationFailed) as refusal:
        check_receipt(data, parse_policy(BOTH))
    assert UNWITNESSED[defect] in refusal.value.message
    with pytest.raises(Refused):
        oracle_receipts.check_receipt(data, read_policy(BOTH))


def test_a_receipt_that_enough_witnessed_is_accepted_by_who_asks_for_that() -> None:
    data = (ASSETS / "receipts" / "sound-cosigned.json").read_bytes()
    assert len(check_receipt(data, parse_policy(BOTH)).checkpoints[0].cosignatures) == 2
    assert oracle_receipts.check_receipt(data, read_policy(BOTH))


@pytest.mark.parametrize("defect", sorted(PROOFS))
def test_a_tlog_proof_with_a_defect_is_refused_for_it(defect: str) -> None:
    data = (ASSETS / "proofs" / f"{defect}.tlog-proof").read_bytes()
    with pytest.raises(VerificationFailed) as refusal:
        check_tlog_proof(data.decode(), OWN.vkey)
    assert PROOFS[defect] in refusal.value.message
    with pytest.raises(Refused):
        _check_proof_of_ours(data)


def test_a_sound_tlog_proof_is_accepted() -> None:
    data = (ASSETS / "proofs" / "sound.tlog-proof").read_bytes()
    assert check_tlog_proof(data.decode(), OWN.vkey) == _check_proof_of_ours(data)


@pytest.mark.parametrize(
    ("folder", "recipe", "tried"),
    [
        ("receipts", receipts, {*REASONS, *SOUND}),
        ("receipts/unwitnessed", unwitnessed_receipts, set(UNWITNESSED)),
        ("proofs", proofs, {*PROOFS, "sound", "not-utf-8"}),
    ],
)
def test_every_asset_is_tried_and_is_what_its_recipe_makes(
    folder: str, recipe: Callable[[], dict[str, bytes]], tried: set[str]
) -> None:
    assets = {path.stem: path.read_bytes() for path in (ASSETS / folder).iterdir() if path.is_file()}
    assert assets == recipe()
    assert assets.keys() == tried


def _check_proof_of_ours(data: bytes) -> bytes:
    proof = oracle_proofs.read_proof(data)
    oracle_proofs.check_proof(proof, proof.extra, read_policy(LOG_ALONE))
    return proof.extra
