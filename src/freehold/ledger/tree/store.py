# SPDX-License-Identifier: Apache-2.0
"""Read a log from its files. Needs no process, no key and no other folder of the estate; writes nothing.

A reader takes the checkpoint first and only then tiles: all that it needs was on disk before it was published.
"""

import contextlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from freehold.errors import EstateError, Pruned, VerificationFailed
from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import split_entries
from freehold.ledger.tree.growth import Edge
from freehold.ledger.tree.layout import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH
from freehold.ledger.tree.merkle import Subtree, root_of_row

_MOST_DIGITS = 20


class LedgerFiles:
    """A log's directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def checkpoint(self) -> bytes:
        """The newest checkpoint as it lies there, unverified. Raises EstateError."""
        path = self._directory / layout.CHECKPOINT
        try:
            return path.read_bytes()
        except OSError as exc:
            raise EstateError(
                f"there is no readable log at {path}", hint="Name the directory with 'checkpoint' in it."
            ) from exc

    def cosigned_checkpoint(self) -> bytes | None:
        """The newest that witnesses have cosigned, unverified; None if there is none."""
        try:
            return (self._directory / layout.COSIGNED).read_bytes()
        except OSError:
            return None

    def minimum_index(self) -> int:
        """The index from which on the log has its entries: 0, unless it was pruned. Raises VerificationFailed."""
        path = self._directory / layout.MINIMUM_INDEX
        try:
            text = path.read_text("ascii")
        except FileNotFoundError:
            return 0
        except (OSError, UnicodeDecodeError) as exc:
            raise VerificationFailed(f"{layout.MINIMUM_INDEX} cannot be read as a number") from exc
        digits = text.removesuffix("\n")
        if not digits.isdigit() or len(digits) > _MOST_DIGITS or text != f"{int(digits)}\n":
            raise VerificationFailed(f"{layout.MINIMUM_INDEX} holds {text[:40]!r}, expected a decimal number in a line")
        return int(digits)

    def tile(self, level: int, index: int, width: int) -> list[bytes]:
        """The first ``width`` hashes of a tile. Raises VerificationFailed, Pruned."""
        row = self._row(level, index, width)
        return [row[at : at + HASH_BYTES] for at in range(0, len(row), HASH_BYTES)]

    def bundle(self, index: int, width: int) -> list[bytes]:
        """The first ``width`` entries of a bundle. Raises VerificationFailed, Pruned."""
        end = layout.end_index(0, index)
        path, data, exact = self._read(layout.bundle_path(index, width), layout.bundle_path(index), end)
        entries = split_entries(data)
        if entries is None or len(entries) < width or (exact and len(entries) != width):
            found = "a cut-off entry" if entries is None else f"{len(entries)} entries"
            raise VerificationFailed(f"{path} holds {found}, expected {width} entries")
        return entries[:width]

    def partials(self, full: str) -> Iterator[tuple[int, str, bytes]]:
        """Width, path and content of every partial form that is there of a tile or bundle."""
        directory = self._directory / layout.partials_path(full)
        try:
            files = sorted(directory.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return
        for file in files:
            with contextlib.suppress(FileNotFoundError):  # dropped by a writer at work, once the full one was there
                yield int(file.name) if file.name.isdecimal() else 0, f"{full}.p/{file.name}", file.read_bytes()

    def entry(self, index: int, size: int) -> bytes:
        """One entry of a tree of ``size`` entries."""
        bundle = index // TILE_WIDTH
        return self.bundle(bundle, layout.width_at(0, bundle, size))[index % TILE_WIDTH]

    def entries(self, start: int, size: int) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of every entry that is kept, from ``start`` to the end of a tree of ``size`` entries."""
        start = max(start, self.minimum_index() // TILE_WIDTH * TILE_WIDTH)
        for bundle in range(start // TILE_WIDTH, -(-size // TILE_WIDTH)):
            first = bundle * TILE_WIDTH
            for index, entry in enumerate(self.bundle(bundle, layout.width_at(0, bundle, size)), first):
                if index >= start:
                    yield index, entry

    def subtree(self, size: int) -> Subtree:
        """The hashes of a tree of ``size`` entries, for proofs; each tile is read once."""

        @cache
        def read(level: int, index: int) -> bytes:
            return self._row(level, index, layout.width_at(level, index, size))

        def hash_of(height: int, index: int) -> bytes:
            level, rest = divmod(height, TILE_HEIGHT)
            first = index << rest
            at = first % TILE_WIDTH * HASH_BYTES
            return root_of_row(read(level, first // TILE_WIDTH)[at : at + (HASH_BYTES << rest)])

        return hash_of

    def edge(self, size: int) -> Edge:
        """The right edge of a tree of ``size`` entries."""
        rows: list[tuple[bytes, ...]] = []
        while hashes := size >> (TILE_HEIGHT * len(rows)):
            index, width = divmod(hashes, TILE_WIDTH)
            rows.append(tuple(self.tile(len(rows), index, width)) if width else ())
        bundle, width = divmod(size, TILE_WIDTH)
        return Edge(size=size, hashes=tuple(rows), entries=tuple(self.bundle(bundle, width)) if width else ())

    def kept_edge(self, size: int, minimum_index: int) -> Edge:
        """The right edge of the tree up to the first bundle that a prune to ``minimum_index`` leaves.

        Its hashes stand for entries that are gone. They are taken from the tiles of the tree of ``size`` entries, and
        whoever goes on from them to the root has checked them.
        """
        start = minimum_index // TILE_WIDTH * TILE_WIDTH
        rows: list[tuple[bytes, ...]] = []
        while hashes := start >> (TILE_HEIGHT * len(rows)):
            index, width = divmod(hashes, TILE_WIDTH)
            found = self.tile(len(rows), index, layout.width_at(len(rows), index, size)) if width else []
            rows.append(tuple(found[:width]))
        return Edge(size=start, hashes=tuple(rows))

    def _row(self, level: int, index: int, width: int) -> bytes:
        """The hashes of a tile, one behind the other."""
        end = layout.end_index(level, index)
        path, data, exact = self._read(layout.tile_path(level, index, width), layout.tile_path(level, index), end)
        found = len(data) // HASH_BYTES
        if len(data) % HASH_BYTES or found < width or (exact and found != width):
            raise VerificationFailed(f"{path} has {len(data)} bytes, expected {width * HASH_BYTES}")
        return data[: width * HASH_BYTES]

    def _read(self, wanted: str, full: str, end_index: int) -> tuple[str, bytes, bool]:
        """The file, or the full one where a partial one is gone; and whether it is the very file that was wanted."""
        for path in dict.fromkeys((wanted, full)):
            try:
                return path, (self._directory / path).read_bytes(), path == wanted
            except FileNotFoundError:
                continue
            except OSError as exc:
                raise EstateError(f"{path} of the log cannot be read", hint="Check its owner and the disk.") from exc
        if end_index <= (minimum := self.minimum_index()):
            raise Pruned(f"{wanted} was pruned: the log has its entries from {minimum} on")
        raise VerificationFailed(f"{wanted} is missing, expected by the checkpoint")
