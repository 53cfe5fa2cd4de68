# SPDX-License-Identifier: Apache-2.0
"""Gives targets another model in the text of freehold.toml: one value each, and not a byte beside it.

What cannot be done so surely is not done: the result is read again, and must differ in these values alone.
"""

import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from freehold.errors import EstateError
from freehold.files.whole import put_whole

_HEADER = re.compile(r"[ \t]*\[")


def with_model(text: str, targets: Iterable[str], old: str, new: str) -> str | None:
    """The text with the model of each target changed from ``old`` to ``new``; None where that is not plain to do."""
    targets = tuple(targets)
    changed: str | None = text
    for target in targets:
        changed = _with_one(changed, target, old, new) if changed is not None else None
    return changed if changed is not None and _differs_only(text, changed, targets, new) else None


def replace_file(path: Path, text: str) -> None:
    """Put the text in the file's place, whole, with its mode. Raises EstateError."""
    try:
        put_whole(path, text.encode(), mode=path.stat().st_mode & 0o777)
    except OSError as exc:
        raise EstateError(f"{path} cannot be written: {os.strerror(exc.errno or 0).lower()}") from exc


def _with_one(text: str, target: str, old: str, new: str) -> str | None:
    lines = text.splitlines(keepends=True)
    header = re.compile(rf"[ \t]*\[[ \t]*target[ \t]*\.[ \t]*\"?{re.escape(target)}\"?[ \t]*\][ \t]*(#.*)?\r?\n?\Z")
    value = re.compile(rf"([ \t]*model[ \t]*=[ \t]*)([\"']){re.escape(old)}\2([ \t]*(#.*)?\r?\n?)\Z")
    begins = [number for number, line in enumerate(lines) if header.match(line)]
    if len(begins) != 1:
        return None
    for number in range(begins[0] + 1, len(lines)):
        if _HEADER.match(lines[number]):
            return None
        if matched := value.match(lines[number]):
            lines[number] = f"{matched[1]}{matched[2]}{new}{matched[2]}{matched[3]}"
            return "".join(lines)
    return None


def _differs_only(before: str, after: str, targets: Iterable[str], new: str) -> bool:
    try:
        wanted, found = tomllib.loads(before), tomllib.loads(after)
        for target in targets:
            wanted["target"][target]["model"] = new
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        return False
    return bool(wanted == found)
