# SPDX-License-Identifier: Apache-2.0
"""Take away the tiles and bundles of a log's oldest entries: c2sp.org/tlog-tiles §Pruning. Judges nothing.

First the new minimum index is on disk, then files go, oldest first. So what a crash leaves of them are the newest, and
the next prune finds them by looking back until one is missing. Nothing goes because of what a file says.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from freehold.ledger.tree import layout
from freehold.ledger.tree.layout import TILE_HEIGHT, Resource
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.placing import drop_partials, replace_file


def raise_minimum(directory: Path, disk: Disk, minimum_index: int) -> None:
    """Say for ever that the log's entries begin here; on disk when this returns. Raises OSError."""
    replace_file(disk, directory / layout.MINIMUM_INDEX, f"{minimum_index}\n".encode())


def prunable(directory: Path, index: int) -> list[Resource]:
    """The full tiles and bundles that are there and end at or below ``index``, oldest first."""
    return [resource for level, end in _levels(index) for resource in _standing(directory, level, end)]


def remove(directory: Path, disk: Disk, resources: Iterable[Resource]) -> None:
    """Take the full forms away, and partial ones that a crash may have left beside them. Raises OSError."""
    for resource in resources:
        drop_partials(disk, directory, resource.path)
        disk.remove(directory / resource.path)


def _levels(index: int) -> Iterator[tuple[int | None, int]]:
    """Each level with the number of its tiles that end at or below ``index``."""
    yield None, index >> TILE_HEIGHT
    level = 0
    while end := index >> (TILE_HEIGHT * (level + 1)):
        yield level, end
        level += 1


def _standing(directory: Path, level: int | None, end: int) -> list[Resource]:
    """Those before ``end``, back to the first that an earlier prune took away."""
    found: list[Resource] = []
    for index in range(end - 1, -1, -1):
        resource = Resource(level=level, index=index)
        if not (directory / resource.path).exists():
            break
        found.append(resource)
    return found[::-1]
