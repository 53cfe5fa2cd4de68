# SPDX-License-Identifier: Apache-2.0
"""Java and its neighbours: Maven, Gradle in both languages, version catalogues, sbt."""

import re
from collections.abc import Iterator
from typing import Final

from freehold.assess.exposure.manifests.declared import Declared
from freehold.assess.exposure.reading import Text

_DEPENDENCY: Final = re.compile(r"<(dependency|plugin)>(.*?)(?:</\1>|\Z)", re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_COORDINATES: Final = re.compile(r"""["']([\w.-]+):([\w.-]+)(?::[^"']*)?["']""")
_NAMED: Final = re.compile(r"""group\s*[:=]\s*["']([\w.-]+)["']\s*,\s*name\s*[:=]\s*["']([\w.-]+)["']""")
_SCALA: Final = re.compile(r'"([\w.-]+)"\s*%{1,3}\s*"([\w.-]+)"\s*%')


def pom(text: Text) -> Iterator[Declared]:
    """Each dependency, on the line of its artifact."""
    plain = _COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text.text)
    for block in _DEPENDENCY.finditer(plain):
        group = re.search(r"<groupId>\s*([\w.${}-]+)\s*</groupId>", block[2])
        artifact = re.search(r"<artifactId>\s*([\w.-]+)\s*</artifactId>", block[2])
        if group and artifact:
            yield Declared(text.line_at(block.start(2) + artifact.start()), "maven", f"{group[1]}:{artifact[1]}")


def is_whole_pom(text: Text) -> bool:
    return "</project>" in text.text or "<project" not in text.text


def gradle(text: Text) -> Iterator[Declared]:
    for number, line in enumerate(text.lines, start=1):
        bare = re.sub(r"(?:^|\s)(?://|#).*$", "", line)
        for pattern in (_COORDINATES, _NAMED, _SCALA):
            yield from (Declared(number, "maven", f"{match[1]}:{match[2]}") for match in pattern.finditer(bare))


def gradle_lock(text: Text) -> Iterator[Declared]:
    for number, line in enumerate(text.lines, start=1):
        if match := re.match(r"([\w.-]+):([\w.-]+):[^=]+=", line):
            yield Declared(number, "maven", f"{match[1]}:{match[2]}")


def is_whole_gradle_lock(text: Text) -> bool:
    return re.search(r"^empty=", text.text, re.MULTILINE) is not None
