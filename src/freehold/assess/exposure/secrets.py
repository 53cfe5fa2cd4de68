# SPDX-License-Identifier: Apache-2.0
"""Secrets in plain text: found, told by kind and place, and taken out of whatever is shown. No value leaves here."""

import re
from collections.abc import Iterator

from freehold.assess.exposure.finding import Secret
from freehold.assess.exposure.knowledge import Knowledge
from freehold.assess.exposure.reading import Text

_AFTER = r"(?![A-Za-z0-9])"
_PLACEHOLDER = re.compile(r"(?i)x{4,}|\.{3}|your|example|placeholder|change-?me|dummy|redacted|insert|<|\*{3}|0{8,}")
_ASSIGNED = re.compile(
    r"""\b([A-Z][A-Z0-9_]{3,60}(?:KEY|TOKEN|SECRET))["']?\s*[:=]\s*["']?([A-Za-z0-9_./+=-]{16,200})"""
)
_LEAST_KINDS = 6  # of letters and digits in what is random


class Secrets:
    """Compiled once for all files. Each pattern begins with plain letters, which makes the search for it quick."""

    def __init__(self, known: Knowledge) -> None:
        self._known = known
        self._shapes = [(re.compile(rf"{rule.match}{_AFTER}"), rule) for rule in known.places.secrets]

    def find(self, text: Text, file: str) -> Iterator[Secret]:
        """Each place once. What is plainly a placeholder is none."""
        told: set[int] = set()
        for pattern, rule in self._shapes:
            for match in pattern.finditer(text.text):
                line = text.line_at(match.start())
                if line not in told and _begins(text.text, match.start()) and _is_random(match[0]):
                    told.add(line)
                    yield Secret(file=file, line=line, what=rule.what, provider=rule.provider)
        if "KEY" in text.text or "TOKEN" in text.text or "SECRET" in text.text:
            yield from self._assigned(text, file, told)

    def _assigned(self, text: Text, file: str, told: set[int]) -> Iterator[Secret]:
        """What a variable for a secret is given."""
        for match in _ASSIGNED.finditer(text.text):
            variable = self._known.variables.get(match[1])
            line = text.line_at(match.start(2))
            random = _is_random(match[2]) and any(map(str.isdigit, match[2]))
            if variable and line not in told and random:
                told.add(line)
                yield Secret(file=file, line=line, what=f"value of {match[1]}", provider=variable.provider)

    def hidden(self, shown: str) -> str:
        """The same with every secret taken out."""
        for pattern, _ in self._shapes:
            shown = pattern.sub("[secret]", shown)
        return shown


def _begins(text: str, at: int) -> bool:
    """Whether no word runs into it."""
    return at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_-")


def _is_random(value: str) -> bool:
    return not _PLACEHOLDER.search(value) and len(set(value)) >= _LEAST_KINDS
