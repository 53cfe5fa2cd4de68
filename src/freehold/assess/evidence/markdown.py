# SPDX-License-Identifier: Apache-2.0
"""A document as Markdown, which is read without anything. Nothing in a text becomes markup. Reckons nothing."""

import re
from collections.abc import Iterator
from typing import Final

from freehold.assess.evidence.document import Block, Bullets, Command, Document, Section, Table, Text

_MARKS: Final = re.compile(r"([\\`*\[\]<>|~]|&(?=[#\w])|(?<!\w)_|_(?!\w))")
_FENCES: Final = re.compile(r"`{3,}")
_OPENING: Final = re.compile(r"^([#+=-]|\d+(?=[.)]))")  # what makes of a line a heading, a list or a rule


def write_markdown(document: Document) -> str:
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    yield f"# {_plain(document.title)}"
    yield ""
    yield _plain(document.about)
    if document.figures:
        yield ""
        yield from (f"- **{_plain(one.figure)}** {_plain(one.says)}" for one in document.figures)
    for section in document.sections:
        yield from _section(section)
    yield ""
    yield "---"
    yield ""
    yield _plain(document.footer)


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield f"{'#' * (section.depth + 1)} {_plain(section.title)}"
    for block in section.blocks:
        yield ""
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Text():
            yield _plain(block.text)
        case Command():
            yield from _fenced(" ".join(block.text.split()))
        case Bullets():
            if block.title:
                yield f"**{_plain(block.title)}**"
                yield ""
            mark = "**" if block.warns and not block.title else ""
            yield from (f"- {mark}{_plain(item)}{mark}" for item in block.items)
        case Table():
            yield from _table(block)


def _fenced(text: str) -> Iterator[str]:
    """Behind a fence that the text does not have."""
    fence = max(["```", *(f"{run}`" for run in _FENCES.findall(text))], key=len)
    yield from (fence, text, fence)


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        yield _plain(table.empty)
        return
    yield _row(table.headings)
    yield _row(["---"] * len(table.headings), plain=False)
    yield from (_row(row) for row in table.rows)


def _row(cells: tuple[str, ...] | list[str], *, plain: bool = True) -> str:
    return f"| {' | '.join(_cell(cell) if plain else cell for cell in cells)} |"


def _cell(cell: str) -> str:
    return "; ".join(_plain(line) for line in cell.splitlines() if line.strip())


def _plain(text: str) -> str:
    """In one line, and as it was written for whoever reads it rendered."""
    return _OPENING.sub(r"\\\1", _MARKS.sub(r"\\\1", " ".join(text.split())))
