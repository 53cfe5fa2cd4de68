# SPDX-License-Identifier: Apache-2.0
"""How wide the columns of a table are, and what stands in which line of each cell. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from freehold.assess.evidence.pdf.lines import Line, break_lines, widest_line, widest_word
from freehold.assess.evidence.pdf.reading import Cell, Grid, Run, Runs

CELL_GAP: Final = 10.0
_BAR: Final = 100.0  # a bar with its figure
_LEADING: Final = 1.35
_MOST_OF_A_WORD: Final = 90.0  # a longer one is cut rather than given its room
_SHORT: Final = 64.0  # a text that is no longer stays in a line


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a cell; or a bar, so long, from 0 to 1."""

    line: Line
    soft: bool = False
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``cells``: what stands in each line."""

    cells: tuple[tuple[Said, ...], ...]
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A table that is ready to be written. ``widths`` are without the gaps between them."""

    widths: tuple[float, ...]
    head: tuple[tuple[Line, ...], ...]
    rows: tuple[Row, ...]
    leading: float


def lay_table(grid: Grid, width: float, size: float) -> Laid:
    columns = max(len(grid.headings), *(len(row) for row in grid.rows), 1) if grid.rows else max(len(grid.headings), 1)
    headings = [(Run(text=one, bold=True),) for one in grid.headings]
    widths = _widths(headings, grid.rows, columns, width - CELL_GAP * (columns - 1), size)
    rows = []
    for row in grid.rows:
        full = [*row, *([Cell(parts=())] * (columns - len(row)))]
        cells = tuple(_lines(cell, wide, size) for cell, wide in zip(full, widths, strict=True))
        rows.append(Row(cells=cells, height=max(len(cell) for cell in cells) * size * _LEADING + 7))
    head = tuple(tuple(break_lines(runs, wide, size)) for runs, wide in zip(headings, widths, strict=False))
    return Laid(widths=widths, head=head, rows=tuple(rows), leading=size * _LEADING)


def _lines(cell: Cell, width: float, size: float) -> tuple[Said, ...]:
    if cell.share is not None:
        return (Said((), share=cell.share),)
    return tuple(Said(line, part.soft) for part in cell.parts for line in break_lines(part.runs, width, size))


def _least(runs: Runs, size: float) -> float:
    whole = widest_line(runs, size)
    return whole if whole <= _SHORT else min(widest_word(runs, size), _MOST_OF_A_WORD)


def _widths(
    headings: Sequence[Runs], rows: Sequence[Sequence[Cell]], columns: int, room: float, size: float
) -> tuple[float, ...]:
    """As browsers do: each column its longest word at least, and of what is left by what it would take."""
    least, most = [0.0] * columns, [0.0] * columns
    for number, runs in enumerate(headings):
        least[number] = max(least[number], widest_word(runs, size))
        most[number] = max(most[number], widest_line(runs, size))
    for row in rows:
        for number, cell in enumerate(row):
            texts = [part.runs for part in cell.parts]
            bar = _BAR if cell.share is not None else 0.0
            least[number] = max(least[number], bar, *(_least(one, size) for one in texts), 0.0)
            most[number] = max(most[number], bar, *(widest_line(one, size) for one in texts), 0.0)
    most = [max(pair) for pair in zip(least, most, strict=True)]
    if sum(most) <= room:
        return tuple(most)
    if sum(least) >= room:
        return tuple(room * one / sum(least) for one in least)
    wanted = [(upper - lower) ** 0.7 for lower, upper in zip(least, most, strict=True)]  # long texts do not take all
    spare = room - sum(least)
    return tuple(lower + spare * want / sum(wanted) for lower, want in zip(least, wanted, strict=True))
