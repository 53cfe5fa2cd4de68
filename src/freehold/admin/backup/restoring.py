# SPDX-License-Identifier: Apache-2.0
"""Unpacks a backup beside where the estate shall be, checks all of it, and puts it in place by one rename.

What comes out is a copy: its ledger signs nothing until 'freehold ledger adopt' has asked whether a newer one is known.
"""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from freehold.admin.backup.contents import (
    CONTENTS,
    FORM,
    MARK,
    MAX_CONTENTS_BYTES,
    Contents,
    Item,
    decode,
    require_path,
)
from freehold.admin.backup.crypt import decrypting
from freehold.contract.estate import Estate
from freehold.errors import EstateError, VerificationFailed
from freehold.ledger.check.fsck import check_tree
from freehold.ledger.tree import layout
from freehold.ledger.writing.disk import Disk
from freehold.vault import Progress

_CHUNK_BYTES = 2**20
_DISK = Disk()
_BROKEN = "Nothing was restored. Take another copy of the backup."


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """``entries``: of the ledger, checked from the first to the signed root."""

    estate: str
    origin: str
    entries: int
    files: int
    made_at: str
    models: bool


def restore(source: Path, estate: Estate, *, identity: Path | None, progress: Progress) -> Restored:
    """Make an estate of a backup, where there is none. Raises EstateError, VerificationFailed; then there is none.

    ``identity``: the file of age-keygen that has the key, for a backup that was encrypted.
    """
    place = estate.directory
    if os.path.lexists(place) and (place.is_symlink() or not place.is_dir() or any(place.iterdir())):
        raise EstateError(f"{place} is there already", hint="Name a directory that is free with --estate.")
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        fresh.mkdir(mode=0o700, parents=True)
        with source.open("rb") as file, decrypting(file, identity) as plain:
            contents = _unpacked(plain, fresh, _told(progress, source.stat().st_size))
        _check_ledger(Estate(fresh), contents)
        _sync(fresh)
        fresh.rename(place)  # over an empty directory, if there is one
        _DISK.sync_directory(place.parent)
    except OSError as exc:
        why = os.strerror(exc.errno) if exc.errno else "the system gave no reason"
        raise EstateError(f"{source} cannot be restored to {place}: {why}") from exc
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Restored(
        estate=str(place),
        origin=contents.origin,
        entries=contents.entries,
        files=len(contents.files),
        made_at=contents.made_at,
        models=contents.models,
    )


def _unpacked(plain: BinaryIO, folder: Path, told: Callable[[int], None]) -> Contents:
    """The files, under a folder; what the list at the end says of them has been held against each."""
    found: dict[str, Item] = {}
    contents: Contents | None = None
    try:
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            for number, member in enumerate(tar):
                content = _content(tar, member)
                if contents is not None:
                    raise EstateError(f"the backup goes on behind its {CONTENTS}", hint=_BROKEN)
                if not number:
                    _require_form(member, content)
                elif member.name == CONTENTS:
                    contents = decode(content.read(MAX_CONTENTS_BYTES))
                elif member.name in found:
                    raise EstateError(f"the backup has {member.name[:200]!r} twice", hint=_BROKEN)
                else:
                    found[member.name] = _written(member, content, folder, told)
    except tarfile.TarError as exc:
        raise EstateError("the backup is damaged, cut short, or none", hint=_BROKEN) from exc
    if contents is None:
        raise EstateError("the backup is cut short: the list of its contents is not there", hint=_BROKEN)
    _compare(found, contents)
    return contents


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member) if member.isreg() and not member.issparse() else None
    if content is None:
        raise EstateError(f"the backup has {member.name[:200]!r}, which is no plain file", hint=_BROKEN)
    return content


def _require_form(member: tarfile.TarInfo, content: IO[bytes]) -> None:
    if member.name != MARK:
        raise EstateError("that is no backup of an estate", hint="'freehold backup FILE' makes one.")
    if content.read(len(FORM) + 1) != FORM:
        raise EstateError("the backup has a form that this version does not know", hint="Restore it with a newer one.")


def _written(member: tarfile.TarInfo, content: IO[bytes], folder: Path, told: Callable[[int], None]) -> Item:
    place = folder / require_path(member.name)
    mode = member.mode & 0o777
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    sha256 = hashlib.sha256()
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while data := content.read(_CHUNK_BYTES):
            sha256.update(data)
            file.write(data)
            told(len(data))
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    return Item(path=member.name, size_bytes=member.size, sha256=sha256.hexdigest(), mode=mode)


def _compare(found: dict[str, Item], contents: Contents) -> None:
    listed = {item.path: item for item in contents.files}
    if found == listed and len(listed) == len(contents.files):
        return
    differing = sorted(path for path in found.keys() | listed.keys() if found.get(path) != listed.get(path))
    raise VerificationFailed(
        f"{len(differing)} files are not what the backup lists, {', '.join(differing[:1])} for one", hint=_BROKEN
    )


def _check_ledger(estate: Estate, contents: Contents) -> None:
    """From the first entry to the signed root. Raises VerificationFailed, EstateError."""
    if not (estate.ledger / layout.CHECKPOINT).exists():
        if contents.origin:
            raise VerificationFailed(f"the backup lacks the ledger {contents.origin} that it lists", hint=_BROKEN)
        return
    report = check_tree(estate.ledger, estate.ledger_vkey.read_text(encoding="utf-8").strip())
    if report.differences or (report.origin, report.size) != (contents.origin, contents.entries):
        raise VerificationFailed("the ledger in the backup does not lead to its signed root", hint=_BROKEN)


def _told(progress: Progress, total_bytes: int) -> Callable[[int], None]:
    done_bytes = 0

    def told(size_bytes: int) -> None:
        nonlocal done_bytes
        done_bytes += size_bytes
        progress(min(done_bytes, total_bytes), total_bytes)

    return told


def _sync(directory: Path) -> None:
    """The names of all that was written; its bytes are synced."""
    for folder, _, _ in os.walk(directory):
        _DISK.sync_directory(Path(folder))
