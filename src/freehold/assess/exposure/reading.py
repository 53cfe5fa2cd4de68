# SPDX-License-Identifier: Apache-2.0
"""The text of a file, within limits. Whatever bytes it has, it is read as text or said not to be."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final

MOST_BYTES: Final = 4 * 2**20
MOST_BYTES_LISTED: Final = 64 * 2**20  # of lock files and notebooks, which are read line by line or as one document
LONGEST_LINE: Final = 5000  # of what people write; longer ones are read for texts, not as a tree
DEEPEST: Final = 400  # brackets within brackets, for a parser
_SNIFFED: Final = 8192
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_OPEN: Final = re.compile(r"[(\[{]+|[)\]}]+")


@dataclass(frozen=True)
class Text:
    """A decoded file. Lines count from 1."""

    text: str
    cut: bool = False  # it goes on
    broken: bool = False  # it is not UTF-8

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        at = self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def line_at(self, index: int) -> int:
        return bisect_right(self._starts, index)

    @cached_property
    def is_minified(self) -> bool:
        """Whether a line is longer than anybody writes."""
        return len(self.text) > LONGEST_LINE and max(map(len, self.lines)) > LONGEST_LINE

    @cached_property
    def is_deep(self) -> bool:
        """Whether brackets are nested deeper than a parser should be asked to follow."""
        if sum(map(self.text.count, "([{")) <= DEEPEST:
            return False
        depth = 0
        for match in _OPEN.finditer(self.text):
            run = match[0]
            depth = depth + len(run) if run[0] in "([{" else max(0, depth - len(run))
            if depth > DEEPEST:
                return True
        return False


def read_text(path: str, most_bytes: int) -> Text | None:
    """None for what is not text. Raises OSError."""
    with open(path, "rb") as file:  # noqa: PTH123 - a string, ten thousand times
        data = file.read(most_bytes + 1)
    cut = len(data) > most_bytes
    data = data[:most_bytes]
    if data[:2] in _UTF16:
        return Text(_normal(data.decode("utf-16", "replace")), cut=cut)
    if b"\0" in data[:_SNIFFED]:
        return None
    try:
        return Text(_normal(data.decode("utf-8-sig")), cut=cut)
    except UnicodeDecodeError as problem:
        if cut and problem.start > len(data) - 4:
            return Text(_normal(data[: problem.start].decode("utf-8-sig")), cut=True)
        return Text(_normal(data.decode("latin-1")), cut=cut, broken=True)


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
