# SPDX-License-Identifier: Apache-2.0
"""How commands speak: tables and JSON on standard output, problems and progress on standard error."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import click

from freehold.contract.printing import printable
from freehold.errors import FreeholdError

_BAR_AFTER_S = 1.0  # what is over sooner needs no bar
_BAR_EVERY_S = 0.1
_BAR_CHARACTERS = 24

Bytes = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all (0: not known)


def say(text: str = "") -> None:
    """A line on standard output."""
    click.echo(text)


def note(text: str) -> None:
    """A line on standard error: for a person, never part of the output."""
    click.echo(text, err=True)


def emit(noun: str, value: object, **more: object) -> None:
    """The one JSON object of ``--json``, keyed by the noun, and by ``more`` where that belongs to it."""
    click.echo(json.dumps({noun: value, **more}, indent=2, ensure_ascii=False))


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Columns as wide as their widest cell. ``empty`` is said where there is no row."""
    if not rows:
        say(empty)
        return
    cells = [[_plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    say(click.style(_aligned([heading.upper() for heading in headings], widths), bold=True))
    for row in cells:
        say(_aligned(row, widths))


def fields(pairs: Mapping[str, object]) -> None:
    """Names and values, one pair a line."""
    width = max(map(len, pairs))
    for name, value in pairs.items():
        say(f"{click.style(name.ljust(width), bold=True)}  {_plain(value)}")


def report(problem: FreeholdError) -> None:
    """What went wrong, and what to do."""
    note(f"{click.style('freehold:', fg='red')} {_harmless(problem.message)}")
    if problem.advice:
        note(f"  {_harmless(problem.advice)}")


def size(size_bytes: float) -> str:
    """``98 MB``: decimal units, as disks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit in ("B", "kB") or size_bytes >= 10 else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


@contextmanager
def progress() -> Iterator[Bytes]:
    """A bar on standard error, if that is a terminal and the work takes over a second. Gone afterwards."""
    bar = _Bar()
    try:
        yield bar.show
    finally:
        bar.clear()


def in_path(name: str) -> str:
    """A name that a person typed, as one segment of a path."""
    return quote(name, safe="")


def told(show: Bytes) -> Callable[[Mapping[str, Any]], None]:
    """The admin client's kind of progress, shown with ``show``; a notice is said in a line of its own."""

    def tell(step: Mapping[str, Any]) -> None:
        if step["notice"]:
            note(step["notice"])
        show(step["doing"], step["done_bytes"], step["total_bytes"])

    return tell


@dataclass(frozen=True, slots=True)
class _Begun:
    """Where a piece of work began: what was there already says nothing of how fast it goes."""

    doing: str = ""
    done_bytes: int = 0
    at_s: float = 0.0

    def pace(self, done_bytes: int, total_bytes: int, now_s: float) -> str:
        """``, 12 MB/s, 40 s left``; empty while nobody can know."""
        passed_s, came_bytes = now_s - self.at_s, done_bytes - self.done_bytes
        if passed_s < _BAR_AFTER_S or came_bytes <= 0:
            return ""
        left_s = round((total_bytes - done_bytes) * passed_s / came_bytes) if total_bytes > done_bytes else 0
        left = f", {left_s // 60} min {left_s % 60} s left" if left_s >= 60 else f", {left_s} s left" if left_s else ""
        return f", {size(came_bytes / passed_s)}/s{left}"


class _Bar:
    def __init__(self) -> None:
        self._visible = sys.stderr.isatty()
        self._started_s = time.monotonic()
        self._drawn_s = 0.0
        self._width = 0
        self._begun = _Begun()

    def show(self, doing: str, done_bytes: int, total_bytes: int) -> None:
        now_s = time.monotonic()
        if doing != self._begun.doing or done_bytes < self._begun.done_bytes:
            self._begun = _Begun(doing, done_bytes, now_s)
        if not self._visible or now_s - self._started_s < _BAR_AFTER_S or now_s - self._drawn_s < _BAR_EVERY_S:
            return
        self._drawn_s = now_s
        pace = self._begun.pace(done_bytes, total_bytes, now_s)
        line = f"{doing}  {self._gauge(done_bytes, total_bytes)}{pace}".rstrip()
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def clear(self) -> None:
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0

    def _gauge(self, done_bytes: int, total_bytes: int) -> str:
        if total_bytes <= 0:
            return size(done_bytes) if done_bytes else ""
        share = min(1.0, done_bytes / total_bytes)
        full = round(share * _BAR_CHARACTERS)
        return f"[{'=' * full}{' ' * (_BAR_CHARACTERS - full)}] {share:4.0%}  {size(done_bytes)} of {size(total_bytes)}"


def _harmless(text: str) -> str:
    """Words of others may be in it: they may have lines, and steer no terminal."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _plain(cell: object) -> str:
    if cell is None or cell == "":
        return "-"
    if isinstance(cell, (list, tuple)):
        return ", ".join(map(str, cell)) or "-"
    return str(cell)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
