# SPDX-License-Identifier: Apache-2.0
"""A page of evidence as blocks that can be set on paper. Reads the elements that ``evidence/html.py`` writes.

What it does not know is passed through as the text in it, so that nothing that a page says is missing on paper.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_VOID: Final = frozenset({"meta", "br", "hr", "img", "link", "wbr", "col"})
_NOT_SAID: Final = frozenset({"style", "script", "title", "svg", "nav"})  # the contents of paper are made anew
_BLOCKS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "ul", "ol", "table", "div", "details", "summary", "header"})
_SPACE = re.compile(r"[ \t\r\n\f]+")
_WIDTH = re.compile(r"width:([0-9.]+)%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Text in one face. A newline ends a line."""

    text: str
    bold: bool = False


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """``depth`` is 1 for the title."""

    runs: Runs
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    runs: Runs
    soft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list; each item is what stands behind its mark."""

    items: tuple[Runs, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Paragraphs below each other. ``share``: a bar so long, from 0 to 1."""

    parts: tuple[Paragraph, ...]
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table. ``caption`` may be empty."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Numbers to be seen first, each with what it is."""

    boxes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What must not be missed."""

    blocks: "tuple[Block, ...]"


Block = Heading | Paragraph | Items | Grid | Figures | Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page, read."""

    title: str
    language: str
    blocks: tuple[Block, ...]


def read_page(page: bytes) -> Sheet:
    """The blocks of a page, in their order."""
    tree = _Tree()
    tree.feed(page.decode())
    tree.close()
    html = next((one for one in _elements(tree.root) if one.name == "html"), tree.root)
    title = next((_text(one) for one in _elements(html) if one.name == "title"), "")
    body = next((one for one in _elements(html) if one.name == "body"), html)
    return Sheet(title=title, language=html.given.get("lang", "en"), blocks=tuple(_blocks(body)))


@dataclass(slots=True)
class _Node:
    name: str
    given: dict[str, str] = field(default_factory=dict)
    inside: "list[_Node | str]" = field(default_factory=list)

    def is_(self, kind: str) -> bool:
        return kind in self.given.get("class", "").split()


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = _Node("")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        node = _Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if any(node.name == tag for node in self._open[1:]):
            while self._open.pop().name != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)


def _elements(node: _Node) -> Iterator[_Node]:
    for inner in node.inside:
        if isinstance(inner, _Node):
            yield inner
            yield from _elements(inner)


def _blocks(node: _Node) -> Iterator[Block]:
    """What is in an element, one block after the other; loose text makes paragraphs."""
    loose: list[_Node | str] = []
    for inner in node.inside:
        if isinstance(inner, _Node) and _stands_alone(inner):
            yield from _paragraph(loose)
            loose = []
            yield from _block(inner)
        else:
            loose.append(inner)
    yield from _paragraph(loose)


def _stands_alone(node: _Node) -> bool:
    return node.name in _BLOCKS or any(inner.name in _BLOCKS for inner in _elements(node))


def _block(node: _Node) -> Iterator[Block]:
    match node.name:
        case "h1" | "h2" | "h3" | "h4":
            yield Heading(runs=_runs(node.inside), depth=int(node.name[1]))
        case "p":
            yield from _paragraph(node.inside, soft=node.is_("soft"))
        case "summary":
            yield from _paragraph([_Node("b", {}, node.inside)])
        case "ul" | "ol":
            items = [one for one in node.inside if isinstance(one, _Node) and one.name == "li"]
            yield Items(items=tuple(_runs(one.inside) for one in items), numbered=node.name == "ol")
        case "table":
            yield _grid(node)
        case "div" if node.is_("figures"):
            yield Figures(boxes=tuple(_box(one) for one in node.inside if isinstance(one, _Node)))
        case "div" if node.is_("notice"):
            yield Notice(blocks=tuple(_blocks(node)))
        case name if name not in _NOT_SAID:
            yield from _blocks(node)


def _paragraph(inside: Sequence[_Node | str], *, soft: bool = False) -> Iterator[Paragraph]:
    if runs := _runs(inside):
        yield Paragraph(runs=runs, soft=soft)


def _box(node: _Node) -> tuple[str, str]:
    figure = next((one for one in _elements(node) if one.name == "b"), _Node("b"))
    says = [one for one in node.inside if one is not figure]
    return _text(figure), _text(_Node("", {}, says))


def _grid(node: _Node) -> Grid:
    rows = [one for one in _elements(node) if one.name == "tr"]
    headings = [one for one in _elements(node) if one.name == "th" and one.given.get("scope", "col") == "col"]
    caption = next((_text(one) for one in _elements(node) if one.name == "caption"), "")
    body = [[one for one in row.inside if isinstance(one, _Node) and one not in headings] for row in rows]
    cells = tuple(tuple(_cell(one) for one in row) for row in body if row)
    return Grid(headings=tuple(_text(one) for one in headings), rows=cells, caption=caption)


def _cell(node: _Node) -> Cell:
    bar = next((one for one in _elements(node) if one.name == "i" and _WIDTH.search(one.given.get("style", ""))), None)
    if bar is not None and (found := _WIDTH.search(bar.given["style"])):
        return Cell(parts=(), share=min(1.0, float(found[1]) / 100))
    return Cell(parts=tuple(part for block in _blocks(node) for part in _small(block)))


def _small(block: Block) -> Iterator[Paragraph]:
    """As it stands in a cell, which has room for paragraphs alone."""
    match block:
        case Paragraph():
            yield block
        case Heading():
            yield Paragraph(runs=block.runs)
        case Items():
            yield from (Paragraph(runs=runs, soft=True) for runs in block.items)
        case Notice():
            yield from (part for inner in block.blocks for part in _small(inner))
        case Figures():
            yield from (Paragraph(runs=(Run(text=f"{figure} {says}"),)) for figure, says in block.boxes)
        case Grid():
            yield from (part for row in block.rows for cell in row for part in cell.parts)


def _runs(inside: Sequence[_Node | str]) -> Runs:
    """Text with its spaces as a browser has them."""
    runs: list[Run] = []
    for run in _raw(inside, bold=False):
        text = run.text if run.text == "\n" else _SPACE.sub(" ", run.text)
        if not runs or runs[-1].text.endswith((" ", "\n")):
            text = text.lstrip(" ")
        if text:
            runs.append(Run(text=text, bold=run.bold))
    if runs and runs[-1].text.endswith(" "):
        last = runs.pop()
        runs += [Run(text=last.text.rstrip(" "), bold=last.bold)] if last.text.strip() else []
    return tuple(runs)


def _raw(inside: Sequence[_Node | str], *, bold: bool) -> Iterator[Run]:
    for inner in inside:
        if isinstance(inner, str):
            yield Run(text=inner, bold=bold)
        elif inner.name == "br":
            yield Run(text="\n")
        elif inner.name not in _NOT_SAID:
            yield from _raw(inner.inside, bold=bold or inner.name in {"b", "strong"} or inner.is_("basis"))


def _text(node: _Node) -> str:
    return "".join(run.text for run in _runs(node.inside)).strip()
