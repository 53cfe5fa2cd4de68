# SPDX-License-Identifier: Apache-2.0
"""Who asks whom, and who can compel them, as one picture in SVG. Pure; every text in it is escaped."""

from html import escape
from typing import Final

from freehold.assess.exposure.assessment import Assessment
from freehold.assess.exposure.moving import hardest

_ROW: Final = 34  # pixels from one box to the next
_BOX: Final = 24  # height
_COLUMNS: Final = ((10, 230), (340, 230), (690, 70))  # left edge and width
_WIDTH: Final = 780
_MOST: Final = 24  # boxes in a column; the last stands for the rest
_LABEL: Final = "Applications, providers and states"
_LONGEST: Final = 30  # characters of a name


def draw(assessment: Assessment) -> str:
    """Applications, providers, states. What is too much for a picture is put together at the end of its column."""
    users = sorted({one.application for one in assessment.exposures})
    columns = [
        _shown(users),
        _shown([one.provider for one in assessment.dependencies]),
        _shown(list(assessment.states)),
    ]
    titles = {one.provider: one.title for one in assessment.dependencies}
    height = max(len(column) for column in columns) * _ROW + 36
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' role='img' aria-label='{_LABEL}'>"
    ]
    parts += _lines(assessment, columns, height)
    for number, (column, heading) in enumerate(zip(columns, ("applications", "providers", "states"), strict=True)):
        left, width = _COLUMNS[number]
        parts.append(f"<text class='soft' x='{left}' y='16'>{heading}</text>")
        for name in column:
            top = _middle(column, name, height) - _BOX / 2
            text = _short(titles.get(name, name) if number == 1 else name)
            mark = " class='open'" if name == "??" else ""
            parts.append(f"<rect{mark} x='{left}' y='{top:.0f}' width='{width}' height='{_BOX}' rx='5'/>")
            parts.append(f"<text x='{left + 10}' y='{top + 16.5:.1f}'>{escape(text)}</text>")
    return "".join([*parts, "</svg>"])


def _lines(assessment: Assessment, columns: list[list[str]], height: int) -> list[str]:
    users, providers, states = columns
    lines = []
    for dependency in assessment.dependencies:
        provider = dependency.provider if dependency.provider in providers else providers[-1]
        for name in dependency.applications:
            moves = [one.move for one in assessment.of(dependency.provider) if one.application == name]
            user = name if name in users else users[-1]
            lines.append(_line(0, _middle(users, user, height), _middle(providers, provider, height), hardest(moves)))
        for state in dependency.states:
            target = state if state in states else states[-1]
            lines.append(_line(1, _middle(providers, provider, height), _middle(states, target, height), "reach"))
    return list(dict.fromkeys(lines))


def _line(column: int, start: float, end: float, kind: str) -> str:
    left = sum(_COLUMNS[column])
    right = _COLUMNS[column + 1][0]
    bend = (left + right) / 2
    return (
        f"<path class='{kind}' d='M{left} {start:.0f}C{bend:.0f} {start:.0f} {bend:.0f} {end:.0f} {right} {end:.0f}'/>"
    )


def _middle(column: list[str], name: str, height: int) -> float:
    """Columns stand in the middle of the picture."""
    above = (height - 26 - len(column) * _ROW) / 2
    return 26 + above + column.index(name) * _ROW + _ROW / 2


def _shown(names: list[str]) -> list[str]:
    if len(names) <= _MOST:
        return names
    return [*names[: _MOST - 1], f"and {len(names) - _MOST + 1} more"]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
