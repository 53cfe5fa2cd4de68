# SPDX-License-Identifier: Apache-2.0
"""What lies in a log's directory beside the tree: files that belong to no tree, the journal, the salts. Reads only.

What a crash may leave, and the next start clears away, is a note. What nothing but damage or a stranger can explain is
a difference.
"""

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from freehold.errors import EstateError, Pruned, VerificationFailed
from freehold.files.held import is_held
from freehold.ledger.check.fsck import Difference
from freehold.ledger.record.commitment import SALT_BYTES
from freehold.ledger.tree import layout
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.journal import read_journal

_OWN = {
    *(layout.CHECKPOINT, layout.COSIGNED, layout.MINIMUM_INDEX),
    *("journal", "low-water", "home", "outcomes", "erasures", "tile"),
}
_SALT = struct.Struct(f">Q{SALT_BYTES}s")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(slots=True)
class Surroundings:
    """What was found. ``unpublished``: entries that are acknowledged and under no checkpoint yet."""

    written_to: bool  # a writer is at work
    unpublished: int = 0
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def differs(self, file: str, expected: str, found: str, offset_bytes: int | None = None) -> None:
        self.differences.append(Difference(file=file, expected=expected, found=found, offset_bytes=offset_bytes))


def check_surroundings(directory: Path, salts: Path, *, size: int, minimum_index: int) -> Surroundings:
    """Everything in the two directories that ``check_tree`` of a log of this size does not look at."""
    found = Surroundings(written_to=_is_written_to(directory))
    resources = list(_files_under(directory, "tile"))  # before the journal: what is in neither was there for nothing
    end = max(_check_journal(found, directory, size), size)
    if found.written_to:
        end = max(end, read_unverified(LedgerFiles(directory).checkpoint()).size)
    for path in resources:
        _check_place(found, path, end, minimum_index)
    for name in sorted(os.listdir(directory)):  # noqa: PTH208 - names are enough
        if name not in _OWN:
            found.notes.append(f"{name} is no file of the log's; a crash may have left it")
    _check_salts(found, salts, end)
    return found


def _is_written_to(directory: Path) -> bool:
    """Whether a writer holds the log."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise EstateError(f"{directory} cannot be read", hint="Check its owner and the disk.") from exc
    try:
        return is_held(descriptor)
    finally:
        os.close(descriptor)


def _files_under(directory: Path, folder: str) -> Iterator[str]:
    """Every file beneath, by its path in the log, folder by folder."""
    for place, folders, names in os.walk(directory / folder):
        folders.sort()
        within = Path(place).relative_to(directory)
        yield from (f"{within}/{name}" for name in sorted(names))


def _check_place(found: Surroundings, path: str, end: int, minimum_index: int) -> None:
    """A file under tile/ is a part of the tree of what was ever acknowledged, or it has no business there."""
    resource = layout.read_path(path)
    if resource is None:
        found.differs(path, "no such file: it is no part of a log", "a file")
    elif resource.width > layout.width_at(resource.height, resource.index, end):
        found.differs(path, f"no such file in a log of {end} entries", "a file")
    elif resource.end_index <= minimum_index:
        found.notes.append(f"{path} was left by a prune that was cut short; the next one takes it away")


def _check_journal(found: Surroundings, directory: Path, size: int) -> int:
    """The index behind the last acknowledged entry."""
    try:
        data = (directory / "journal").read_bytes()
    except OSError:
        return size  # a copy for others has none
    content = read_journal(data, size)
    torn_bytes = len(data) - content.whole_bytes
    if content.damage_at is not None and not found.written_to:
        expected = f"a whole record, as there is behind it at byte {content.damage_at}"
        found.differs("journal", expected, "a broken one", content.whole_bytes)
    elif torn_bytes and not found.written_to:
        found.notes.append(f"the journal has {torn_bytes} bytes of a record that a crash cut off")
    if not found.written_to:
        _compare_journal(found, directory, content.entries, size)
    end = content.entries[-1][0] + 1 if content.entries else size
    found.unpublished = max(0, end - size)
    return end


def _compare_journal(found: Surroundings, directory: Path, entries: list[tuple[int, bytes]], size: int) -> None:
    """It goes on where the tree ends, without a gap, and says of the last published entries what the tree says."""
    if not entries:
        return
    indices = [index for index, _ in entries]
    if indices[0] > size or indices != list(range(indices[0], indices[0] + len(indices))):
        found.differs(
            "journal", f"entries without a gap, from {size} or before", f"entries from {indices[0]} with gaps"
        )
        return
    try:
        published = dict(LedgerFiles(directory).entries(indices[0], size))
    except (VerificationFailed, EstateError, Pruned):
        return  # the bundle was named, or is gone
    for index, entry in entries:
        if published.get(index, entry) != entry:
            found.differs("journal", f"entry {index} as in its bundle", f"another entry {index}")
            return


def _check_salts(found: Surroundings, salts: Path, end: int) -> None:
    """Files are of days; their records stand in the order of the log, or are all zeros."""
    for path in sorted(salts.iterdir()) if salts.is_dir() else ():
        if not _DAY.fullmatch(path.name):
            found.notes.append(f"salts/{path.name} is no file of salts")
            continue
        try:
            data = path.read_bytes()
        except OSError:
            found.differs(f"salts/{path.name}", "a file that can be read", "one that cannot")
            continue
        _check_day(found, f"salts/{path.name}", data, end)


def _check_day(found: Surroundings, name: str, data: bytes, end: int) -> None:
    whole = len(data) // _SALT.size * _SALT.size
    if whole < len(data) and not found.written_to:
        found.notes.append(f"{name} ends in {len(data) - whole} bytes of a record that a crash cut off")
    before = -1
    if not any(data):
        return  # erased whole
    for at, (index, _) in enumerate(_SALT.iter_unpack(data[:whole])):
        if index <= before:
            found.differs(name, f"an index over {before}", str(index), at * _SALT.size)
            return
        before = index
    if before >= end and not found.written_to:
        found.notes.append(f"{name} has the salt of entry {before}, which was never acknowledged")
