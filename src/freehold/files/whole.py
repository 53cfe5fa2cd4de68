# SPDX-License-Identifier: Apache-2.0
"""Files that are whole or not there: nobody ever reads half of one, whenever the power goes."""

import os
import secrets
from pathlib import Path


def put_whole(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put a file in its place, over one that is there. Raises OSError: then what was there stands.

    The content is on disk before it has its name. That the name is too when this returns is not said.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def write_all(descriptor: int, content: bytes) -> int:
    """Write to what is open; how many bytes that was. The system may take less at once than it is given."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
    return len(content)
