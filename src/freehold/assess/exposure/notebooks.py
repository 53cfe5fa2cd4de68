# SPDX-License-Identifier: Apache-2.0
"""Notebooks: the cells of code, with the line of the file on which each of theirs stands. Outputs are left out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from freehold.assess.exposure.reading import Text

_MOST_CELLS: Final = 5000


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of code. ``lines`` are those of the file, one for each line of the cell."""

    text: str
    lines: tuple[int, ...]


def cells_of(text: Text) -> tuple[str, list[Cell]] | None:
    """The language of the notebook, and its cells of code. None for what is no notebook."""
    try:
        notebook = msgspec.json.decode(text.text)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(notebook, dict):
        return None
    worksheets = notebook.get("worksheets")  # before version 4
    first = worksheets[0] if isinstance(worksheets, list) and worksheets and isinstance(worksheets[0], dict) else {}
    cells = notebook.get("cells", first.get("cells"))
    if not isinstance(cells, list):
        return None
    return _language(notebook), list(_code(cells[:_MOST_CELLS], text))


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    language = kernel.get("language") if isinstance(kernel, dict) else None
    return language.lower() if isinstance(language, str) else "python"


def _code(cells: list[Any], text: Text) -> Iterator[Cell]:
    at = 0
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = cell.get("source", cell.get("input", ""))
        written = source if isinstance(source, list) else [source]
        lines: list[str] = []
        places: list[int] = []
        for piece in written:
            if not isinstance(piece, str):
                continue
            at, line = _place(text, piece, at)
            for part in piece.splitlines() or [""]:
                lines.append(part)
                places.append(line)
        if cell.get("cell_type") == "code" and lines:
            yield Cell("\n".join(lines), tuple(places))


def _place(text: Text, piece: str, at: int) -> tuple[int, int]:
    """Where a piece of source stands in the file, from the last one on."""
    for plain in (False, True):
        encoded = json.dumps(piece, ensure_ascii=plain)[1:-1]
        found = text.text.find(f'"{encoded}"', at)
        if found >= 0:
            return found + len(encoded), text.line_at(found)
    return at, text.line_at(at)
