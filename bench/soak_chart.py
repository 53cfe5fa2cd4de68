# SPDX-License-Identifier: Apache-2.0
"""The chart of a soak: memory over time, as SVG. Pure."""

from collections.abc import Sequence
from html import escape
from typing import Final

_WIDTH: Final = 720
_HEIGHT: Final = 260
_LEFT: Final = 56
_BOTTOM: Final = 36
_TOP: Final = 36


def chart(points: Sequence[tuple[float, float]], title: str) -> str:
    """``points``: minutes and megabytes. The scale begins at nought, so that a flat line looks flat."""
    most_x = max((x for x, _ in points), default=1.0) or 1.0
    most_y = 10 * (int(max((y for _, y in points), default=1.0) / 10) + 2)

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = x / most_x, y / most_y
        return _LEFT + across * (_WIDTH - _LEFT - 16), _HEIGHT - _BOTTOM - up * (_HEIGHT - _BOTTOM - _TOP)

    line = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
    marks = [_mark_y(place(0, y), y) for y in range(0, most_y + 1, max(10, most_y // 50 * 10))]
    marks += [_mark_x(place(most_x * part / 5, 0), most_x * part / 5) for part in range(6)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="#444"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="{_LEFT}" y="20" font-size="14">PSS in MB over minutes: {escape(title)}</text>{"".join(marks)}'
        f'<polyline points="{line}" fill="none" stroke="#06c" stroke-width="2"/></svg>\n'
    )


def _mark_y(at: tuple[float, float], value: float) -> str:
    rule = f'<line x1="{at[0]}" y1="{at[1]:.1f}" x2="{_WIDTH - 16}" y2="{at[1]:.1f}" stroke="#ddd"/>'
    return f'{rule}<text x="{at[0] - 8}" y="{at[1] + 4:.1f}" text-anchor="end">{value:g}</text>'


def _mark_x(at: tuple[float, float], value: float) -> str:
    return f'<text x="{at[0]:.1f}" y="{at[1] + 18:.1f}" text-anchor="middle">{value:.1f}</text>'
