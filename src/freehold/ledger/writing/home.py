# SPDX-License-Identifier: Apache-2.0
"""Which directory, on which file system, a log was begun or adopted in: a copy of it lies elsewhere, and can tell.

A copy that went on would be a second log under the same name and key. What cannot be seen from here is a directory
whose content was put back to an older state; an anchor and witnesses are for that.
"""

import os
from pathlib import Path

from freehold.errors import NotAtHome
from freehold.ledger.tree import layout
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.placing import put_in_place

_NAME = "home"


def require_home(directory: Path) -> None:
    """Raises NotAtHome where the log in the directory was begun or adopted elsewhere, or nobody knows where."""
    if not (directory / layout.CHECKPOINT).exists():
        return  # nothing was ever signed here
    try:
        noted = (directory / _NAME).read_bytes()
    except FileNotFoundError:
        raise NotAtHome(f"{directory} holds a log and no note of its home: it may be a copy") from None
    if noted != _address(directory):
        raise NotAtHome(f"{directory} is a copy: the log in it was begun or adopted in another directory")


def make_home(directory: Path, disk: Disk) -> None:
    """Note that the log is at home here, on disk when this returns. Raises OSError."""
    disk.sync_directory(put_in_place(disk, directory, _NAME, _address(directory)))


def _address(directory: Path) -> bytes:
    """Inode and file system: what a move within the file system keeps, and no copy has."""
    return f"{directory.stat().st_ino} {os.statvfs(directory).f_fsid:x}\n".encode()
