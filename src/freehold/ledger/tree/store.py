# SPDX-License-Identifier: Apache-2.0
"""Read a log from its files. Needs no process, no key and no other folder of the estate; writes nothing.

A reader takes the checkpoint first and only then tiles: all that it needs was on disk before it was published.
"""

import contextlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from freehold.errors import EstateError, VerificationFailed
from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import split_entries
from freehold.ledger.tree.growth import Edge
from freehold.ledger.tree.layout import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH
from freehold.ledger.tree.merkle import Subtree, root_of


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

    def tile(self, level: int, index: int, width: int) -> list[bytes]:
        """The first ``width`` hashes of a tile. Raises VerificationFailed."""
        path, data, exact = self._read(layout.tile_path(level, index, width), layout.tile_path(level, index))
        found = len(data) // HASH_BYTES
        if len(data) % HASH_BYTES or found < width or (exact and found != width):
            raise VerificationFailed(f"{path} has {len(data)} bytes, expected {width * HASH_BYTES}")
        return [data[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES)]

    def bundle(self, index: int, width: int) -> list[bytes]:
        """The first ``width`` entries of a bundle. Raises VerificationFailed."""
        path, data, exact = self._read(layout.bundle_path(index, width), layout.bundle_path(index))
        entries = split_entries(data)
        if entries is None or len(entries) < width or (exact and len(entries) != width):
            found = "a cut-off entry" if entries is None else f"{len(entries)} entries"
            raise VerificationFailed(f"{path} holds {found}, expected {width} entries")
        return entries[:width]

    def partials(self, full: str) -> Iterator[tuple[int, str, bytes]]:
        """Width, path and content of every partial form that is there of a tile or bundle."""
        directory = self._directory / layout.partials_path(full)
        if not directory.is_dir():
            return
        for file in sorted(directory.iterdir()):
            with contextlib.suppress(FileNotFoundError):  # dropped by a writer at work, once the full one was there
                yield int(file.name) if file.name.isdecimal() else 0, f"{full}.p/{file.name}", file.read_bytes()

    def entry(self, index: int, size: int) -> bytes:
        """One entry of a tree of ``size`` entries."""
        bundle = index // TILE_WIDTH
        return self.bundle(bundle, layout.width_at(0, bundle, size))[index % TILE_WIDTH]

    def entries(self, start: int, size: int) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of every entry from ``start`` to the end of a tree of ``size`` entries."""
        for bundle in range(start // TILE_WIDTH, -(-size // TILE_WIDTH)):
            first = bundle * TILE_WIDTH
            for index, entry in enumerate(self.bundle(bundle, layout.width_at(0, bundle, size)), first):
                if index >= start:
                    yield index, entry

    def subtree(self, size: int) -> Subtree:
        """The hashes of a tree of ``size`` entries, for proofs; each tile is read once."""

        @cache
        def read(level: int, index: int) -> list[bytes]:
            return self.tile(level, index, layout.width_at(level, index, size))

        def hash_of(height: int, index: int) -> bytes:
            level, rest = divmod(height, TILE_HEIGHT)
            first = index << rest
            at = first % TILE_WIDTH
            return root_of(read(level, first // TILE_WIDTH)[at : at + (1 << rest)])

        return hash_of

    def edge(self, size: int) -> Edge:
        """The right edge of a tree of ``size`` entries."""
        rows: list[tuple[bytes, ...]] = []
        while hashes := size >> (TILE_HEIGHT * len(rows)):
            index, width = divmod(hashes, TILE_WIDTH)
            rows.append(tuple(self.tile(len(rows), index, width)) if width else ())
        bundle, width = divmod(size, TILE_WIDTH)
        return Edge(size=size, hashes=tuple(rows), entries=tuple(self.bundle(bundle, width)) if width else ())

    def _read(self, wanted: str, full: str) -> tuple[str, bytes, bool]:
        """The file, or the full one where a partial one is gone; and whether it is the very file that was wanted."""
        for path in dict.fromkeys((wanted, full)):
            try:
                return path, (self._directory / path).read_bytes(), path == wanted
            except FileNotFoundError:
                continue
            except OSError as exc:
                raise EstateError(f"{path} of the log cannot be read", hint="Check its owner and the disk.") from exc
        raise VerificationFailed(f"{wanted} is missing, expected by the checkpoint")
