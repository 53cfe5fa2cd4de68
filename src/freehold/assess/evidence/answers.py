# SPDX-License-Identifier: Apache-2.0
"""What a person says where no file can: kept in ``evidence/answers.toml`` with who said it, when, and on what grounds.

The file may be edited by hand, and is read strictly. Answers are added and never replaced: of several to one question
about the same subject the last one counts, and those before it stay to be read.
"""

import fcntl
import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from freehold.errors import EstateError
from freehold.files.whole import put_whole

OWN: Final = "self"  # the estate itself: what it runs, and whoever runs it
FOLDER: Final = "evidence"
FILE: Final = "answers.toml"
_LARGEST_BYTES = 4 * 2**20
_HEAD = "# Answers that only a person can give. The last one to a question about the same subject counts.\n"
_HINT = "docs/tasks/evidence.md has the form of the file."
Line = Annotated[str, Meta(min_length=1, max_length=500)]


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer. ``about``: a provider of freehold.toml, a service or model of the estate, a transfer, or ``self``."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    about: Annotated[str, Meta(min_length=1, max_length=80)] = OWN
    value: Line
    by: Line
    source: Line
    at: Annotated[str, Meta(min_length=1, max_length=64)]  # RFC 3339


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    answer: list[Answer] = []


def answers_path(directory: Path) -> Path:
    """Where an estate keeps them."""
    return directory / FOLDER / FILE


def read_answers(path: Path) -> tuple[tuple[Answer, ...], str]:
    """The answers in their order, and the digest of the file; none and an empty one without a file. EstateError."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        return (), ""
    except OSError as exc:
        raise EstateError(f"{path} cannot be read", hint=_HINT) from exc
    if len(data) > _LARGEST_BYTES:
        raise EstateError(f"{path} is larger than {_LARGEST_BYTES} bytes", hint=_HINT)
    return _parse(data, path), f"sha256:{hashlib.sha256(data).hexdigest()}"


def check_answer(answer: Answer, place: str) -> None:
    """Raises EstateError for a text that is more than a line, and for a time that is none."""
    for name in ("id", "about", "value", "by", "source"):
        text = getattr(answer, name)
        if not text.isprintable() or not text.strip() or len(text) > 500:
            raise EstateError(f"{place}: {name} is not one line of at most 500 printable characters", hint=_HINT)
    try:
        zoned = datetime.fromisoformat(answer.at).tzinfo is not None
    except ValueError:
        zoned = False
    if not zoned:
        raise EstateError(f"{place}: at is not a time such as 2026-11-23T09:00:00Z", hint=_HINT)


def add_answer(path: Path, answer: Answer) -> None:
    """Put it behind those that are there. The file is replaced whole, or stays as it was. Raises EstateError."""
    check_answer(answer, "the answer")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            read_answers(path)
            before = path.read_text(encoding="utf-8") if path.exists() else _HEAD
            put_whole(path, f"{before.rstrip()}\n\n{_written(answer)}".encode())
            os.fsync(lock)
        finally:
            os.close(lock)
    except OSError as exc:
        raise EstateError(f"{path} cannot be written", hint="Check its owner and the disk.") from exc


def newest(answers: Iterable[Answer]) -> Mapping[tuple[str, str], Answer]:
    """The ones that count, by question and subject."""
    return {(answer.id, answer.about): answer for answer in answers}


def _parse(data: bytes, path: Path) -> tuple[Answer, ...]:
    try:
        found = msgspec.convert(tomllib.loads(data.decode("utf-8")), _File).answer
    except UnicodeDecodeError:
        raise EstateError(f"{path} is not UTF-8 text", hint=_HINT) from None
    except (tomllib.TOMLDecodeError, RecursionError):
        raise EstateError(f"{path} is not TOML", hint=_HINT) from None
    except msgspec.ValidationError as exc:
        raise EstateError(f"{path} is no list of answers: {exc}", hint=_HINT) from exc
    for number, answer in enumerate(found, start=1):
        check_answer(answer, f"{path}, answer {number}")
    return tuple(found)


def _written(answer: Answer) -> str:
    """Strings are written as JSON has them, which TOML reads alike for text that is printable."""
    fields = msgspec.structs.asdict(answer)
    lines = "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items())
    return f"[[answer]]\n{lines}"
