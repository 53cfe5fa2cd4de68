# SPDX-License-Identifier: Apache-2.0
"""JavaScript and TypeScript: package.json, and the locks of npm, Yarn, pnpm, Bun and Deno."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from freehold.assess.exposure.manifests.declared import Declared
from freehold.assess.exposure.reading import Text

_NAME: Final = r"(?:@[\w.~-]+/)?[\w.~-]+"
_SECTION: Final = re.compile(
    r'"(?:dependencies|devDependencies|peerDependencies|optionalDependencies|bundledDependencies|resolutions|overrides)"\s*:\s*\{([^{}]*)\}?'
)
_ENTRY: Final = re.compile(rf'"({_NAME})"\s*:\s*"')
_ALIAS: Final = re.compile(rf'"npm:({_NAME})@')


def package_json(text: Text) -> Iterator[Declared]:
    for section in _SECTION.finditer(text.text):
        for entry in _ENTRY.finditer(section[1]):
            line = text.line_at(section.start(1) + entry.start(1))
            alias = _ALIAS.match(section[1], entry.end() - 1)
            yield Declared(line, "npm", alias[1] if alias else entry[1])


def package_lock(text: Text) -> Iterator[Declared]:
    """Version 1 nests entries by name, 2 and 3 list folders; 2 has both."""
    entry = re.compile(rf'"(?:[^"\n]*node_modules/)({_NAME})"\s*:\s*\{{|"({_NAME})"\s*:\s*\{{\s*"version"\s*:')
    for match in entry.finditer(text.text):
        name = match[1] or match[2]
        yield Declared(text.line_at(match.start(1) if match[1] else match.start(2)), "npm", name)


def yarn_lock(text: Text) -> Iterator[Declared]:
    """Version 1 and Berry: heads of entries, each with one or more ranges."""
    for number, line in enumerate(text.lines, start=1):
        if line and not line[0].isspace() and not line.startswith(("#", "__metadata")):
            for match in re.finditer(rf'(?:^"?|,\s*"?)({_NAME})@', line):
                yield Declared(number, "npm", match[1])


def is_whole_yarn(text: Text) -> bool:
    """Every entry has a version; that of a file which was cut in its last has none."""
    last = re.split(r"\n(?=\S)", text.text.rstrip())[-1]
    return text.text.endswith("\n") and ("version" in last or last.startswith(("#", "__metadata")) or not last)


def pnpm_lock(text: Text) -> Iterator[Declared]:
    """Versions 5 (``/name/1.0.0``), 6 (``/name@1.0.0``) and 9 (``name@1.0.0``)."""
    entry = re.compile(rf"""^\s{{2}}['"]?/?({_NAME})[@/]\d[^:]*:""")
    for number, line in enumerate(text.lines, start=1):
        if match := entry.match(line):
            yield Declared(number, "npm", match[1])


def bun_lock(text: Text) -> Iterator[Declared]:
    for match in re.finditer(rf'"(?:[^"\n]*/)?[^"\n]+"\s*:\s*\[\s*"({_NAME})@', text.text):
        yield Declared(text.line_at(match.start()), "npm", match[1])


def is_whole_bun(text: Text) -> bool:
    return text.text.rstrip().endswith("}")


def deno(text: Text) -> Iterator[Declared]:
    for match in re.finditer(rf'(?:npm:/?|esm\.sh/)({_NAME})(?:@|["/])', text.text):
        yield Declared(text.line_at(match.start()), "npm", match[1])


def is_json(text: Text) -> bool:
    try:
        msgspec.json.decode(text.text.encode(), type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
