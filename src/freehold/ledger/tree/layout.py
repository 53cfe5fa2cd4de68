# SPDX-License-Identifier: Apache-2.0
"""Where things lie in a tiled log, c2sp.org/tlog-tiles@v0.1.0. Arithmetic on paths and widths; touches no file."""

from collections.abc import Iterator

TILE_HEIGHT = 8
TILE_WIDTH = 256
HASH_BYTES = 32
CHECKPOINT = "checkpoint"


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """The path of a hash tile, relative to the log's directory (§Merkle Tree)."""
    return f"tile/{level}/{_spread(index)}{_partial(width)}"


def bundle_path(index: int, width: int = TILE_WIDTH) -> str:
    """The path of an entry bundle (§Log entries)."""
    return f"tile/entries/{_spread(index)}{_partial(width)}"


def partials_path(full: str) -> str:
    """The directory that holds the partial forms of a full tile or bundle."""
    return f"{full}.p"


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
