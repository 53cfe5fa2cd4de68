# SPDX-License-Identifier: Apache-2.0
"""A log that was tampered with by someone who may write every file but has no key: each way is found by ``verify``."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.ledger_builder import KEY, ORIGIN, outcome_bytes, write_log

from freehold.errors import VerificationFailed
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.tree.bundle import join_entries, split_entries
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.signing.keys import FileKey

GOLDEN = Path(__file__).parents[2] / "golden" / "v0.1" / "ledger" / "ledger"


def entry_changed_in_its_bundle(ledger: Path) -> None:
    bundle = ledger / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes().replace(b'"cancelled"', b'"completed"'))


def entry_removed_from_its_bundle(ledger: Path) -> None:
    _rewrite(ledger, lambda entries: entries[1:])


def entries_swapped(ledger: Path) -> None:
    _rewrite(ledger, lambda entries: [entries[1], entries[0], *entries[2:]])


def bundle_cut_short(ledger: Path) -> None:
    bundle = ledger / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes()[:-1])


def bundle_with_bytes_after_it(ledger: Path) -> None:
    bundle = ledger / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes() + b"\x00\x01x")


def tail_dropped_with_an_older_size(ledger: Path) -> None:
    note = (ledger / "checkpoint").read_text()
    (ledger / "checkpoint").write_text(note.replace("\n263\n", "\n256\n"))


def tree_rebuilt_and_signed_by_another_key(ledger: Path) -> None:
    _replace_by(ledger, FileKey(ORIGIN, bytes(32)))


def root_signed_for_other_entries(ledger: Path) -> None:
    """A log that lies: its own key signs a root that its entries do not have."""
    note = sign_checkpoint(Checkpoint(origin=ORIGIN, size=263, root=bytes(32)), KEY)
    (ledger / "checkpoint").write_bytes(note)


def tile_of_another_log(ledger: Path) -> None:
    other = write_log(ledger.parent / "other", [outcome_bytes(number) for number in range(263)])
    shutil.copy(other / "tile" / "0" / "000", ledger / "tile" / "0" / "000")


def tile_made_longer(ledger: Path) -> None:
    tile = ledger / "tile" / "0" / "001.p" / "7"
    tile.write_bytes(tile.read_bytes() + bytes(32))


def upper_tile_changed(ledger: Path) -> None:
    (ledger / "tile" / "1" / "000.p" / "1").write_bytes(bytes(32))


def upper_tile_removed(ledger: Path) -> None:
    (ledger / "tile" / "1" / "000.p" / "1").unlink()


def checkpoint_emptied(ledger: Path) -> None:
    (ledger / "checkpoint").write_bytes(b"")


DEFECTS: dict[Callable[[Path], None], str] = {
    entry_changed_in_its_bundle: "tile/0/000, hash 3: expected",
    entry_removed_from_its_bundle: "tile/entries/000 holds 255 entries, expected 256",
    entries_swapped: "tile/0/000, hash 0: expected",
    bundle_cut_short: "tile/entries/000 holds a cut-off entry, expected 256",
    bundle_with_bytes_after_it: "tile/entries/000 holds 257 entries, expected 256",
    tail_dropped_with_an_older_size: "does not fit the text",
    tree_rebuilt_and_signed_by_another_key: "not signed by a known key",
    root_signed_for_other_entries: "the 263 entries have root",
    tile_of_another_log: "tile/0/000, hash 0: expected",
    tile_made_longer: "tile/0/001.p/7 has 256 bytes, expected 224",
    upper_tile_changed: "tile/1/000.p/1, hash 0: expected",
    upper_tile_removed: "tile/1/000.p/1 is missing",
    checkpoint_emptied: "the note has no signatures",
}


@pytest.mark.parametrize("tamper", DEFECTS, ids=lambda tamper: tamper.__name__)
def test_a_log_that_was_tampered_with_does_not_verify(tmp_path: Path, tamper: Callable[[Path], None]) -> None:
    ledger = tmp_path / "ledger"
    shutil.copytree(GOLDEN, ledger)
    tamper(ledger)
    with pytest.raises(VerificationFailed) as refusal:
        verify_ledger(ledger, KEY.vkey)
    assert DEFECTS[tamper] in refusal.value.message


def _rewrite(ledger: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    bundle = ledger / "tile" / "entries" / "000"
    entries = split_entries(bundle.read_bytes())
    assert entries
    bundle.write_bytes(join_entries(change(entries)))


def _replace_by(ledger: Path, key: FileKey) -> None:
    text, _, _ = (ledger / "checkpoint").read_text().rpartition("\n\n")
    origin, size, _ = text.split("\n")
    (ledger / "checkpoint").write_bytes(sign_checkpoint(Checkpoint(origin=origin, size=int(size), root=bytes(32)), key))
