# SPDX-License-Identifier: Apache-2.0
"""Writes what ``record/derived.py`` reads: where outcomes lie, and which acts destroyed which salts.

Nothing here is part of the record. What a crash takes is noted again when the end of the log is read at the next start.
"""

import os
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from freehold.ledger.record.derived import ERASURES, INDEX, OUTCOMES, erased_by, erasing_acts
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.growing import GrowingFile

_BLOCK_RECORDS = 512


class Outcomes:
    """The index of outcomes. One thread at a time notes."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._path = directory / OUTCOMES
        self._disk = disk

    def note(self, outcomes: Iterable[tuple[int, int]]) -> None:
        """Note pairs of an admission's and its outcome's index, on disk when this returns. Raises OSError."""
        ordered = sorted(outcomes)
        if not ordered:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for block, pairs in groupby(ordered, lambda pair: pair[0] // _BLOCK_RECORDS):
                self._note_in(descriptor, block, pairs)
            self._disk.sync(descriptor)
        finally:
            os.close(descriptor)

    def _note_in(self, descriptor: int, block: int, pairs: Iterable[tuple[int, int]]) -> None:
        """One block is one write, however many of its records are noted."""
        at = block * _BLOCK_RECORDS * INDEX.size
        records = bytearray(os.pread(descriptor, _BLOCK_RECORDS * INDEX.size, at))
        for admission, outcome in pairs:
            place = admission * INDEX.size - at
            records.extend(bytes(max(0, place + INDEX.size - len(records))))
            INDEX.pack_into(records, place, outcome)
        self._disk.overwrite(self._path, bytes(records), at)


class Erasures:
    """The acts that destroyed salts, by call or day."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._path = directory / ERASURES
        self._disk = disk
        self._acts = erasing_acts(directory)

    def get(self, subject: str, *, behind: int = -1) -> int | None:
        """The first act that destroyed the salts of a call or a day, as they were when entry ``behind`` was there."""
        return erased_by(self._acts, subject, behind)

    def note(self, acts: Mapping[str, int]) -> None:
        """Note acts by their subjects, on disk when this returns. Raises OSError."""
        fresh = {subject: index for subject, index in acts.items() if index not in self._acts.get(subject, ())}
        if not fresh:
            return
        file = GrowingFile(self._disk, self._path)
        try:
            file.cut(file.read().rfind(b"\n") + 1)  # what an append that failed has left
            file.append("".join(f"{subject} {index}\n" for subject, index in fresh.items()).encode("ascii"))
        finally:
            file.close()
        for subject, index in fresh.items():
            self._acts[subject] = (*self._acts.get(subject, ()), index)
