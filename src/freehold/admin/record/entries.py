# SPDX-License-Identifier: Apache-2.0
"""Entries read quickly, where thousands are looked through, and bundles that are read once. Proves nothing.

``ledger/record/entry.py`` has the same fields, for whoever verifies; what is read here is only counted and listed.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, Literal

import msgspec

from freehold.errors import VerificationFailed
from freehold.ledger.tree import layout
from freehold.ledger.tree.layout import TILE_WIDTH
from freehold.ledger.tree.store import LedgerFiles

_KEPT_BUNDLES = 8  # an outcome lies near its admission
_MOST_DAMAGES = 5  # that are told


class Decided(msgspec.Struct, frozen=True, gc=False):
    """Which decision an admission stands for."""

    id: str


class TargetSeen(msgspec.Struct, frozen=True):
    """A target as it was known when the call was judged."""

    name: str
    backend: str
    model: str
    operator: str
    authorities: tuple[str, ...]
    allowed: bool


class SeamSeen(msgspec.Struct, frozen=True, gc=False):
    left: str
    taken_by: str


class Admission(msgspec.Struct, frozen=True, tag_field="kind", tag="admission"):
    v: Literal[1]
    at: str
    call: str
    dialect: str
    operation: str
    service: str
    key: str
    data_class: str
    stream: bool
    effect: str
    decision: Decided
    targets: tuple[TargetSeen, ...]


class Outcome(msgspec.Struct, frozen=True, tag_field="kind", tag="outcome"):
    v: Literal[1]
    at: str
    call: str
    admission: int
    ending: str
    target: str
    error: str
    input_tokens: int
    output_tokens: int
    seams: tuple[SeamSeen, ...] = ()


class Act(msgspec.Struct, frozen=True, tag_field="kind", tag="act"):
    v: Literal[1]
    at: str
    act: str
    subject: str
    operator: str


Entry = Admission | Outcome | Act

_DECODER: Final[msgspec.json.Decoder[Entry]] = msgspec.json.Decoder(Entry)


def read(data: bytes) -> Entry | None:
    """The entry; None where it is of no kind that this release knows."""
    try:
        return _DECODER.decode(data)
    except msgspec.MsgspecError:
        return None


class Bundles:
    """The published entries of a log, for one question. A bundle that is damaged is passed over, and told of."""

    def __init__(self, files: LedgerFiles, size: int) -> None:
        self.size = size
        self.minimum_index = files.minimum_index()
        self.damages: list[str] = []
        self._load: Callable[[int], list[bytes]] = lru_cache(maxsize=_KEPT_BUNDLES)(
            lambda bundle: files.bundle(bundle, layout.width_at(0, bundle, size))
        )

    def entry(self, index: int) -> bytes | None:
        """One entry; None where there is none that can be read."""
        if not self.minimum_index <= index < self.size:
            return None
        entries = self._whole(index // TILE_WIDTH)
        return entries[index % TILE_WIDTH] if entries else None

    def upward(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of the entries from ``start`` on, before ``end``."""
        for bundle in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
            for index, data in enumerate(self._whole(bundle), bundle * TILE_WIDTH):
                if start <= index < end:
                    yield index, data

    def downward(self, end: int, start: int) -> Iterator[tuple[int, bytes]]:
        """The same, the last one first."""
        for bundle in range((end - 1) // TILE_WIDTH, start // TILE_WIDTH - 1, -1):
            first, entries = bundle * TILE_WIDTH, self._whole(bundle)
            for place in range(len(entries) - 1, -1, -1):
                if start <= first + place < end:
                    yield first + place, entries[place]

    def _whole(self, bundle: int) -> list[bytes]:
        try:
            return self._load(bundle)
        except VerificationFailed as problem:
            if len(self.damages) < _MOST_DAMAGES and problem.message not in self.damages:
                self.damages.append(problem.message)
            return []
