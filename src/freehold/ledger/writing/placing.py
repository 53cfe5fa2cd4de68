# SPDX-License-Identifier: Apache-2.0
"""Put files of the log in place, each whole or not at all: written beside, synced, renamed."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from freehold.ledger.writing.disk import Disk

_AT_ONCE = 64


def put_in_place(disk: Disk, directory: Path, path: str, content: bytes) -> Path:
    """The directory that must be synced for the file's name to last. Raises OSError."""
    (changed,) = put_all_in_place(disk, directory, [(path, content)])
    return changed


def put_all_in_place(disk: Disk, directory: Path, files: Sequence[tuple[str, bytes]]) -> set[Path]:
    """The same for several, in no order; the directories that must be synced. Raises OSError: some may be in place."""
    changed: set[Path] = set()
    for at in range(0, len(files), _AT_ONCE):
        some = files[at : at + _AT_ONCE]
        targets = [directory / path for path, _ in some]
        for parent in dict.fromkeys(target.parent for target in targets):
            disk.make_directory(parent)
            changed.add(parent)
        fresh = [directory / f"tile.new{number or ''}" for number in range(len(some))]
        try:
            disk.write_all([(path, content) for path, (_, content) in zip(fresh, some, strict=True)])
            for source, target in zip(fresh, targets, strict=True):
                disk.rename(source, target)
        except OSError:
            for path in fresh:
                with contextlib.suppress(OSError):
                    disk.remove(path)
            raise
    return changed


def replace_file(disk: Disk, path: Path, content: bytes) -> None:
    """Give one file new content, on disk under its name when this returns. Raises OSError: the old content stands.

    What is written first has a name of its own, so that others may be at work in the directory meanwhile.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        disk.write_whole(fresh, content)
        disk.rename(fresh, path)
        disk.sync_directory(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            disk.remove(fresh)
        raise


def drop_partials(disk: Disk, directory: Path, full: str) -> None:
    """A full tile stands in for its partial forms, which may go (tlog-tiles §Partial Tiles). Losing none is no loss."""
    disk.remove_directory(directory / f"{full}.p")
