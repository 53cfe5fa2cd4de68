# SPDX-License-Identifier: Apache-2.0
"""Clauses that are looked for in every licence's text that is not known: what a person must not have overlooked.

A clause that is found is shown with its words; one that is not found proves nothing, so such a text needs an approval
in any case.
"""

import re
from collections.abc import Iterator

_MONEY = r"(?:usd|eur|us\$|\$|€|million|billion|threshold)"
_CLAUSES: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    (
        "licence.remote",
        "lets its licensor restrict use remotely",
        re.compile(
            r"(?:restrict|limit|disable|suspend|terminate|block|control)[^.]{0,60}\bremotely\b"
            r"|\bremotely\b[^.]{0,40}(?:restrict|limit|disable|suspend|terminate|block|control)"
        ),
    ),
    (
        "licence.region",
        "grants nothing in some region",
        re.compile(
            r"(?:does|shall) not apply (?:in|to)[^.]{0,60}"
            r"(?:european union|united kingdom|korea|china|united states|european economic area)"
            r"|exclud(?:ing|es)(?: the)? (?:territory|territories|countries|region)"
            r"|(?:not (?:being )?granted|no (?:right|licen[sc]e)s?)[^.]{0,160}(?:domiciled|principal place of business|"
            r"resident|located|established) in"
        ),
    ),
    (
        "licence.cap",
        "grants nothing above a number of users or a revenue",
        re.compile(
            rf"monthly active users|\bmaus?\b|(?:revenue|turnover)[^.]{{0,120}}{_MONEY}|{_MONEY}[^.]{{0,60}}revenue"
        ),
    ),
    (
        "licence.limit",
        "forbids commercial use",
        re.compile(r"non-?commercial (?:purposes?|use|research)|not[^.]{0,40}commercial (?:purposes?|use)"),
    ),
    (
        "licence.update",
        "asks for the newest version",
        re.compile(r"(?:reasonable efforts to )?use the (?:latest|newest|most recent) version"),
    ),
)
_AROUND = 100


def clauses_in(words: str) -> Iterator[tuple[str, str, str]]:
    """The rule, what the clause does, and its words with what stands around them, of each kind the first."""
    for rule, what, pattern in _CLAUSES:
        if found := pattern.search(words):
            yield rule, what, words[max(0, found.start() - _AROUND) : found.end() + _AROUND].strip()
