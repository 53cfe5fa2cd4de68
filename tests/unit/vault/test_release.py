# SPDX-License-Identifier: Apache-2.0
"""What comes with a release: one approval for each model that it pins, by the key beside them, and nothing else."""

from importlib.resources import files

import pytest

from freehold.vault.oms import read_bundle
from freehold.vault.pins import PINS, Pin
from freehold.vault.trust.approval import read_approval
from freehold.vault.trust.reading import release_key

FOLDER = files("freehold.vault.trust") / "release"


def test_there_is_an_approval_for_each_pinned_model_and_a_public_key() -> None:
    assert {place.name for place in FOLDER.iterdir()} == {"release.pem", *(f"{pin.name}.json" for pin in PINS)}
    assert b"PRIVATE" not in (FOLDER / "release.pem").read_bytes()


@pytest.mark.parametrize("pin", PINS, ids=lambda pin: pin.name)
def test_the_approval_is_of_the_very_bytes_that_are_pinned(pin: Pin) -> None:
    bundle = read_bundle((FOLDER / f"{pin.name}.json").read_bytes())
    assert bundle.holds_for(release_key()), "run release/approve.py once more: key and approvals belong together"
    approval = read_approval(bundle)
    assert (approval.model, approval.manifest, approval.licence) == (f"sha256:{pin.sha256}", "", pin.licence)
