# SPDX-License-Identifier: Apache-2.0
"""A document as values: what it says and in what order, without a form. Whoever renders it decides how it looks.

Every text in it is plain: nothing is markup, whatever it is made of.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list. ``title``: what is said above it; ``warns``: it is something that a reader must not miss."""

    items: tuple[str, ...]
    title: str = ""
    warns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What somebody would type."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under headings. A cell may have several lines."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = "None."  # said in place of a table without rows


Block = Text | Bullets | Command | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part with a heading. ``depth``: 1 for a part of the document, 2 for a part of that."""

    title: str
    blocks: tuple[Block, ...]
    depth: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that the first look is for, and what it is."""

    figure: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The whole. ``about``: of which estate, at which instant."""

    title: str
    about: str
    figures: tuple[Figure, ...] = ()
    sections: tuple[Section, ...]
    footer: str
