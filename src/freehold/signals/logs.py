# SPDX-License-Identifier: Apache-2.0
"""Lines of the log, as text or as JSON, with the ids of the call that they are about.

They have no secret and no content in them, also where something went wrong that nobody thought of: of an exception its
kind and the places in the code are told, and its text only if it is one of ours. A text of others can quote a call.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from traceback import extract_tb
from typing import Any, Final

from freehold.errors import FreeholdError

FIELDS: Final = "fields"  # the attribute of a record that has further fields

# What could open a door: tokens and keys of this estate's, and whatever is shown as a credential.
_SECRET: Final = re.compile(r"\b(fho?_|sk-)[A-Za-z0-9_-]{6,}|(?i:\b(bearer|basic) +)[A-Za-z0-9._~+/=-]{6,}")
_BREAKS: Final = {code: repr(chr(code))[1:-1] for code in (*range(32), 0x7F, 0x85, 0x2028, 0x2029)}
_CALLBACK: Final = "Exception in callback"
_MOST_FRAMES: Final = 40
_MOST_CAUSES: Final = 5


class TextLines(logging.Formatter):
    """For a person: one line, and below it where a bug was met."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_line(str(value))}" for name, value in _fields_of(record).items())
        at = self.formatTime(record)
        line = f"{at} {record.levelname} {record.name}: {_message_of(record)}{fields}"
        return "\n".join((line, *(f"  {told}" for told in _told_of(record))))


class JsonLines(logging.Formatter):
    """For a program: one object on one line."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, Any] = {
            **_fields_of(record),
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": self._process,
            "pid": record.process,
            "message": _message_of(record),
        }
        if met := _told_of(record):
            told["exception"] = met
        return json.dumps(told, default=str)


def _fields_of(record: logging.LogRecord) -> Mapping[str, Any]:
    fields = getattr(record, FIELDS, None)
    if not isinstance(fields, Mapping):
        return {}
    return {name: _without_secrets(value) if isinstance(value, str) else value for name, value in fields.items()}


def _message_of(record: logging.LogRecord) -> str:
    message = record.getMessage()
    if record.name == "asyncio":  # below the first line, and behind a callback, it shows what was at work
        message = _CALLBACK if message.startswith(_CALLBACK) else message.partition("\n")[0]
    return _line(message)


def _line(text: str) -> str:
    """One line whatever is in it, so that nobody can write a second one."""
    return _without_secrets(text).translate(_BREAKS)


def _without_secrets(text: str) -> str:
    return _SECRET.sub("[secret]", text)


def _told_of(record: logging.LogRecord) -> list[str]:
    """The exception of a record, and what led to it."""
    problem = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return [line for cause in _causes(problem) for line in _met(cause)]


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    for _ in range(_MOST_CAUSES):
        if problem is None:
            return
        yield problem
        problem = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)


def _met(problem: BaseException) -> Iterator[str]:
    kind = type(problem)
    said = f": {_line(problem.message)}" if isinstance(problem, FreeholdError) else ""
    yield f"{kind.__module__}.{kind.__qualname__}{said}"
    for frame in extract_tb(problem.__traceback__)[-_MOST_FRAMES:]:
        yield f"at {frame.filename}:{frame.lineno} in {frame.name}"
