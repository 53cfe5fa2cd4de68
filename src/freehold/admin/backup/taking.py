# SPDX-License-Identifier: Apache-2.0
"""Writes a backup. Reads only, also while the estate is up; it asks nobody for anything.

The order is what makes it consistent. First state.db: what gives somebody power is recorded before it stands there, so
that the ledger, read later, has it on record. Then the ledger, under one checkpoint; then the salts, which are synced
before their entries: what they have beyond the checkpoint is cut off when the log is next opened.
"""

import hashlib
import os
import sqlite3
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import BinaryIO

from freehold.admin.backup.contents import CONTENTS, FORM, MARK, Contents, Item, encode
from freehold.admin.backup.crypt import encrypting, recipient
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.ledger.public.archive import POLICY, VKEY, LogCopy
from freehold.ledger.tree import layout
from freehold.vault import Progress

_PRIVATE = 0o600
_NOT_KEPT = {
    *("run", "engines", "vault/incoming", "vault/partial", "vault/checked", "vault/lock"),  # made again where needed
    *("ledger", "salts", "state.db", "state.db-wal", "state.db-shm"),  # kept in another way than as they lie there
}
_BLOBS = "vault/blobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """``left_out``: what is no plain file, by its path in the estate. ``sha256``: of the file as written."""

    path: str
    origin: str
    entries: int
    files: int
    size_bytes: int
    sha256: str
    encrypted: bool
    models: bool
    left_out: tuple[str, ...]


def take(  # noqa: PLR0913 - one argument for each thing that is asked for
    estate: Estate, target: Path, at_utc: datetime, *, recipients: Sequence[str], models: bool, progress: Progress
) -> Taken:
    """Write a backup to a path that is free. Raises EstateError, VerificationFailed; then there is no file.

    ``recipients``: whom it is encrypted to, as age writes them (``age1...``); none: it is not.
    """
    require_place(estate, target)
    keys = [recipient(text) for text in recipients]
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
        with os.fdopen(descriptor, "w+b") as file:
            writing = _Writing(estate, at_utc, models=models, progress=progress)
            with encrypting(file, keys) if keys else nullcontext(file) as plain:
                writing.write(plain)
            file.flush()
            os.fsync(file.fileno())
            size_bytes = file.tell()
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        fresh.rename(target)
    except OSError as exc:
        why = os.strerror(exc.errno) if exc.errno else "the system gave no reason"
        raise EstateError(f"the backup {target} cannot be made: {why}") from exc
    finally:
        fresh.unlink(missing_ok=True)
    return Taken(
        path=str(target),
        origin=writing.origin,
        entries=writing.entries,
        files=len(writing.items),
        size_bytes=size_bytes,
        sha256=sha256,
        encrypted=bool(keys),
        models=models,
        left_out=tuple(writing.left_out),
    )


def require_possible(estate: Estate, target: Path, recipients: Sequence[str]) -> None:
    """Refuse a backup that cannot be made, before it is on record that one is. Raises EstateError."""
    require_place(estate, target)
    for text in recipients:
        recipient(text)


def require_place(estate: Estate, target: Path) -> None:
    """A backup within the estate would be in the next one, with salts that were destroyed since. Raises EstateError."""
    if os.path.lexists(target):
        raise EstateError(f"{target} is there already", hint="Name a path that is free.")
    if not target.parent.is_dir():
        raise EstateError(f"the backup {target} cannot be made: {target.parent} is no directory", hint="Make it first.")
    if target.resolve().is_relative_to(estate.directory.resolve()):
        raise EstateError(
            f"{target} is in the estate itself, and would be in every later backup",
            hint="Name a path outside it, best on another disk.",
        )


class _Writing:
    """One pass over an estate."""

    def __init__(self, estate: Estate, at_utc: datetime, *, models: bool, progress: Progress) -> None:
        self.origin = ""
        self.entries = 0
        self.items: list[Item] = []
        self.left_out: list[str] = []
        self._estate = estate
        self._at_utc = at_utc
        self._models = models
        self._progress = progress
        self._done_bytes = self._total_bytes = 0

    def write(self, file: BinaryIO) -> None:
        with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as self._tar:
            self._put(MARK, FORM)
            with tempfile.TemporaryDirectory(prefix="freehold-backup-") as scratch:
                state = _copied_database(self._estate.state, Path(scratch))
                files = list(self._below(self._estate.directory))
                self._total_bytes = sum(path.stat().st_size for path in files)
                if state:
                    self._add(state, self._estate.state.name)
            self._add_ledger()
            for path in [*self._salts(), *files]:
                self._add(path, self._name(path))
            contents = Contents(
                origin=self.origin,
                entries=self.entries,
                models=self._models,
                made_at=self._at_utc.isoformat(timespec="seconds"),
                files=tuple(self.items),
            )
            self._put(CONTENTS, encode(contents))

    def _below(self, directory: Path) -> Iterator[Path]:
        """What is kept as it lies there, in the order of its names."""
        for path in sorted(directory.iterdir()):
            name = self._name(path)
            if name in _NOT_KEPT or (name == _BLOBS and not self._models):
                continue
            kind = path.lstat().st_mode
            if stat.S_ISDIR(kind):
                yield from self._below(path)
            elif stat.S_ISREG(kind):
                yield path
            else:
                self.left_out.append(name)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._estate.directory).as_posix()

    def _salts(self) -> list[Path]:
        return sorted(self._estate.salts.iterdir()) if self._estate.salts.exists() else []

    def _add_ledger(self) -> None:
        if not (self._estate.ledger / layout.CHECKPOINT).exists():
            return
        copy = LogCopy(self._estate.ledger, self._estate.ledger_vkey.read_text(encoding="utf-8").strip())
        self.origin, self.entries = copy.checkpoint.origin, copy.checkpoint.size
        for path, content in copy.items():
            if path not in {VKEY, POLICY}:
                self._add_from(BytesIO(content), f"ledger/{path}", len(content), 0o644)

    def _add(self, path: Path, name: str) -> None:
        """One file, as long as it was when it was opened: the salts of today grow meanwhile."""
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            self._add_from(file, name, status.st_size, stat.S_IMODE(status.st_mode) & 0o777)

    def _add_from(self, file: BinaryIO, name: str, size_bytes: int, mode: int) -> None:
        about = tarfile.TarInfo(name)
        about.size, about.mode = size_bytes, mode
        reading = _Hashing(file, self._step)
        self._tar.addfile(about, reading)
        self.items.append(Item(path=name, size_bytes=size_bytes, sha256=reading.sha256.hexdigest(), mode=mode))

    def _step(self, size_bytes: int) -> None:
        self._done_bytes += size_bytes
        self._progress(min(self._done_bytes, self._total_bytes), self._total_bytes)

    def _put(self, name: str, content: bytes) -> None:
        about = tarfile.TarInfo(name)
        about.size, about.mode = len(content), 0o644
        self._tar.addfile(about, BytesIO(content))


class _Hashing(RawIOBase):
    """What is read of a file, hashed on the way."""

    def __init__(self, file: BinaryIO, told: Callable[[int], None]) -> None:
        self.sha256 = hashlib.sha256()
        self._file = file
        self._told = told

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        self._told(len(data))
        return data


def _copied_database(database: Path, folder: Path) -> Path | None:
    """state.db as one transaction left it, though others go on; None where the estate has none. Raises EstateError."""
    if not database.exists():
        return None
    copy = folder / database.name
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, _PRIVATE))
    try:
        with (
            closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as exc:
        raise EstateError(f"{database} cannot be read", hint="'freehold doctor' looks at it.") from exc
    return copy
