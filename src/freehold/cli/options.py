# SPDX-License-Identifier: Apache-2.0
"""Options that many commands share, and the words in which people write rates and spans of time."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from freehold.bootstrap.launch import OPERATOR_TOKEN
from freehold.contract.estate import Estate

P = ParamSpec("P")
R = TypeVar("R")

_SPAN_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SPAN = re.compile(r"^(\d{1,9})\s*([smhdw])$")
_RATE = re.compile(r"^(\d{1,9})(?:\s*/\s*(s|sec|min|m|h|hour))?$")
_PER_MINUTE = {"s": 60.0, "sec": 60.0, "min": 1.0, "m": 1.0, "h": 1 / 60, "hour": 1 / 60}


def estate_option(command: Callable[P, R]) -> Callable[P, R]:
    """``--estate DIR``, given to the command as ``estate: Estate``."""
    return click.option(
        "--estate",
        type=EstateType(),
        default="",
        metavar="DIR",
        help="The estate's directory. Default: $FREEHOLD_ESTATE, else ./estate.",
    )(command)


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """``--json``, given to the command as ``as_json: bool``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")(command)


def operator_option(command: Callable[P, R]) -> Callable[P, R]:
    """``--operator-token FILE`` or $FREEHOLD_OPERATOR, given to the command as ``token: str``; empty without either."""
    return click.option(
        "--operator-token",
        "token",
        type=Token(),
        default="",
        metavar="FILE",
        help="A file with the token of the operator who acts. Default: the token in $FREEHOLD_OPERATOR, else the "
        "estate's own user acts.",
    )(command)


def examples(*lines: str) -> str:
    """The end of a command's help: lines that work as they stand."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def absolute_key(uri: str) -> str:
    """A key's URI as the control process must be told it. A scheme that is not known is refused there."""
    path = uri.removeprefix("file:")
    return uri if ":" in path else f"file:{Path(path).expanduser().absolute()}"


class EstateType(click.ParamType[Estate]):
    """A directory, which need not exist yet."""

    name = "directory"

    def convert(self, value: str | Estate, param: click.Parameter | None, ctx: click.Context | None) -> Estate:  # noqa: ARG002 - click's words
        return value if isinstance(value, Estate) else Estate.find(value or None)


class Token(click.ParamType[str]):
    """An operator's token, out of a file or the environment: never an argument, which other users can see."""

    name = "file"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value:
            return os.environ.get(OPERATOR_TOKEN, "").strip()
        try:
            token = Path(value).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            self.fail(f"{value!r} cannot be read as a file with a token", param, ctx)
        if not token:
            self.fail(f"{value!r} is empty", param, ctx)
        return token


class At(click.ParamType[str]):
    """``2027-01-01T00:00:00Z`` or ``2027-01-01``, which is midnight in UTC: RFC 3339."""

    name = "TIME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            at = datetime.fromisoformat(value.strip())
        except ValueError:
            self.fail(f"{value!r} is not a time: write 2027-01-01T00:00:00Z or 2027-01-01", param, ctx)
        if at.tzinfo is None and len(value.strip()) > len("2027-01-01"):
            self.fail(f"{value!r} has no time zone: put a Z behind it for UTC, or an offset such as +02:00", param, ctx)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


class Rate(click.ParamType[int]):
    """``60/min``, ``2/s``, ``1000/h`` or ``60``: requests per minute."""

    name = "N/min"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if not (matched := _RATE.match(value.strip())):
            self.fail(f"{value!r} is not a rate: write 60/min, 2/s or 1000/h", param, ctx)
        per_minute = int(matched[1]) * _PER_MINUTE[matched[2] or "min"]
        if per_minute < 1:
            self.fail(f"{value!r} is less than one request a minute", param, ctx)
        return round(per_minute)


class Span(click.ParamType[float]):
    """``30d``, ``12h``, ``45m``: seconds."""

    name = "SPAN"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        if not (matched := _SPAN.match(value.strip())) or int(matched[1]) == 0:
            self.fail(f"{value!r} is not a span of time: write 30d, 12h, 45m or 90s", param, ctx)
        return float(int(matched[1]) * _SPAN_S[matched[2]])
