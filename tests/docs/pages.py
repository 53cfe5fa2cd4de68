# SPDX-License-Identifier: Apache-2.0
"""A page of the public words: its headings, links, tables and blocks of code. Reads Markdown as forges do."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^\s*```(\w*)\s*$")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*$")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_INLINE_CODE = re.compile(r"`[^`]*`")
_ANCHOR = re.compile(r'<a (?:id|name)="([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block. ``line`` is that of its first line of text."""

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}, line {self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. ``path`` is relative to the repository; prose is the text without its blocks."""

    path: str
    text: str
    prose: str
    blocks: tuple[Block, ...]

    @property
    def links(self) -> list[str]:
        return _LINK.findall(_INLINE_CODE.sub("", self.prose))

    @property
    def headings(self) -> list[str]:
        return [match[2] for line in self.prose.splitlines() if (match := _HEADING.match(line))]

    @property
    def anchors(self) -> set[str]:
        """The fragments that a link may name, as code forges make them of headings."""
        anchors = set(_ANCHOR.findall(self.prose))
        for heading in self.headings:
            slug, number = _slug(heading), 0
            while (anchor := f"{slug}-{number}" if number else slug) in anchors:
                number += 1
            anchors.add(anchor)
        return anchors

    def section(self, heading: str) -> str:
        """The prose beneath a heading, up to the next of the same or a higher level; empty without such a heading."""
        inside, level, lines = False, 0, []
        for line in self.prose.splitlines():
            match = _HEADING.match(line)
            if match and inside and len(match[1]) <= level:
                break
            if match and match[2] == heading:
                inside, level = True, len(match[1])
            if inside:
                lines.append(line)
        return "\n".join(lines)

    def rows(self, heading: str) -> list[list[str]]:
        """The rows of the tables beneath a heading, cell by cell, without heads and rules. No cell may hold a bar."""
        rows: list[list[str]] = []
        before: list[str] = []
        for line in self.section(heading).splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
            if cells and set("".join(cells)) <= set("-: "):
                rows.remove(before)
            elif cells:
                rows.append(cells)
            before = cells
        return rows


def read_page(path: Path) -> Page:
    name, text = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    blocks: list[Block] = []
    prose: list[str] = []
    fenced: list[str] | None = None
    language, began = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(line)
        if fence and fenced is None:
            language, fenced, began = fence[1], [], number + 1
        elif fence and fenced is not None:
            blocks.append(Block(page=name, line=began, language=language, text=textwrap.dedent("\n".join(fenced))))
            fenced = None
        elif fenced is not None:
            fenced.append(line)
        else:
            prose.append(line)
    assert fenced is None, f"{name}: the block that begins at line {began} does not end"
    return Page(path=name, text=text, prose="\n".join(prose), blocks=tuple(blocks))


def _slug(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
