# SPDX-License-Identifier: Apache-2.0
"""Which files there are under a path. Never outside it: no link is followed, whether to a file or a folder.

Folders of what others have written and a tool has put there are passed over, and counted: lock files tell of them.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Final

from freehold.errors import EstateError

_PASSED_OVER: Final = frozenset(
    {
        *(".git", ".hg", ".svn", ".bzr", "node_modules", "bower_components", "__pycache__", ".venv", ".tox", ".nox"),
        *(
            ".mypy_cache",
            ".ruff_cache",
            ".pytest_cache",
            ".terraform",
            ".gradle",
            ".next",
            ".nuxt",
            ".yarn",
            ".pnpm-store",
        ),
        *("site-packages", ".eggs", ".dart_tool", ".bundle", ".cargo", ".npm", ".cache", ".svelte-kit", ".turbo"),
    }
)
_MARKS: Final = {"pyvenv.cfg": "", "modules.txt": "vendor", "autoload.php": "vendor", "CACHEDIR.TAG": ""}
_ARCHIVES: Final = (
    *(".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".jar", ".war", ".ear", ".whl", ".egg"),
    *(".nupkg", ".gem", ".crate", ".deb", ".rpm", ".apk", ".aar"),
)
_DEEPEST: Final = 128  # folders


@dataclass(slots=True)
class Walked:
    """What was met. ``passed_over`` counts by reason; archives are named, and not opened."""

    files: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    archives: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """A file to read, and what it is called in the report."""

    path: str
    name: str
    size_bytes: int


def walk(roots: tuple[Path, ...], walked: Walked) -> Iterator[Place]:
    """Every file that may be read, in the order of names. Raises EstateError for a root that is not there."""
    for root in roots:
        prefix = "" if len(roots) == 1 else f"{PurePath(os.path.normpath(root)).as_posix().lstrip('/')}/"
        if root.is_file():
            yield from _file(os.fspath(root), f"{prefix.rstrip('/') or root.name}", root.stat().st_size, walked)
        elif root.is_dir():
            yield from _folder(os.fspath(root), prefix.removeprefix("./"), walked, 0)
        else:
            raise EstateError(f"{root} is not there", hint="Name a folder or a file that this user may read.")


def _folder(folder: str, prefix: str, walked: Walked, depth: int) -> Iterator[Place]:
    if depth > _DEEPEST:
        walked.passed_over["folders nested too deeply"] += 1
        return
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        walked.passed_over["folders that this user may not read"] += 1
        return
    if depth and _is_not_ones_own(folder, {entry.name for entry in listed}):
        walked.passed_over["folders of installed packages"] += 1
        return
    for entry in listed:
        name = f"{prefix}{_printable(entry.name)}"
        try:
            yield from _entry(entry, name, walked, depth)
        except OSError:
            walked.passed_over["files that this user may not read"] += 1


def _entry(entry: "os.DirEntry[str]", name: str, walked: Walked, depth: int) -> Iterator[Place]:
    if entry.is_symlink():
        walked.passed_over["links"] += 1
    elif entry.is_dir(follow_symlinks=False):
        if entry.name in _PASSED_OVER:
            walked.passed_over[
                "folders of installed packages" if "." not in entry.name[:1] else "folders of tools"
            ] += 1
        else:
            yield from _folder(entry.path, f"{name}/", walked, depth + 1)
    elif entry.is_file(follow_symlinks=False):
        yield from _file(entry.path, name, entry.stat(follow_symlinks=False).st_size, walked)
    else:
        walked.passed_over["sockets, pipes and devices"] += 1


def _file(path: str, name: str, size_bytes: int, walked: Walked) -> Iterator[Place]:
    walked.files += 1
    if name.lower().endswith(_ARCHIVES):
        walked.archives.append(name)
    else:
        yield Place(path, name, size_bytes)


def _is_not_ones_own(folder: str, names: set[str]) -> bool:
    return any(
        mark in names and (not called or os.path.basename(folder) == called)  # noqa: PTH119 - a string among strings
        for mark, called in _MARKS.items()
    )


def _printable(name: str) -> str:
    """A name may be any bytes; a report is text, and no terminal is to be steered by it."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
