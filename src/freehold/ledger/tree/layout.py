# SPDX-License-Identifier: Apache-2.0
"""Where things lie in a tiled log, c2sp.org/tlog-tiles@v0.1.0. Arithmetic on paths and widths; touches no file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TILE_HEIGHT = 8
TILE_WIDTH = 256
HASH_BYTES = 32
CHECKPOINT = "checkpoint"
COSIGNED = "checkpoint.cosigned"  # the newest that enough witnesses have cosigned; never newer than the checkpoint
MINIMUM_INDEX = "minimum-index"  # what a prune left: the log keeps entries from here on (§Pruning)
_RESOURCE = re.compile(r"tile/(entries|\d\d?)/((?:x\d{3}/){0,6}\d{3})(?:\.p/(\d{1,3}))?", re.ASCII)
_TOP_LEVEL = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A hash tile, or an entry bundle: its level is None."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        if self.level is None:
            return bundle_path(self.index, self.width)
        return tile_path(self.level, self.index, self.width)

    @property
    def full(self) -> str:
        """The path of the full form."""
        return bundle_path(self.index) if self.level is None else tile_path(self.level, self.index)

    @property
    def height(self) -> int:
        """The level of the tile whose leaves it spans: bundles lie beside those of level 0."""
        return self.level or 0

    @property
    def end_index(self) -> int:
        """The index behind the last entry that the full form spans."""
        return end_index(self.height, self.index)


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """The path of a hash tile, relative to the log's directory (§Merkle Tree)."""
    return f"tile/{level}/{_spread(index)}{_partial(width)}"


def bundle_path(index: int, width: int = TILE_WIDTH) -> str:
    """The path of an entry bundle (§Log entries)."""
    return f"tile/entries/{_spread(index)}{_partial(width)}"


def partials_path(full: str) -> str:
    """The directory that holds the partial forms of a full tile or bundle."""
    return f"{full}.p"


def read_path(path: str) -> Resource | None:
    """What lies at a path; None if the path is not the one way in which the format writes it."""
    matched = _RESOURCE.fullmatch(path)
    if matched is None:
        return None
    level = None if matched[1] == "entries" else int(matched[1])
    width = int(matched[3]) if matched[3] else TILE_WIDTH
    if (level or 0) > _TOP_LEVEL or not 1 <= width <= TILE_WIDTH or (matched[3] and width == TILE_WIDTH):
        return None
    resource = Resource(level=level, index=int(re.sub(r"[x/]", "", matched[2])), width=width)
    return resource if resource.path == path else None


def resources_of(size: int, minimum_index: int = 0) -> Iterator[Resource]:
    """Every bundle and tile of a tree of ``size`` entries that a prune to ``minimum_index`` leaves (§Pruning)."""
    for index in range(minimum_index // TILE_WIDTH, -(-size // TILE_WIDTH)):
        yield Resource(level=None, index=index, width=width_at(0, index, size))
    for level, index, width in tiles_of(size):
        if end_index(level, index) > minimum_index:
            yield Resource(level=level, index=index, width=width)


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes tile ``index`` of ``level`` holds in a tree of ``size`` entries; 0 if there is no such tile."""
    return min(TILE_WIDTH, max(0, (size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH))


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Level, index and width of every hash tile of a tree of ``size`` entries, lowest level first."""
    level = 0
    while size >> (TILE_HEIGHT * level):
        hashes = size >> (TILE_HEIGHT * level)
        for index in range(-(-hashes // TILE_WIDTH)):
            yield level, index, width_at(level, index, size)
        level += 1


def end_index(level: int, index: int) -> int:
    """The index behind the last entry that a full tile spans; a bundle's is that of its tile of level 0."""
    return (index + 1) << (TILE_HEIGHT * (level + 1))


def _spread(index: int) -> str:
    """1234067 is ``x001/x234/067``."""
    path = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        path = f"x{index % 1000:03d}/{path}"
    return path


def _partial(width: int) -> str:
    if not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"a tile is 1 to {TILE_WIDTH} wide, not {width}")
    return "" if width == TILE_WIDTH else f".p/{width}"
