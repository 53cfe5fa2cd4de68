# SPDX-License-Identifier: Apache-2.0
"""Files and folders that one process holds at a time. The kernel lets go of them when it ends, however it ends."""

import fcntl
import os
import time
from pathlib import Path

_POLL_S = 0.02


def hold_folder(folder: Path, *, follow: bool = True) -> int:
    """A descriptor that holds the folder for as long as it is open. Raises OSError; BlockingIOError if another has it.

    ``follow``: also where it is a symbolic link to one.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def hold_within(descriptor: int, patience_s: float) -> bool:
    """Hold what is open, as soon as nobody else does. False if that took too long."""
    deadline = time.monotonic() + patience_s
    while not _take(descriptor, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def is_held(descriptor: int) -> bool:
    """Whether somebody else holds what is open. Whoever looks shares it until the descriptor is closed."""
    return not _take(descriptor, fcntl.LOCK_SH)


def _take(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
