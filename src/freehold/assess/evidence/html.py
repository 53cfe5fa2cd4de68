# SPDX-License-Identifier: Apache-2.0
"""The frame of a page that needs nothing but itself, and tables in it. It forbids itself to load or run anything.

Whatever is put in is text and is escaped here, but for what is said to be ``Markup``.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from freehold.assess.evidence.document import Block, Bullets, Command, Document, Section, Table, Text

_STYLE: Final = Path(__file__).with_name("page.css")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class Markup(str):
    """HTML that was made here."""

    __slots__ = ()


def text(value: object) -> Markup:
    """As it may stand in a page, also between quotes."""
    return value if isinstance(value, Markup) else Markup(escape(str(value), quote=True))


def tag(name: str, *inside: object, is_: str = "") -> Markup:
    """An element around texts; ``is_`` is its class."""
    kind = f' class="{text(is_)}"' if is_ else ""
    return Markup(f"<{name}{kind}>{''.join(map(text, inside))}</{name}>")


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """On a narrow screen each cell says under which heading it stands."""
    head = "".join(f'<th scope="col">{text(heading)}</th>' for heading in headings)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-is="{text(heading)}">{text(cell)}</td>' for heading, cell in zip(headings, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def page(title: str, body: Iterable[Markup]) -> bytes:
    """The whole document."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        f"<title>{text(title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    ).encode()


def write_document(document: Document) -> bytes:
    """A document as one page."""
    return page(document.title, _body(document))


def _body(document: Document) -> Iterator[Markup]:
    yield tag("header", tag("p", document.about, is_="soft"), tag("h1", document.title), _figures(document))
    yield tag("main", *(_section(section) for section in document.sections))
    yield tag("footer", document.footer)


def _figures(document: Document) -> Markup:
    boxes = (tag("div", tag("b", one.figure), tag("span", one.says)) for one in document.figures)
    return tag("div", *boxes, is_="figures") if document.figures else Markup()


def _section(section: Section) -> Markup:
    return Markup(tag(f"h{section.depth + 1}", section.title) + "".join(map(_block, section.blocks)))


def _block(block: Block) -> Markup:
    match block:
        case Text():
            return tag("p", block.text)
        case Command():
            return tag("p", tag("code", block.text))
        case Bullets():
            items = tag("ul", *(tag("li", item) for item in block.items))
            title = tag("b", block.title) if block.title else Markup()
            return tag("div", title, items, is_="notice") if block.warns else Markup(title + items)
        case Table():
            rows = ([_cell(cell) for cell in row] for row in block.rows)
            return table(block.headings, rows) if block.rows else tag("p", block.empty)


def _cell(cell: str) -> Markup:
    return Markup("<br>".join(text(line) for line in cell.splitlines()))
