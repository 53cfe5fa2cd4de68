# SPDX-License-Identifier: Apache-2.0
"""Go, Ruby, Rust and PHP."""

import re
from collections.abc import Iterator
from typing import Final

from freehold.assess.exposure.manifests.declared import Declared
from freehold.assess.exposure.reading import Text

_SECTION: Final = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+")


def always(text: Text) -> bool:  # noqa: ARG001 - the shape of every check
    """Nothing in the format says that it goes on."""
    return True


def ends_well(text: Text) -> bool:
    """Tools write an end of line behind the last; and no key of theirs is left without its colon."""
    last = text.text.rstrip("\n").rpartition("\n")[2]
    return text.text.endswith("\n") or ":" in last or last.lstrip().startswith("-")


def go_mod(text: Text) -> Iterator[Declared]:
    for number, line in enumerate(text.lines, start=1):
        bare = line.partition("//")[0].strip().removeprefix("require").strip(" (")
        if match := re.match(r"([\w.-]+\.[a-z]+(?:/[\w.~-]+)*)\s+v\d", bare):
            yield Declared(number, "go", match[1])


def is_whole_go_mod(text: Text) -> bool:
    return text.text.count("(") == text.text.count(")")


def go_sum(text: Text) -> Iterator[Declared]:
    for number, line in enumerate(text.lines, start=1):
        if match := re.match(r"(\S+)\s+v\S+\s", line):
            yield Declared(number, "go", match[1])


def is_whole_go_sum(text: Text) -> bool:
    return all(len(line.split()) == 3 for line in text.lines if line.strip())


def gemfile(text: Text) -> Iterator[Declared]:
    for number, line in enumerate(text.lines, start=1):
        bare = line.partition("#")[0]
        if match := re.search(
            r"""(?:^\s*gem|add_(?:runtime_|development_)?dependency)\s*\(?\s*["']([\w.-]+)["']""", bare
        ):
            yield Declared(number, "gem", match[1])


def gemfile_lock(text: Text) -> Iterator[Declared]:
    for number, line in enumerate(text.lines, start=1):
        if match := re.match(r"    ([\w.-]+) \(", line):
            yield Declared(number, "gem", match[1])


def is_whole_gemfile_lock(text: Text) -> bool:
    return re.search(r"^DEPENDENCIES$", text.text, re.MULTILINE) is not None


def cargo(text: Text) -> Iterator[Declared]:
    section = ""
    for number, line in enumerate(text.lines, start=1):
        if head := _SECTION.match(line):
            section = head[1]
            if match := re.search(r"dependencies\.[\"']?([\w-]+)", section):
                yield Declared(number, "crates", match[1])
        elif section.endswith("dependencies") and (match := re.match(r"\s*[\"']?([\w-]+)[\"']?\s*[=.]", line)):
            renamed = re.search(r'package\s*=\s*"([\w-]+)"', line)
            yield Declared(number, "crates", renamed[1] if renamed else match[1])


def cargo_lock(text: Text) -> Iterator[Declared]:
    for number, line in enumerate(text.lines, start=1):
        if match := re.match(r'name = "([\w-]+)"', line):
            yield Declared(number, "crates", match[1])


def composer(text: Text) -> Iterator[Declared]:
    for section in re.finditer(r'"require(?:-dev)?"\s*:\s*\{([^{}]*)\}?', text.text):
        for entry in re.finditer(r'"([\w.-]+/[\w.-]+)"\s*:', section[1]):
            yield Declared(text.line_at(section.start(1) + entry.start(1)), "composer", entry[1])


def composer_lock(text: Text) -> Iterator[Declared]:
    for match in re.finditer(r'"name"\s*:\s*"([\w.-]+/[\w.-]+)"', text.text):
        yield Declared(text.line_at(match.start(1)), "composer", match[1])
