# SPDX-License-Identifier: Apache-2.0
"""The results as tables: aligned for a terminal, and as Markdown for a page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from bench.report import Row
from bench.showing.comparing import Change
from bench.showing.results import Results

_NUMBERS = ("", "measured", "reach", "goal", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells of text; the first column is of words, the others of numbers."""

    title: str
    head: Sequence[str]
    body: Sequence[Sequence[str]]

    def text(self) -> str:
        lines = [self.head, *self.body]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.head))]
        return "\n".join(
            [self.title, *("  " + _aligned(line, widths) for line in lines if any(line) or line is not self.head)]
        )

    def markdown(self) -> str:
        rule = ["---", *("--:" for _ in self.head[1:])]
        lines = ["| " + " | ".join(line) + " |" for line in (self.head, rule, *self.body)]
        return "\n".join([f"**{self.title}**", "", *lines])


def tables(results: Results) -> Iterator[Table]:
    """The promised numbers, then each section's."""
    if results.numbers:
        body = [[row.name, shown(row.value, row.unit), row.target, row.beyond, row.verdict] for row in results.numbers]
        yield Table(title="What was promised", head=_NUMBERS, body=body)
    for section, rows in results.rows.items():
        yield from _of_section(section, rows)


def changes_table(changes: Sequence[Change], before: str) -> Table:
    body = []
    for change in changes:
        then, now = shown(change.before), shown(change.row.value, change.row.unit)
        body.append([f"{change.word}: {change.row.label}", then, now, change.share])
    return Table(title=f"Changed since {before}", head=("", "then", "now", ""), body=body)


def shown(value: float, unit: str = "") -> str:
    """As many digits as mean something."""
    size = abs(value)
    number = f"{value:,.0f}" if size >= 100 or value == int(value) else f"{value:.1f}" if size >= 10 else f"{value:.3g}"
    return f"{number} {unit}".rstrip() if unit != "/s" else number


def _of_section(section: str, rows: Sequence[Row]) -> Iterator[Table]:
    """One table of all that stands alone, one of what has a side, and one for each number by side and load."""
    alone = [row for row in rows if not row.side]
    if alone:
        body = [[row.label, shown(row.value, row.unit), row.target, row.verdict] for row in alone]
        yield Table(title=section, head=("", "measured", "reach", ""), body=body)
    sided = [row for row in rows if row.side and not row.load]
    if sided:
        yield _matrix(f"{section}, by side", sided, lambda row: row.name + (", MB" if row.unit == "MB" else ""))
    for (name, prompt, unit), group in groupby(_by_name(rows), key=_kind):
        title = f"{section}: {name}{f', {prompt}' if prompt else ''}{f', {unit}' if unit not in ('', '/s') else ''}"
        yield _matrix(title, list(group), lambda row: str(row.load), "at a time")


def _by_name(rows: Sequence[Row]) -> list[Row]:
    crossed = [row for row in rows if row.side and row.load]
    order = {kind: at for at, kind in reversed(list(enumerate(map(_kind, crossed))))}
    return sorted(crossed, key=lambda row: order[_kind(row)])


def _kind(row: Row) -> tuple[str, str, str]:
    return row.name, row.prompt, row.unit


def _matrix(title: str, rows: Sequence[Row], line: Callable[[Row], str], corner: str = "") -> Table:
    """What ``line`` says of a row goes down, sides across."""
    sides = list(dict.fromkeys(row.side for row in rows))
    cells = {(line(row), row.side): shown(row.value) for row in rows}
    body = [[down, *(cells.get((down, side), "") for side in sides)] for down in dict.fromkeys(map(line, rows))]
    return Table(title=title, head=(corner, *sides), body=body)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *numbers = cells
    words, *others = widths
    return "  ".join([first.ljust(words), *map(str.rjust, numbers, others)]).rstrip()
