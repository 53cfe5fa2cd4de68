# SPDX-License-Identifier: Apache-2.0
"""Makes several files appear together, or none of them, even if the machine stops half way.

1. A journal says what will be done: which places, and which of them have a file already.
2. What is not drafted yet is written beside its place. All drafts go to disk.
3. Each file that would be replaced is kept under a second name, and each draft is moved in.
4. The journal is renamed, which is the moment from which all of it counts; then what was kept goes.

Whoever finds the journal before it was renamed puts everything back. The caller holds a lock that keeps all others away
from the places, here and in ``settle``.
"""

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from freehold.errors import VaultError

_JOURNAL = "together.json"
_DRAFT = "together.new"
_DONE = "together.done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A file that is to appear at ``place``: the one at ``draft``, on the same file system, or a new one."""

    place: Path
    draft: Path | None = None
    content: bytes = b""  # of a new one
    mode: int = 0o444


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    place: str
    draft: str
    own: bool  # whether the draft is beside the place, and ours to remove
    kept: str  # where the file is kept that was there; empty: there was none


class _Journal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rows: tuple[_Row, ...]
    folders: tuple[str, ...]  # that were not there, outermost first


_JOURNAL_DECODER: Final = msgspec.json.Decoder(_Journal)


def appear(moves: Sequence[Move], folder: Path) -> None:
    """Move all in, in this order. ``folder`` is where the journal lies. Raises OSError, with everything as before."""
    rows = tuple(_row(move, secrets.token_hex(4)) for move in moves)
    try:
        _write(folder, _Journal(rows=rows, folders=_missing_folders(moves)))
        for row, move in zip(rows, moves, strict=True):
            _make_ready(Path(row.draft), move, own=row.own)
        for row in rows:
            _move_in(row)
        (folder / _JOURNAL).rename(folder / _DONE)
        sync_directory(folder)
    except BaseException:
        settle(folder)
        raise
    settle(folder)


def settle(folder: Path) -> None:
    """Put back what did not come to its end, and clear up after what did. Raises VaultError, OSError."""
    (folder / _DRAFT).unlink(missing_ok=True)
    if (folder / _DONE).exists():
        for row in _read(folder / _DONE).rows:
            if row.kept:
                Path(row.kept).unlink(missing_ok=True)
        (folder / _DONE).unlink()
    if (folder / _JOURNAL).exists():
        _undo(_read(folder / _JOURNAL))
        (folder / _JOURNAL).unlink()
        sync_directory(folder)


def _row(move: Move, token: str) -> _Row:
    beside = move.place.with_name(f".{move.place.name}.{token}")
    return _Row(
        place=str(move.place),
        draft=str(move.draft or f"{beside}.new"),
        own=move.draft is None,
        kept=f"{beside}.before" if os.path.lexists(move.place) else "",
    )


def _missing_folders(moves: Sequence[Move]) -> tuple[str, ...]:
    missing = {folder for move in moves for folder in move.place.parents if not folder.exists()}
    return tuple(map(str, sorted(missing, key=lambda folder: len(folder.parts))))


def _make_ready(draft: Path, move: Move, *, own: bool) -> None:
    """The draft, of its mode and on disk."""
    move.place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL if own else os.O_RDONLY
    fd = os.open(draft, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if own:
            with open(fd, "wb", closefd=False) as file:
                file.write(move.content)
        os.fchmod(fd, move.mode)
        os.fsync(fd)
    finally:
        os.close(fd)


def _move_in(row: _Row) -> None:
    place = Path(row.place)
    if row.kept:
        Path(row.kept).hardlink_to(place)
    Path(row.draft).rename(place)
    sync_directory(place.parent)


def _undo(journal: _Journal) -> None:
    for row in reversed(journal.rows):
        place, kept = Path(row.place), Path(row.kept)
        if not row.kept:
            place.unlink(missing_ok=True)
        elif os.path.lexists(kept):
            kept.replace(place)
            kept.unlink(missing_ok=True)  # where both are one file, replacing leaves both names
        if row.own:
            Path(row.draft).unlink(missing_ok=True)
    for folder in reversed(journal.folders):
        with suppress(OSError):  # somebody else has put something into it
            Path(folder).rmdir()


def _read(path: Path) -> _Journal:
    try:
        return _JOURNAL_DECODER.decode(path.read_bytes())
    except msgspec.MsgspecError as exc:
        raise VaultError(
            f"{path} is damaged, and says what an import that was interrupted has to put back",
            hint="Restore the estate from a backup, or move the file away and check policies, facts and models by eye.",
        ) from exc


def _write(folder: Path, journal: _Journal) -> None:
    """Whole or not at all, and on disk."""
    with (folder / _DRAFT).open("wb") as file:
        file.write(msgspec.json.encode(journal))
        file.flush()
        os.fsync(file.fileno())
    (folder / _DRAFT).rename(folder / _JOURNAL)
    sync_directory(folder)


def sync_directory(folder: Path) -> None:
    """The names in it are on disk when this returns. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
