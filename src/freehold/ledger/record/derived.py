# SPDX-License-Identifier: Apache-2.0
"""What lies beside a log to find things in it: derived from its entries, proof of nothing, read with suspicion.

``outcomes`` has 8 bytes at 8 x the index of an admission: the index of its outcome, 0 where none is noted. ``erasures``
has a line for each act that destroyed salts: its subject, which is a call or a day, and its index. An act destroyed
what there was before it: a clock that is set back makes salts of a day anew that was destroyed already.
"""

import os
import struct
from collections.abc import Mapping
from pathlib import Path

OUTCOMES = "outcomes"
ERASURES = "erasures"
ERASING = frozenset({"call.forget", "salts.expire"})  # the acts
INDEX = struct.Struct(">Q")


def noted_outcome(directory: Path, admission_index: int) -> int:
    """Where the outcome of the admission should be, 0 where that is not noted."""
    try:
        descriptor = os.open(directory / OUTCOMES, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        noted = os.pread(descriptor, INDEX.size, INDEX.size * admission_index)
    finally:
        os.close(descriptor)
    return int.from_bytes(noted, "big") if len(noted) == INDEX.size else 0


def erasing_acts(directory: Path) -> dict[str, tuple[int, ...]]:
    """Calls and days whose salts were destroyed, each with the indexes of the acts that say so."""
    try:
        text = (directory / ERASURES).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return {}
    rows = [line.split(" ") for line in text.split("\n")[:-1]]  # the last one has no end yet
    acts: dict[str, tuple[int, ...]] = {}
    for row in rows:
        if len(row) == 2 and row[1].isdecimal():
            acts[row[0]] = (*acts.get(row[0], ()), int(row[1]))
    return acts


def erased_by(acts: Mapping[str, tuple[int, ...]], subject: str, index: int) -> int | None:
    """The first act that destroyed the salts of a call or a day as they were when entry ``index`` was there."""
    return min((act for act in acts.get(subject, ()) if act > index), default=None)
