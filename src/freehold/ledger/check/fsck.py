# SPDX-License-Identifier: Apache-2.0
"""Look through a log's directory: derive every tile again from the entries, and name each file that differs.

It reads and writes nothing, so it may run beside the writer. What the entries say is not looked at; ``verify`` counts
that. A difference is a fact about files: which file, where in it, what the entries lead to, what lies there.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from freehold.errors import EstateError, Pruned, VerificationFailed
from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import join_entries, measure_entries, split_entries
from freehold.ledger.tree.checkpoint import Checkpoint, open_checkpoint
from freehold.ledger.tree.derivation import Derivation, DerivedTile
from freehold.ledger.tree.layout import HASH_BYTES, TILE_WIDTH, Resource
from freehold.ledger.tree.merkle import inclusion_proof, leaf_hash, root, root_from_inclusion
from freehold.ledger.tree.store import LedgerFiles
from freehold.signing.note import parse_vkey

_NAMED = 100  # differences that are told one by one; the others are counted
_MISSING = "no readable file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One file that is not what the entries, or the signed root, lead to.

    ``file`` is relative to the log's directory. ``offset_bytes`` is where it begins to differ, ``hash_index`` which of
    its hashes that is, ``entry`` the index in the log of the entry that is concerned; each None where it means nothing.
    ``blame``: which of a hash and an entry that differ leads to the signed root no more; empty if neither is known to.
    """

    file: str
    expected: str
    found: str
    offset_bytes: int | None = None
    hash_index: int | None = None
    entry: int | None = None
    blame: str = ""
    derivable: bool = False  # 'fsck --repair' can write it anew

    def __str__(self) -> str:
        places = (("byte", self.offset_bytes), ("hash", self.hash_index), ("entry", self.entry))
        where = "".join(f", {name} {number}" for name, number in places if number is not None)
        return f"{self.file}{where}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeReport:
    """What was looked at, and what differs. ``derived_root`` is None where nothing could be derived to the end.

    ``entries_hold``: every entry could be read, and they lead to the signed root.
    """

    origin: str
    size: int
    minimum_index: int
    root: bytes
    derived_root: bytes | None
    entries_hold: bool
    bundles: int
    tiles: int
    partials: int  # narrower forms, kept for earlier checkpoints
    differences: tuple[Difference, ...]
    untold: int  # differences beyond those


def check_tree(directory: Path, vkey: str) -> TreeReport:
    """Every bundle, tile and partial form under the newest checkpoint. Raises EstateError, VerificationFailed.

    It raises where there is nothing to compare with: no checkpoint, or none that the key has signed.
    """
    files = LedgerFiles(directory)
    cosigned = _read(directory / layout.COSIGNED)  # before the newest, so that it is not newer
    checkpoint = open_checkpoint(files.checkpoint(), parse_vkey(vkey))
    minimum = files.minimum_index()
    walk = _Walk(directory=directory, files=files, checkpoint=checkpoint, minimum=minimum)
    with contextlib.suppress(Pruned):
        walk.run()
    if files.minimum_index() != minimum:
        raise EstateError("the log was pruned while it was looked at", hint="Look again.")
    if cosigned is not None:
        walk.compare_cosigned(cosigned, vkey)
    return walk.report()


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One reading from the first entry to the last."""

    directory: Path
    files: LedgerFiles
    checkpoint: Checkpoint
    minimum: int
    differences: list[Difference] = field(default_factory=list)
    bundles: int = 0
    unreadable: int = 0  # of the bundles
    tiles: int = 0
    partials: int = 0
    derived_root: bytes | None = None

    @property
    def entries_hold(self) -> bool:
        return self.derived_root == self.checkpoint.root and not self.unreadable

    def run(self) -> None:
        size = self.checkpoint.size
        if self.minimum > size:
            self._differs(layout.MINIMUM_INDEX, f"at most the log's size, {size}", str(self.minimum))
            self.minimum = 0
        try:
            derivation = Derivation(self.files.kept_edge(size, self.minimum))
        except VerificationFailed as problem:
            self._differs("tile", "the hashes that stand for pruned entries", problem.message)
            return
        for index in range(self.minimum // TILE_WIDTH, -(-size // TILE_WIDTH)):
            leaves = self._leaves(Resource(level=None, index=index, width=layout.width_at(0, index, size)))
            if leaves is None:
                return
            for tile in derivation.add(leaves):
                self._compare_tile(tile)
        for tile in derivation.unfinished():
            self._compare_tile(tile)
        self.derived_root = derivation.root
        if self.derived_root != self.checkpoint.root:
            self._differs(layout.CHECKPOINT, f"root {self.derived_root.hex()}", f"root {self.checkpoint.root.hex()}")

    def compare_cosigned(self, note: bytes, vkey: str) -> None:
        """The checkpoint with witnesses' signatures is of this log, and of this tree."""
        try:
            older = open_checkpoint(note, parse_vkey(vkey))
        except VerificationFailed as problem:
            self._differs(layout.COSIGNED, "a checkpoint that the log signed", problem.message)
            return
        size = self.checkpoint.size
        if older.size > size:
            self._differs(layout.COSIGNED, f"a size of at most {size}", str(older.size))
        elif older.size >= self.minimum:
            with contextlib.suppress(VerificationFailed):  # named above
                found = root(older.size, self.files.subtree(size))
                if found != older.root:
                    self._differs(layout.COSIGNED, f"root {found.hex()}", f"root {older.root.hex()}")

    def report(self) -> TreeReport:
        return TreeReport(
            origin=self.checkpoint.origin,
            size=self.checkpoint.size,
            minimum_index=self.minimum,
            root=self.checkpoint.root,
            derived_root=self.derived_root,
            entries_hold=self.entries_hold,
            bundles=self.bundles,
            tiles=self.tiles,
            partials=self.partials,
            differences=tuple(self._with_remedy()),
            untold=max(0, len(self.differences) - _NAMED),
        )

    def _leaves(self, bundle: Resource) -> list[bytes] | None:
        """The hashes of a bundle's entries; where it cannot be read those of the tile beside it, if that can."""
        self.bundles += 1
        path, data = self._content(bundle)
        if data is None:
            self._differs(bundle.path, f"{bundle.width} entries", _MISSING, entry=bundle.index * TILE_WIDTH)
        else:
            entries = split_entries(data)
            wide_enough = entries is not None and len(entries) >= bundle.width
            if entries is not None and wide_enough and (path != bundle.path or len(entries) == bundle.width):
                self._compare_partials(bundle, lambda width: join_entries(entries[:width]))
                return [leaf_hash(entry) for entry in entries[: bundle.width]]
            self._mismeasured(bundle, path, data)
        self.unreadable += 1
        return self._leaves_from_tile(bundle)

    def _leaves_from_tile(self, bundle: Resource) -> list[bytes] | None:
        """Go on with the stored hashes, so that what lies behind a bundle that cannot be read is looked at too."""
        with contextlib.suppress(VerificationFailed):
            return self.files.tile(0, bundle.index, bundle.width)
        return None

    def _mismeasured(self, bundle: Resource, path: str, data: bytes) -> None:
        whole, whole_bytes = measure_entries(data)
        if whole_bytes < len(data):
            found = f"{whole} whole ones and {len(data) - whole_bytes} bytes of another"
        else:
            found = f"{whole} entries"
        at = min(whole, bundle.width)
        self._differs(path, f"{bundle.width} entries", found, whole_bytes, entry=bundle.index * TILE_WIDTH + at)

    def _compare_tile(self, derived: DerivedTile) -> None:
        self.tiles += 1
        expected = b"".join(derived.hashes)
        tile = Resource(level=derived.level, index=derived.index, width=len(derived.hashes))
        path, data = self._content(tile)
        if data is None:
            self._differs(tile.path, f"{tile.width} hashes", _MISSING)
        else:
            found = data if path == tile.path else data[: len(expected)]
            self._compare(tile, path, expected, found)
        self._compare_partials(tile, lambda width: expected[: width * HASH_BYTES])

    def _compare_partials(self, resource: Resource, expected: Callable[[int], bytes]) -> None:
        """Other forms say the same as far as they go: narrower ones for earlier checkpoints, wider ones for later."""
        for path in _forms(self.directory, layout.partials_path(resource.full)):
            form, found = layout.read_path(path), _read(self.directory / path)
            if form is None or found is None or form.width == resource.width:
                continue  # a stray, or one that a writer at work has dropped, or the one that was compared already
            self.partials += 1
            shared = expected(min(form.width, resource.width))
            self._compare(resource, path, shared, found if form.width < resource.width else found[: len(shared)])

    def _compare(self, resource: Resource, path: str, expected: bytes, found: bytes) -> None:
        if expected == found:
            return
        shared = min(len(expected), len(found))
        at = next((at for at in range(shared) if expected[at] != found[at]), shared)
        if at == shared:
            self._differs(path, f"{len(expected)} bytes", f"{len(found)} bytes", at)
        elif resource.level is None:
            self._differs(path, f"0x{expected[at]:02x}", f"0x{found[at]:02x}", at)
        else:
            number = at // HASH_BYTES
            one_hash = slice(number * HASH_BYTES, (number + 1) * HASH_BYTES)
            is_read = resource.level == 0 and path in (resource.path, resource.full)
            entry = resource.index * TILE_WIDTH + number if is_read else None
            self._differs(path, expected[one_hash].hex(), found[one_hash].hex(), at, hash_index=number, entry=entry)

    def _content(self, resource: Resource) -> tuple[str, bytes | None]:
        """The file, or the full form that stands in for a partial one; and which of them it is."""
        for path in dict.fromkeys((resource.path, resource.full)):
            data = _read(self.directory / path)
            if data is not None:
                return path, data
        return resource.path, None

    def _differs(  # noqa: PLR0913 - one argument for each thing there is to say
        self,
        file: str,
        expected: str,
        found: str,
        offset_bytes: int | None = None,
        *,
        hash_index: int | None = None,
        entry: int | None = None,
    ) -> None:
        difference = Difference(
            file=file,
            expected=expected,
            found=found,
            offset_bytes=offset_bytes,
            hash_index=hash_index,
            entry=entry,
        )
        self.differences.append(difference)

    def _blame(self, difference: Difference) -> str:
        """Of an entry and its hash that differ, the one that still leads to the signed root is as it was."""
        if difference.hash_index is None:
            return ""
        if self.entries_hold:
            return "hash"
        if difference.entry is None:
            return ""
        if self._leads_to_root(difference.entry, bytes.fromhex(difference.found)):
            return "entry"
        return "hash" if self._leads_to_root(difference.entry, bytes.fromhex(difference.expected)) else ""

    def _leads_to_root(self, index: int, leaf: bytes) -> bool:
        size = self.checkpoint.size
        try:
            proof = inclusion_proof(index, size, self.files.subtree(size))
        except VerificationFailed:
            return False
        return root_from_inclusion(leaf, index, size, proof) == self.checkpoint.root

    def _with_remedy(self) -> Iterator[Difference]:
        """Where the entries hold, tiles and narrower forms of bundles can be derived from them."""
        for difference in self.differences[:_NAMED]:
            form = layout.read_path(difference.file)
            covered = form and form.width <= layout.width_at(form.height, form.index, self.checkpoint.size)
            derivable = self.entries_hold and bool(covered)
            yield replace(difference, derivable=derivable, blame=self._blame(difference))


def _forms(directory: Path, folder: str) -> list[str]:
    """The files of a folder, as paths of the log; none where there is no folder."""
    try:
        return sorted(f"{folder}/{name}" for name in os.listdir(directory / folder))  # noqa: PTH208 - names are enough
    except OSError:
        return []


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
