# SPDX-License-Identifier: Apache-2.0
"""Sets a sheet on A4: a first page with title, figures and contents, then the blocks, page by page.

The contents need the numbers of pages that are known only once all is set; so it is set twice, and the second time in
just as many lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Final

from freehold.assess.evidence.pdf.font import regular, spelt
from freehold.assess.evidence.pdf.lines import Line, Piece, break_lines, width_of
from freehold.assess.evidence.pdf.paper import HEIGHT, WIDTH, Colour, Element, Mark, Paper, Spot
from freehold.assess.evidence.pdf.reading import (
    Block,
    Figures,
    Grid,
    Heading,
    Items,
    Notice,
    Paragraph,
    Run,
    Runs,
    Sheet,
)
from freehold.assess.evidence.pdf.tables import CELL_GAP, Laid, Said, lay_table

LEFT: Final = 56.0
RIGHT: Final = WIDTH - 56.0
TOP: Final = HEIGHT - 60.0
BOTTOM: Final = 64.0
INK: Final[Colour] = (0.11, 0.13, 0.16)
SOFT: Final[Colour] = (0.34, 0.38, 0.43)
FAINT: Final[Colour] = (0.86, 0.88, 0.91)
WASH: Final[Colour] = (0.955, 0.965, 0.975)
ACCENT: Final[Colour] = (0.15, 0.33, 0.53)
WARN: Final[Colour] = (0.62, 0.40, 0.04)
BODY: Final = 9.5
SMALL: Final = 8.0
_HEADINGS: Final = {1: 20.0, 2: 14.0, 3: 11.0, 4: 10.0}
_LEADING: Final = 1.42
_TOGETHER: Final = 4  # a paragraph of no more lines stays on one page
_BELOW: Final = 12.0  # a heading, with its line
_SPLIT: Final = (TOP - BOTTOM) / 2  # a row that is as high may go on on the next one
_BESIDE: Final = {1: 4, 2: 4, 3: 4, 5: 5, 6: 3}  # how many figures stand beside each other; 4 where there are more


def write_pdf(sheet: Sheet, *, made_at: datetime, about: str) -> bytes:
    """The sheet as a PDF. ``about``: said in its metadata and at the foot of each page."""
    first = _Setter(sheet, about, {})
    first.set()
    second = _Setter(sheet, about, first.reached)
    second.set()
    return second.paper.finish(made_at, about)


@dataclass(slots=True)
class _Pen:
    """Where the next line goes, between which margins, and as what."""

    page: int
    y: float
    left: float = LEFT
    right: float = RIGHT
    within: list[Element] = field(default_factory=list)


class _Setter:
    """``reached``: on which page, and at which height, each heading stands, by its number."""

    def __init__(self, sheet: Sheet, about: str, known: dict[int, tuple[int, float]]) -> None:
        self.paper = Paper(sheet.title, sheet.language)
        self.reached: dict[int, tuple[int, float]] = {}
        self._sheet = sheet
        self._about = about
        self._known = known
        self._pen = _Pen(self.paper.new_page(), TOP)
        self._numbers = count()
        self._laid: dict[int, Laid] = {}  # tables that were laid out to see how high they begin

    def set(self) -> None:
        root = self.paper.root
        start = self._after_the_title()
        self._blocks(self._sheet.blocks[:start], root)
        self._contents(root)
        self._blocks(self._sheet.blocks[start:], root)
        self._feet()

    def _after_the_title(self) -> int:
        """How many blocks stand before the first heading below the title."""
        depths = [block.depth if isinstance(block, Heading) else 0 for block in self._sheet.blocks]
        return next((at for at, depth in enumerate(depths) if depth > 1), len(depths))

    def _blocks(self, blocks: Sequence[Block], parent: Element) -> None:
        for number, block in enumerate(blocks, start=1):
            if isinstance(block, Heading):
                self._heading(block, parent, self._beginning(blocks[number:]))
            else:
                self._block(block, parent)

    def _beginning(self, blocks: Sequence[Block]) -> float:
        """How high that part of them is that stays with a heading above it: it is never the last thing on a page."""
        least = 3 * BODY * _LEADING
        match blocks:
            case [Grid() as grid, *_]:
                laid = self._laid[id(grid)] = self._lay(grid)
                return max(least, self._top_height(grid, laid))
            case [Heading() as heading, *rest]:
                size = _HEADINGS[heading.depth]
                return size * (_above(heading) + 1.25) + _BELOW + self._beginning(rest)
        return least

    def _block(self, block: Block, parent: Element) -> None:
        match block:
            case Paragraph():
                colour, size = (SOFT, SMALL + 0.5) if block.soft else (INK, BODY)
                self._lines(block.runs, parent.add("P"), size=size, colour=colour, after=5)
            case Items():
                self._items(block, parent)
            case Grid():
                self._grid(block, parent)
            case Figures():
                self._figures(block, parent)
            case Notice():
                self._notice(block, parent)

    def _heading(self, heading: Heading, parent: Element, beginning: float) -> None:
        size = _HEADINGS[heading.depth]
        runs = tuple(Run(text=run.text, bold=True) for run in heading.runs)
        lines = break_lines(runs, self._pen.right - self._pen.left, size)
        before = 0.0 if heading.depth == 1 or self._pen.y == TOP else size * _above(heading)
        self._need(before + len(lines) * size * 1.25 + _BELOW + beginning)
        self._pen.y -= 0.0 if self._pen.y == TOP else before
        top = self._pen.y
        element = parent.add(f"H{heading.depth}")
        self._put(lines, element, size=size, colour=ACCENT if heading.depth == 2 else INK, leading=1.25)
        if heading.depth == 2:
            self.paper.fill(self._pen.page, (self._pen.left, self._pen.y - 6, RIGHT - LEFT, 0.6), FAINT)
            self._pen.y -= 8
        self._pen.y -= 10 if heading.depth == 1 else 4
        if heading.depth > 1:
            title = "".join(run.text for run in heading.runs)
            self.reached[next(self._numbers)] = (self._pen.page, top)
            mark = Mark(title=title, depth=heading.depth - 1, page=self._pen.page, height=top)
            self.paper.marks.append(mark)

    def _contents(self, parent: Element) -> None:
        """The headings below the title, each with its page and leading there."""
        headings = [one for one in self._sheet.blocks if isinstance(one, Heading) and one.depth > 1]
        listed = [(number, one) for number, one in enumerate(headings) if one.depth == 2]
        if len(listed) < 2:
            return
        self._pen.y -= 10
        self._lines((Run(text="Contents", bold=True),), parent.add("P"), size=11, colour=ACCENT, after=4)
        table = parent.add("TOC")
        for number, heading in listed:
            self._entry(number, heading, table.add("TOCI").add("Link"))
        self._new_page()

    def _entry(self, number: int, heading: Heading, element: Element) -> None:
        page, height = self._known.get(number, (0, TOP))
        digits = Piece(str(page + 1), regular())
        title = spelt("".join(run.text for run in heading.runs))
        (line, *_) = break_lines((Run(text=title),), self._pen.right - self._pen.left - 40, BODY)
        self._need(BODY * 1.7)
        self._pen.y -= BODY * 1.7
        here, y = self._pen.page, self._pen.y
        self.paper.write(here, LEFT, y, line, size=BODY, colour=INK, element=element)
        end = LEFT + width_of(line, BODY) + 6
        self.paper.fill(here, (end, y + 1.5, max(0.0, RIGHT - 24 - end), 0.4), FAINT)
        x = RIGHT - digits.width(BODY)
        self.paper.write(here, x, y, (digits,), size=BODY, colour=INK, element=element)
        box = (LEFT, y - 3, RIGHT, y + BODY)
        spot = Spot(page=here, box=box, target=(page, height + 14), says=f"{title}, page {page + 1}")
        if self._known:
            self.paper.lead(spot, element)

    def _items(self, items: Items, parent: Element) -> None:
        numbering = "Decimal" if items.numbered else "Disc"
        listed = parent.add("L", f"<</O /List /ListNumbering /{numbering}>>")
        for number, runs in enumerate(items.items, start=1):
            item = listed.add("LI")
            mark = (Piece(f"{number}." if items.numbered else "\N{BULLET}", regular()),)
            self._pen.left += 14
            self._need_together(len(break_lines(runs, self._pen.right - self._pen.left, BODY)), BODY)
            x, y = self._pen.left - 12, self._pen.y - BODY * _LEADING
            self.paper.write(self._pen.page, x, y, mark, size=BODY, colour=SOFT, element=item.add("Lbl"))
            self._lines(runs, item.add("LBody"), size=BODY, colour=INK, after=2)
            self._pen.left -= 14
        self._pen.y -= 4

    def _figures(self, figures: Figures, parent: Element) -> None:
        """Boxes in rows: a number, and below it what it is."""
        beside = _BESIDE.get(len(figures.boxes), 4)
        width = (RIGHT - LEFT - 8 * (beside - 1)) / beside
        for start in range(0, len(figures.boxes), beside):
            row = figures.boxes[start : start + beside]
            laid = [
                (self._fitted(figure, width - 16), break_lines((Run(text=says),), width - 16, SMALL))
                for figure, says in row
            ]
            height = 34 + max(len(says) for _, says in laid) * SMALL * 1.35
            self._need(height + 8)
            top = self._pen.y - 4
            for place, ((figure, size), says) in enumerate(laid):
                x = LEFT + place * (width + 8)
                self.paper.fill(self._pen.page, (x, top - height, width, height), WASH)
                element = parent.add("P")
                write = self.paper.write
                write(self._pen.page, x + 8, top - 24, figure, size=size, colour=INK, element=element)
                for number, line in enumerate(says, start=1):
                    y = top - 26 - number * SMALL * 1.35
                    write(self._pen.page, x + 8, y, line, size=SMALL, colour=SOFT, element=element)
            self._pen.y = top - height - 6
        self._pen.y -= 4

    def _fitted(self, figure: str, width: float) -> tuple[Line, float]:
        """A figure in one line, smaller if it has to be."""
        (line, *_) = break_lines((Run(text=figure, bold=True),), float("inf"), 18)
        return line, min(18.0, 18.0 * width / max(width_of(line, 18), 1))

    def _notice(self, notice: Notice, parent: Element) -> None:
        """Set in from a bar that goes along it, also over pages."""
        inner = parent.add("Sect")
        start, top = self._pen.page, self._pen.y
        self._pen.left += 12
        self._pen.y -= 2
        self._blocks(notice.blocks, inner)
        self._pen.left -= 12
        for page in range(start, self._pen.page + 1):
            high = top if page == start else TOP
            low = self._pen.y + 4 if page == self._pen.page else BOTTOM
            self.paper.fill(page, (self._pen.left, low, 2.5, max(0.0, high - low)), WARN)
        self._pen.y -= 4

    def _grid(self, grid: Grid, parent: Element) -> None:
        laid = self._laid.pop(id(grid), None) or self._lay(grid)
        table = parent.add("Table")
        self._need(self._top_height(grid, laid))
        if grid.caption:
            self._lines(
                (Run(text=grid.caption, bold=True),), table.add("Caption"), size=SMALL + 0.5, colour=INK, after=3
            )
        self._table_head(laid, table.add("THead").add("TR") if grid.headings else None)
        body = table.add("TBody")
        for row in laid.rows:
            self._row(laid, row.cells, row.height, body.add("TR"))
        self._pen.y -= 8

    def _lay(self, grid: Grid) -> Laid:
        return lay_table(grid, self._pen.right - self._pen.left, SMALL)

    def _top_height(self, grid: Grid, laid: Laid) -> float:
        """Of its caption, its headings and its first row; of one that would be split, a line."""
        first = laid.rows[0].height if laid.rows else 0.0
        caption = (SMALL + 0.5) * _LEADING + 3 if grid.caption else 0.0
        return caption + self._head_height(laid) + (first if first < _SPLIT else laid.leading)

    def _head_height(self, laid: Laid) -> float:
        return max((len(lines) for lines in laid.head), default=0) * SMALL * 1.3 + 6

    def _table_head(self, laid: Laid, row: Element | None) -> None:
        """The headings; those of a further page are said once only, and are no part of the structure."""
        if not laid.head:
            return
        top, x = self._pen.y, self._pen.left
        for lines, width in zip(laid.head, laid.widths, strict=True):
            element = row.add("TH", "<</O /Table /Scope /Column>>") if row else None
            for number, line in enumerate(lines, start=1):
                y = top - number * SMALL * 1.3
                self.paper.write(self._pen.page, x, y, line, size=SMALL, colour=SOFT, element=element)
            x += width + CELL_GAP
        self._pen.y = top - self._head_height(laid)
        self.paper.fill(self._pen.page, (self._pen.left, self._pen.y + 1, self._pen.right - self._pen.left, 0.9), FAINT)
        self._pen.y -= 2

    def _row(self, laid: Laid, cells: Sequence[Sequence[Said]], height: float, row: Element) -> None:
        """One row; one that is too high for what is left of a page is split between lines."""
        elements = [row.add("TD") for _ in cells]
        if height > self._pen.y - BOTTOM and height < _SPLIT:
            self._new_page()
            self._table_head(laid, None)
        done = 0
        longest = max(len(cell) for cell in cells)
        while done < longest:
            room = int((self._pen.y - BOTTOM - 6) / laid.leading)
            if room < 1:
                self._new_page()
                self._table_head(laid, None)
                continue
            taken = min(room, longest - done)
            x = self._pen.left
            for cell, width, element in zip(cells, laid.widths, elements, strict=True):
                self._cell(cell[done : done + taken], (x, width), laid.leading, element)
                x += width + CELL_GAP
            self._pen.y -= taken * laid.leading + 5
            done += taken
        self.paper.fill(self._pen.page, (self._pen.left, self._pen.y + 1, self._pen.right - self._pen.left, 0.4), FAINT)
        self._pen.y -= 2

    def _cell(self, lines: Sequence[Said], place: tuple[float, float], leading: float, element: Element) -> None:
        x, width = place
        for number, said in enumerate(lines, start=1):
            y = self._pen.y - number * leading
            if said.share is not None:
                length = min(width, 70.0)
                self.paper.fill(self._pen.page, (x, y + 1, length, 5), FAINT)
                self.paper.fill(self._pen.page, (x, y + 1, length * said.share, 5), ACCENT)
                digits = (Piece(f"{said.share * 100:.0f} %", regular()),)
                self.paper.write(
                    self._pen.page, x + length + 4, y + 1, digits, size=SMALL - 1, colour=SOFT, element=element
                )
            else:
                colour = SOFT if said.soft else INK
                self.paper.write(self._pen.page, x, y, said.line, size=SMALL, colour=colour, element=element)

    def _lines(self, runs: Runs, element: Element, *, size: float, colour: Colour, after: float) -> None:
        lines = break_lines(runs, self._pen.right - self._pen.left, size)
        self._need_together(len(lines), size)
        self._put(lines, element, size=size, colour=colour, leading=_LEADING)
        self._pen.y -= after

    def _put(self, lines: Sequence[Line], element: Element, *, size: float, colour: Colour, leading: float) -> None:
        for line in lines:
            self._need(size * leading)
            self._pen.y -= size * leading
            self.paper.write(
                self._pen.page, self._pen.left, self._pen.y, line, size=size, colour=colour, element=element
            )

    def _need_together(self, lines: int, size: float) -> None:
        self._need((lines if lines <= _TOGETHER else 1) * size * _LEADING)

    def _need(self, height: float) -> None:
        if self._pen.y - height < BOTTOM:
            self._new_page()

    def _new_page(self) -> None:
        self._pen.page = self.paper.new_page()
        self._pen.y = TOP

    def _feet(self) -> None:
        """What stands at the foot of each page: what it is of, and which page."""
        pages = len(self.paper.pages)
        for page in range(pages):
            said = (Piece(f"Page {page + 1} of {pages}", regular()),)
            x = RIGHT - width_of(said, SMALL)
            self.paper.fill(page, (LEFT, 50, RIGHT - LEFT, 0.4), FAINT)
            self.paper.write(page, x, 38, said, size=SMALL, colour=SOFT, element=None)
            (line, *_) = break_lines((Run(text=self._about),), x - LEFT - 12, SMALL)
            self.paper.write(page, LEFT, 38, line, size=SMALL, colour=SOFT, element=None)


def _above(heading: Heading) -> float:
    """What is left free above it, by its size."""
    return 1.5 if heading.depth == 2 else 1.1
