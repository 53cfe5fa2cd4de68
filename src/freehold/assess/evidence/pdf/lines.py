# SPDX-License-Identifier: Apache-2.0
"""Text broken into lines of a width, greedily, between words; inside one only where it is wider than a line. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from freehold.assess.evidence.pdf.font import Font, bold, regular, spelt
from freehold.assess.evidence.pdf.reading import Run

_AFTER = "-/_:.,;@+="  # where a word that is too long is best broken


@dataclass(frozen=True, slots=True)
class Piece:
    """Text in one face. A line is several, next to each other."""

    text: str
    font: Font

    def width(self, size: float) -> float:
        return self.font.width(self.text) * size / 1000


Line = tuple[Piece, ...]


def width_of(line: Iterable[Piece], size: float) -> float:
    return sum(piece.width(size) for piece in line)


def break_lines(runs: Sequence[Run], width: float, size: float) -> list[Line]:
    """At least one line, which may be empty."""
    lines: list[Line] = []
    line: list[Piece] = []
    used = 0.0  # of the line's width
    for word in _words(runs):
        if word is None:
            lines.append(_joined(line))
            line, used = [], 0.0
            continue
        more = [Piece(" ", line[-1].font), *word] if line else word
        wanted = used + width_of(more, size)
        if wanted <= width:
            line += more
            used = wanted
            continue
        if line:
            lines.append(_joined(line))
        *full, rest = _cut(word, width, size)
        lines += full
        line, used = list(rest), width_of(rest, size)
    return [*lines, _joined(line)]


def widest_word(runs: Sequence[Run], size: float) -> float:
    return max((width_of(word, size) for word in _words(runs) if word), default=0.0)


def widest_line(runs: Sequence[Run], size: float) -> float:
    return max(width_of(line, size) for line in break_lines(runs, float("inf"), size))


def _words(runs: Sequence[Run]) -> Iterator[list[Piece] | None]:
    """Words, each of one or more faces; None where a line ends."""
    word: list[Piece] = []
    for run in runs:
        font = bold() if run.bold else regular()
        for number, part in enumerate(run.text.split("\n")):
            if number:
                yield from ([word] if word else [])
                yield None
                word = []
            for place, text in enumerate(part.split(" ")):
                if place and word:
                    yield word
                    word = []
                if text:
                    word.append(Piece(spelt(text), font))
    if word:
        yield word


def _cut(word: list[Piece], width: float, size: float) -> list[Line]:
    """A word in as many lines as it needs."""
    lines: list[Line] = []
    left = list(word)
    while width_of(left, size) > width:
        taken, left = _fitting(left, width, size)
        lines.append(taken)
    return [*lines, tuple(left)]


def _fitting(pieces: list[Piece], width: float, size: float) -> tuple[Line, list[Piece]]:
    """What fits into a line, at least a letter, and the rest."""
    taken: list[Piece] = []
    for number, piece in enumerate(pieces):
        room = width - width_of(taken, size)
        if piece.width(size) <= room:
            taken.append(piece)
            continue
        count = _letters(piece, room, size) or (0 if taken else 1)
        head, rest = Piece(piece.text[:count], piece.font), Piece(piece.text[count:], piece.font)
        return tuple([*taken, head] if count else taken), [rest, *pieces[number + 1 :]]
    return tuple(taken), []


def _letters(piece: Piece, room: float, size: float) -> int:
    """How many letters of it fit, back to a good place to break if one is near."""
    used, count = 0.0, 0
    for letter in piece.text:
        used += piece.font.width(letter) * size / 1000
        if used > room:
            break
        count += 1
    good = max((at + 1 for at in range(count) if piece.text[at] in _AFTER), default=0)
    return good if good > count * 0.6 else count


def _joined(pieces: Sequence[Piece]) -> Line:
    """The same with neighbours of one face put together."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and joined[-1].font is piece.font:
            joined[-1] = Piece(joined[-1].text + piece.text, piece.font)
        else:
            joined.append(piece)
    return tuple(joined)
