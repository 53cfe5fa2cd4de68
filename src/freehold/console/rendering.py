# SPDX-License-Identifier: Apache-2.0
"""Templates to HTML. Whatever a template is given is escaped: names, words of people and of models, errors."""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Path(__file__).with_name("templates")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def environment() -> Environment:
    """Jinja's, with what the console's templates may use."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(number=number, size=size, moment=moment, day=day, share=share, web_address=web_address)
    made.globals["static"] = static
    return made


def static(path: str) -> str:
    """The address of a file under static/."""
    return f"/console/static/{path}"


def number(value: float | None) -> str:
    """As people read it: thousands apart, and no more decimals than say something."""
    if value is None:
        return "\N{EN DASH}"
    shown = f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 100 else f"{value:,.3g}"
    return shown.replace(",", "\N{NARROW NO-BREAK SPACE}")


def share(part: float, whole: float) -> str:
    """A part of a whole in percent; never 0 or 100 for what is not."""
    if not whole:
        return "\N{EN DASH}"
    percent = 100 * part / whole
    if 0 < percent < 0.1 or 99.9 < percent < 100:
        return "< 0.1 %" if percent < 50 else "> 99.9 %"
    return f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.1f} %"


def size(size_bytes: int | None) -> str:
    """Bytes as people read them."""
    if size_bytes is None:
        return "\N{EN DASH}"
    value, unit = float(size_bytes), _UNITS[0]
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def moment(at: str | float | None) -> str:
    """An instant of the API, or one in Unix seconds, to the second in UTC."""
    read = _read(at)
    return f"{read:%Y-%m-%d %H:%M:%S}" if read else ("\N{EN DASH}" if not at else str(at))


def day(at: str | float | None) -> str:
    """The day of an instant, in UTC."""
    read = _read(at)
    return f"{read:%Y-%m-%d}" if read else ("\N{EN DASH}" if not at else str(at))


def web_address(source: str) -> str:
    """Where a source is one that a browser may be sent to; else empty. Nothing but http and https becomes a link."""
    return source if source.startswith(("https://", "http://")) and not any(map(str.isspace, source)) else ""


def _read(at: str | float | None) -> datetime | None:
    if not at:
        return None
    try:
        return datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else datetime.fromisoformat(at)
    except (ValueError, OverflowError, OSError):
        return None
