# SPDX-License-Identifier: Apache-2.0
"""Logs that somebody tampered with, or that lie: each is refused by ``verify``, by ``fsck`` and by the oracle.

What each of them says names the file, what was expected and what was found.
"""

from pathlib import Path

import pytest
from tests.attack.ledger.log_assets import FULL, PARTIAL, PARTIAL_TILE, TILE, UPPER, differences, lay
from tests.attack.ledger.signing_by_hand import OWN
from tests.oracle.notes import read_key
from tests.oracle.refused import Refused
from tests.oracle.tiles import read_log

from freehold.errors import EstateError, VerificationFailed
from freehold.ledger.check.fsck import check_tree
from freehold.ledger.check.verify import verify_ledger

ASSETS = Path(__file__).parent / "assets" / "logs"
DAMAGED_FILES = {  # what verify says, and the file that fsck names
    "entry-bit-flipped": (f"{TILE}, hash 0: expected", TILE),
    "entry-bit-flipped-in-partial-bundle": (f"{PARTIAL_TILE}, hash 2: expected", PARTIAL_TILE),
    "entry-removed": (f"{FULL} holds 255 entries, expected 256", FULL),
    "entry-added": (f"{PARTIAL} holds 4 entries, expected 3", PARTIAL),
    "entries-swapped": (f"{TILE}, hash 1: expected", TILE),
    "entry-of-another-call": (f"{TILE}, hash 0: expected", TILE),
    "bundle-truncated": (f"{FULL} holds a cut-off entry, expected 256", FULL),
    "bundle-truncated-in-a-length": (f"{FULL} holds a cut-off entry, expected 256", FULL),
    "bundle-with-a-length-past-its-end": (f"{PARTIAL} holds a cut-off entry, expected 3", PARTIAL),
    "bundle-missing": (f"{FULL} is missing, expected by the checkpoint", FULL),
    "partial-bundle-missing": (f"{PARTIAL} is missing, expected by the checkpoint", PARTIAL),
    "tile-bit-flipped": (f"{TILE}, hash 125: expected e7b0", TILE),
    "tile-missing": (f"{TILE} is missing, expected by the checkpoint", TILE),
    "tile-truncated": (f"{TILE} has 8160 bytes, expected 8192", TILE),
    "partial-tile-bit-flipped": (f"{PARTIAL_TILE}, hash 2: expected 6e9c", PARTIAL_TILE),
    "partial-tile-with-half-a-hash": (f"{PARTIAL_TILE} has 112 bytes, expected 96", PARTIAL_TILE),
    "upper-tile-bit-flipped": (f"{UPPER}, hash 0: expected 175d", UPPER),
    "upper-tile-missing": (f"{UPPER} is missing, expected by the checkpoint", UPPER),
    "root-forked": ("the 259 entries have root 7da5", "checkpoint: expected root 7da5"),
    "size-beyond-the-entries": ("tile/entries/001.p/4 is missing, expected", "tile/entries/001.p/4"),
    "size-beyond-all-numbers": ("tile/entries/001 is missing, expected", "tile/entries/001"),
    "size-zero-with-a-root": ("the 0 entries have root e3b0", "checkpoint: expected root e3b0"),
}
CHECKPOINTS = {  # refused before anything else is read, in the same words by both
    "checkpoint-root-bit-flipped": "does not fit the text",
    "checkpoint-signature-bit-flipped": "does not fit the text",
    "checkpoint-of-an-older-size": "does not fit the text",
    "checkpoint-of-another-origin": "other.example/ledger",
    "checkpoint-of-another-origin-by-our-key": "other.example/ledger",
    "checkpoint-of-a-wrong-key": "expected estate.example/ledger+007c5d44, found estate.example/ledger+15ae8344",
    "checkpoint-unsigned": "the note has no signatures: expected",
    "checkpoint-empty": "the note has no signatures: expected",
    "checkpoint-missing": "there is no readable log at",
}
CONTENTS = {"two-outcomes-of-one-call", "outcome-of-no-call", "outcome-before-its-admission"}
AMBIGUOUS = "entry-read-in-two-ways"
MINIMUM = {"minimum-index-beyond-the-size", "minimum-index-not-a-number"}
KEYS = [read_key(OWN.vkey)]


def test_the_sound_twin_is_accepted_by_all(tmp_path: Path) -> None:
    log = lay(ASSETS, "sound", tmp_path / "ledger")
    report = verify_ledger(log, OWN.vkey)
    assert (report.size, report.with_two_outcomes, report.stray_outcomes, report.without_outcome) == (259, 0, 0, 0)
    assert check_tree(log, OWN.vkey).differences == ()
    assert read_log(log, KEYS).head.size == 259


@pytest.mark.parametrize("defect", DAMAGED_FILES)
def test_a_log_with_damaged_files_does_not_hold(tmp_path: Path, defect: str) -> None:
    log = lay(ASSETS, defect, tmp_path / "ledger")
    told, file = DAMAGED_FILES[defect]
    with pytest.raises(VerificationFailed) as refusal:
        verify_ledger(log, OWN.vkey)
    assert told in refusal.value.message
    first = str(check_tree(log, OWN.vkey).differences[0])
    assert first.startswith(file)
    assert "expected" in first
    assert "found" in first
    with pytest.raises(Refused):
        read_log(log, KEYS)


@pytest.mark.parametrize("defect", CHECKPOINTS)
def test_a_log_under_a_false_checkpoint_does_not_hold(tmp_path: Path, defect: str) -> None:
    log = lay(ASSETS, defect, tmp_path / "ledger")
    for check in (verify_ledger, check_tree):
        with pytest.raises((VerificationFailed, EstateError)) as refusal:
            check(log, OWN.vkey)
        assert CHECKPOINTS[defect] in refusal.value.message
    with pytest.raises(Refused):
        read_log(log, KEYS)


@pytest.mark.parametrize("defect", sorted(CONTENTS))
def test_outcomes_that_close_nothing_are_counted(tmp_path: Path, defect: str) -> None:
    report = verify_ledger(lay(ASSETS, defect, tmp_path / "ledger"), OWN.vkey)
    assert report.with_two_outcomes + report.stray_outcomes == 1


def test_an_entry_that_can_be_read_in_two_ways_is_read_in_none(tmp_path: Path) -> None:
    report = verify_ledger(lay(ASSETS, AMBIGUOUS, tmp_path / "ledger"), OWN.vkey)
    assert (report.admissions, report.refusals, report.unknown) == (0, 0, 1)


@pytest.mark.parametrize("defect", sorted(MINIMUM))
def test_a_false_minimum_index_is_named(tmp_path: Path, defect: str) -> None:
    log = lay(ASSETS, defect, tmp_path / "ledger")
    with pytest.raises(VerificationFailed, match=r"minimum.index"):
        verify_ledger(log, OWN.vkey)
    try:
        told = str(check_tree(log, OWN.vkey).differences[0])
    except VerificationFailed as refusal:
        told = refusal.message
    assert told.startswith("minimum-index")
    assert "expected" in told


def test_every_asset_is_tried_and_is_what_its_recipe_makes() -> None:
    assert {path.name for path in ASSETS.iterdir()} == {
        "sound", *DAMAGED_FILES, *CHECKPOINTS, *CONTENTS, AMBIGUOUS, *MINIMUM
    }  # fmt: skip
    stored = {
        defect: {str(path.relative_to(ASSETS / defect)): path.read_bytes() for path in _files(ASSETS / defect)}
        for defect in (path.name for path in ASSETS.iterdir())
    }
    assert stored == differences()


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]
