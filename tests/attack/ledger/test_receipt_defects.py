# SPDX-License-Identifier: Apache-2.0
"""Every receipt of assets/ is refused, for the defect that it is named for."""

from pathlib import Path

import pytest
from tests.attack.ledger.make_assets import defects
from tests.ledger_builder import KEY

from freehold.errors import VerificationFailed
from freehold.ledger.check.receipt import check_receipt

ASSETS = Path(__file__).parent / "assets"
REASONS = {
    "act-as-admission": "entry 2 is not of the kind that the receipt says: expected an admission",
    "admission-as-act": "entry 0 is not of the kind that the receipt says: expected an act",
    "admission-as-outcome": "entry 1 is not of the kind that the receipt says: expected an outcome",
    "call-and-act": "neither of a call nor of an act",
    "checkpoint-of-another-size": "does not fit the text",
    "checkpoint-unsigned": "the note has no signatures",
    "entry-read-in-two-ways": "entry 0 is not canonical JSON",
    "field-unknown": "no receipt, or one of a newer release",
    "format-of-a-later-release": "'freehold/receipt/v2'",
    "index-not-of-the-proof": "the proof is for entry 0, expected 1",
    "json-cut-off": "no receipt, or one of a newer release",
    "log-of-another-key": "not signed by a known key",
    "not-json": "no receipt, or one of a newer release",
    "origin-of-another-log": "of 'other.example/ledger', expected",
    "outcome-alone": "neither of a call nor of an act",
    "outcome-of-another-call": "the outcome is of call call-b admitted at 1, expected call call-a at 0",
    "outcome-on-a-refusal": "the outcome is of call call-a admitted at 0, expected call call-refused at 4",
    "outcome-with-another-ending": "entry 261 is not in the tree",
    "proof-of-another-index": "entry 1 is not in the tree",
    "proof-without-a-hash": "the proof leads to nowhere",
    "verdict-changed": "entry 0 is not in the tree",
}


@pytest.mark.parametrize("defect", sorted(REASONS))
def test_a_receipt_with_a_defect_is_refused_for_it(defect: str) -> None:
    with pytest.raises(VerificationFailed) as refusal:
        check_receipt((ASSETS / f"{defect}.json").read_bytes(), KEY.vkey)
    assert REASONS[defect] in refusal.value.message


def test_every_asset_is_tried_and_is_what_its_recipe_makes() -> None:
    assets = {path.stem: path.read_bytes() for path in ASSETS.iterdir()}
    assert assets.keys() == REASONS.keys()
    assert assets == defects()
