# SPDX-License-Identifier: Apache-2.0
"""C# and its neighbours: project files, central versions, packages.config, lock files, Paket."""

import re
from collections.abc import Iterator
from typing import Final

from freehold.assess.exposure.manifests.declared import Declared
from freehold.assess.exposure.reading import Text

_REFERENCE: Final = re.compile(
    r"""<(?:PackageReference|PackageVersion|GlobalPackageReference)\b[^>]*?\b(?:Include|Update)\s*=\s*["']([\w.-]+)["']|<(?:package|dependency)\s[^>]*?\bid\s*=\s*["']([\w.-]+)["']""",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)


def project(text: Text) -> Iterator[Declared]:
    plain = _COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text.text)
    for match in _REFERENCE.finditer(plain):
        yield Declared(text.line_at(match.start()), "nuget", match[1] or match[2])


def is_whole_xml(text: Text) -> bool:
    return text.text.rstrip().endswith(">") and ("</" in text.text[-200:] or "/>" in text.text[-200:])


def lock(text: Text) -> Iterator[Declared]:
    for match in re.finditer(r'"([\w.-]+)"\s*:\s*\{\s*"type"', text.text):
        yield Declared(text.line_at(match.start(1)), "nuget", match[1])


def paket(text: Text) -> Iterator[Declared]:
    for number, line in enumerate(text.lines, start=1):
        if match := re.match(r"\s*(?:nuget\s+([\w.-]+)|([A-Z][\w.-]+)(?:\s+\(.*\))?\s*$)", line):
            yield Declared(number, "nuget", match[1] or match[2])
