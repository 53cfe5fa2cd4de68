# SPDX-License-Identifier: Apache-2.0
"""What a command says: to a terminal, which the words of others must not steer, and to readers, who may leave early."""

import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any


def printable(text: str) -> str:
    """Entries and names are whatever their writer wanted: nothing in them may steer a terminal."""
    return "".join(ch if ch.isprintable() else ascii(ch)[1:-1] for ch in text)


class _Outlived(FileIO):
    """Standard output that a command outlives: what nobody reads any more is dropped. Any other fault is met once."""

    _ended = False

    def write(self, piece: Any) -> int:
        if not self._ended:
            try:
                return super().write(piece)
            except OSError as problem:
                self._ended = True  # Python would try once more at the end, and complain of it
                if not isinstance(problem, BrokenPipeError):
                    raise
        return memoryview(piece).nbytes


def outlive_readers() -> None:
    """Let commands run to their end where their reader has had enough: the exit code says what they found."""
    out = sys.stdout
    if type(out) is TextIOWrapper:  # and no stand-in for it
        raw = _Outlived(out.fileno(), "wb", closefd=False)
        sys.stdout = TextIOWrapper(
            BufferedWriter(raw), encoding=out.encoding, errors=out.errors, line_buffering=out.line_buffering
        )
