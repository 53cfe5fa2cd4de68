# SPDX-License-Identifier: Apache-2.0
"""Takes the files of an arrival into a directory of the import, hashed as they lie there, read-only from then on.

Never a hard link: whoever owns the source could still change it. A file of the import's own is moved.
"""

import fcntl
import os
from pathlib import Path

from freehold.errors import VerificationFailed
from freehold.vault.arrival import Arrival, Offer
from freehold.vault.hashing import Counted, Progress, copy_hashing, hash_descriptor
from freehold.vault.manifest import ModelFile
from freehold.vault.sources import Stream
from freehold.vault.store import closing_descriptor
from freehold.vault.verity import seal

_FICLONE = 0x40049409  # ioctl_ficlone(2): share the blocks; each file keeps its own on the next write


def land_all(arrival: Arrival, scratch: Path, progress: Progress) -> dict[ModelFile, Path]:
    """Copy every file; what then lies in ``scratch``, and where."""
    counted, landed = Counted(progress, arrival.size_bytes), dict[ModelFile, Path]()
    for number, offer in enumerate(arrival.files):
        place = scratch / f"file-{number}"
        landed[_land(offer, place, counted)] = place
        counted.next(offer.size_bytes)
    return landed


def _land(offer: Offer, place: Path, progress: Progress) -> ModelFile:
    with offer.open() as stream:
        digest = _move(offer.draft, stream, place, progress) if offer.draft else copy_new_file(stream, place, progress)
        size_bytes = stream.size_bytes
    if offer.digest and digest != offer.digest:
        raise differs(offer.path, offer.digest, digest)
    place.chmod(0o444)
    with closing_descriptor(os.open(place, os.O_RDONLY | os.O_CLOEXEC)) as fd:
        return ModelFile(path=offer.path, digest=digest, size_bytes=size_bytes, verity=seal(fd) if size_bytes else "")


def _move(draft: Path, stream: Stream, place: Path, progress: Progress) -> str:
    """Its digest is that of what lies there: nobody else writes to it."""
    draft.rename(place)
    return hash_descriptor(stream.file.fileno(), stream.size_bytes, progress)


def copy_new_file(stream: Stream, to: Path, progress: Progress) -> str:
    """Clone or copy the bytes, and return the digest of what then lies in ``to``."""
    with closing_descriptor(os.open(to, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)) as fd:
        if stream.fd is not None and _clone(stream.fd, fd):
            return hash_descriptor(fd, os.fstat(fd).st_size, progress)
        return copy_hashing(stream.file, stream.fd, fd, stream.size_bytes, progress)


def _clone(from_fd: int, to_fd: int) -> bool:
    """Whether the file system could share the blocks."""
    try:
        fcntl.ioctl(to_fd, _FICLONE, from_fd)
    except OSError:
        return False
    return True


def differs(what: str, expected: str, found: str) -> VerificationFailed:
    """A source that is not what it must be."""
    return VerificationFailed(
        f"{what}: the digest must be {expected} and was found to be {found}",
        hint="Nothing was imported. The source is not what was pinned: find out why before you trust either.",
    )
