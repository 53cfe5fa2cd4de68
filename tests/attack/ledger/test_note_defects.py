# SPDX-License-Identifier: Apache-2.0
"""Every rule of notes, checkpoints and cosignatures, broken once: refused, and what only looks strange is not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.attack.ledger.note_assets import broken_cosignatures, malformed_notes, sound_notes
from tests.attack.ledger.signing_by_hand import OWN, PARIS
from tests.oracle.policies import accept, read_policy
from tests.oracle.refused import Refused

from freehold.errors import VerificationFailed
from freehold.ledger.check.trust import parse_policy
from freehold.ledger.tree.checkpoint import open_checkpoint
from freehold.signing.note import parse_vkey

ASSETS = Path(__file__).parent / "assets" / "notes"
LOG_ALONE = f"log {OWN.vkey}\nquorum none\n".encode()
KNOWS_PARIS = f"log {OWN.vkey}\nwitness paris {PARIS.vkey}\nquorum none\n".encode()
REASONS = {
    "not-utf-8": "the note is not UTF-8",
    "control-character-in-the-text": "control character",
    "carriage-returns": "control character",
    "control-character-in-an-unknown-name": "control character",
    "text-without-a-newline": "the note has no signatures",
    "no-empty-line": "the note has no signatures",
    "no-signature-line": "the note has no signatures",
    "no-newline-at-the-end": "the note has no signatures",
    "empty-line-at-the-end": "the note has no signatures",
    "text-behind-the-signatures": "is no signature: 'and more'",
    "hyphen-for-a-dash": "is no signature: '- estate",
    "two-spaces-before-the-name": "cannot name a key",
    "two-spaces-behind-the-name": "is not base64",
    "name-empty": "cannot name a key",
    "name-with-a-plus": "'w+1.example' cannot name a key",
    "name-with-a-space-of-unicode": "cannot name a key",
    "signature-missing": "is no signature: '— w.example'",
    "signature-not-base64": "the signature of w.example is not base64",
    "signature-base64-of-urls": "the signature of w.example is not base64",
    "signature-without-padding": "the signature of w.example is not base64",
    "signature-base64-spelt-otherwise": "the signature of w.example is not canonical base64",
    "signature-only-a-key-id": "has 4 bytes, expected a key id and a signature",
    "signature-of-another-text": "does not fit",
    "signature-cut-short": "does not fit",
    "signature-over-the-empty-line-too": "does not fit",
    "second-signature-of-our-key-broken": "does not fit",
    "signed-by-a-cosigner-alone": "expected estate.example/ledger+007c5d44, found witness.paris.example/w1+",
    "cosignature-under-the-log-s-name": "expected estate.example/ledger+007c5d44, found estate.example/ledger+605ef58d",
    "of-two-lines": "fewer than three lines",
    "origin-empty": "or an empty one",
    "origin-of-another-log": "of 'other.example/ledger'",
    "size-with-a-leading-zero": "the checkpoint's size is '07', expected a decimal number",
    "size-with-a-sign": "'+7', expected a decimal number",
    "size-with-a-space": "'7 ', expected a decimal number",
    "size-in-other-digits": "expected a decimal number",
    "size-not-a-number": "'seven', expected a decimal number",
    "size-below-zero": "'-7', expected a decimal number",
    "root-of-31-bytes": "has 31 bytes, expected 32",
    "root-of-33-bytes": "has 33 bytes, expected 32",
    "root-in-hex": "has 48 bytes, expected 32",
    "root-spelt-otherwise": "expected 32 in canonical base64",
    "extension-line-empty": "or an empty one",
}


@pytest.mark.parametrize("defect", sorted(REASONS))
def test_a_malformed_note_is_refused_for_what_it_breaks(defect: str) -> None:
    note = (ASSETS / "malformed" / f"{defect}.note").read_bytes()
    for check in (lambda: open_checkpoint(note, parse_vkey(OWN.vkey)), lambda: parse_policy(LOG_ALONE).open(note)):
        with pytest.raises(VerificationFailed) as refusal:
            check()
        assert REASONS[defect] in refusal.value.message
    with pytest.raises(Refused):
        accept(read_policy(LOG_ALONE), note)


@pytest.mark.parametrize("name", sorted(sound_notes()))
def test_a_note_that_only_looks_strange_is_accepted(name: str) -> None:
    note = (ASSETS / "sound" / f"{name}.note").read_bytes()
    assert open_checkpoint(note, parse_vkey(OWN.vkey)).size == 7
    assert parse_policy(KNOWS_PARIS).open(note).checkpoint.size == 7
    assert accept(read_policy(KNOWS_PARIS), note).size == 7


@pytest.mark.parametrize("defect", sorted(broken_cosignatures()))
def test_a_broken_cosignature_condemns_the_note_for_whoever_knows_the_witness(defect: str) -> None:
    note = (ASSETS / "broken-cosignature" / f"{defect}.note").read_bytes()
    assert parse_policy(LOG_ALONE).open(note).checkpoint.size == 7
    with pytest.raises(VerificationFailed, match=r"the signature of witness\.paris\.example/w1\+\w{8} does not fit"):
        parse_policy(KNOWS_PARIS).open(note)
    with pytest.raises(Refused):
        accept(read_policy(KNOWS_PARIS), note)


@pytest.mark.parametrize(
    ("folder", "recipe"),
    [("sound", sound_notes), ("malformed", malformed_notes), ("broken-cosignature", broken_cosignatures)],
)
def test_every_asset_is_tried_and_is_what_its_recipe_makes(folder: str, recipe: Callable[[], dict[str, bytes]]) -> None:
    assert {path.stem: path.read_bytes() for path in (ASSETS / folder).iterdir()} == recipe()
    assert malformed_notes().keys() == REASONS.keys()
