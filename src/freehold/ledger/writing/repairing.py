# SPDX-License-Identifier: Apache-2.0
"""Write damaged tiles anew, out of entries that lead to the signed root; nothing else, and never an entry.

The root binds the entries, and the entries say what every tile must hold. So this adds nothing to the record: where the
entries themselves are damaged it refuses, and only a copy of them helps.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from freehold.errors import VerificationFailed
from freehold.ledger.check.fsck import TreeReport, check_tree
from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import join_entries
from freehold.ledger.tree.checkpoint import open_checkpoint
from freehold.ledger.tree.derivation import Derivation
from freehold.ledger.tree.layout import HASH_BYTES, TILE_WIDTH, Resource
from freehold.ledger.tree.merkle import leaf_hash
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.log import claim, faults
from freehold.ledger.writing.placing import put_in_place
from freehold.signing.note import parse_vkey

Wanted = dict[tuple[int | None, int], list[Resource]]
"""Files to write, by the level and index of the tile or bundle that they are forms of."""


def repair(directory: Path, vkey: str, disk: Disk) -> list[str]:
    """The files that were written anew. Nobody else writes the log meanwhile.

    Raises EstateError if somebody does, VerificationFailed if the entries do not lead to the signed root, LedgerFault.
    """
    claimed = claim(directory)
    repaired: list[str] = []
    try:
        while damaged := _derivable(check_tree(directory, vkey)):
            if again := set(damaged) & set(repaired):
                raise VerificationFailed(f"{min(again)} was written anew and differs again: the disk is failing")
            with faults("tiles cannot be written"):
                for path, content in _derived(LedgerFiles(directory), vkey, damaged):
                    disk.sync_directory(put_in_place(disk, directory, path, content))
            repaired += damaged
    finally:
        os.close(claimed)
    return repaired


def _derivable(report: TreeReport) -> list[str]:
    return sorted({difference.file for difference in report.differences if difference.derivable})


def _derived(files: LedgerFiles, vkey: str, paths: list[str]) -> Iterator[tuple[str, bytes]]:
    """What belongs at each path."""
    checkpoint, minimum = open_checkpoint(files.checkpoint(), parse_vkey(vkey)), files.minimum_index()
    wanted: Wanted = defaultdict(list)
    for resource in filter(None, map(layout.read_path, paths)):
        wanted[resource.level, resource.index].append(resource)
    derivation = Derivation(files.kept_edge(checkpoint.size, minimum))
    for index in range(minimum // TILE_WIDTH, -(-checkpoint.size // TILE_WIDTH)):
        entries = files.bundle(index, layout.width_at(0, index, checkpoint.size))
        for form in wanted.get((None, index), ()):
            yield form.path, join_entries(entries[: form.width])
        for tile in derivation.add([leaf_hash(entry) for entry in entries]):
            yield from _forms(wanted, tile.level, tile.index, b"".join(tile.hashes))
    for tile in derivation.unfinished():
        yield from _forms(wanted, tile.level, tile.index, b"".join(tile.hashes))


def _forms(wanted: Wanted, level: int, index: int, content: bytes) -> Iterator[tuple[str, bytes]]:
    for form in wanted.get((level, index), ()):
        yield form.path, content[: form.width * HASH_BYTES]
