# SPDX-License-Identifier: Apache-2.0
"""The ledger's entries as the Record page shows them, and what its search may say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import msgspec

PAGE_ROWS: Final = 50

_FILTERS: Final = ("from", "to", "kind", "service", "application", "decision", "ending", "mentions")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?\Z")
_LAST: Final = 200


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A call, an act, or an outcome by itself. What does not apply is None."""

    index: int
    kind: str
    at: str
    call: str | None = None
    service: str | None = None
    application: str | None = None
    data_class: str | None = None
    effect: str | None = None
    decision: str | None = None
    target: str | None = None
    ending: str | None = None
    error: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    seams: int | None = None
    act: str | None = None
    subject: str | None = None
    operator: str | None = None

    @property
    def verdict(self) -> str:
        """How a call stands, in a word that a style is named by."""
        if self.effect == "refuse":
            return "refused"
        return self.ending or "open"

    @property
    def tokens(self) -> int | None:
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """The whole log."""

    origin: str
    size: int
    minimum_index: int = 0


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``GET ledger/entries``: one page of rows, newest first.

    ``whole`` is false where the search stopped before the page was full; ``damaged`` tells what it could not read.
    """

    entries: tuple[Row, ...]
    next: str | None
    examined: int
    whole: bool
    log: Log
    damaged: tuple[str, ...] = ()


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """Another entry about the same: ``what`` is admission, outcome or erasure."""

    what: str
    index: int


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Of inclusion; only its size is looked at here: the browser makes its own."""

    size: int


class Problem(msgspec.Struct, frozen=True, kw_only=True, rename={"message": "detail"}):
    """Why something could not be read."""

    code: str
    message: str
    hint: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry, whole."""

    index: int
    origin: str
    position: str
    kind: str
    at: str | None
    fields: dict[str, object] | None
    text: str | None
    related: tuple[Related, ...]
    proof: Proof | None
    vkey: str
    problem: Problem | None = None

    @property
    def title(self) -> str:
        return f"{_TITLES.get(self.kind, 'Entry')} {self.index}"

    @property
    def rows(self) -> tuple[tuple[str, object], ...]:
        """Its fields for a table, without those that are empty; objects and lists are shown apart."""
        said = (self.fields or {}).items()
        plain = ((name, value) for name, value in said if not isinstance(value, dict | list) and value != "")
        return tuple(sorted(plain, key=lambda row: _PLACE.get(row[0], _LAST)))

    @property
    def targets(self) -> tuple[Mapping[str, object], ...]:
        """Of an admission: every target that was judged."""
        found = (self.fields or {}).get("targets", [])
        return tuple(target for target in found if isinstance(target, dict)) if isinstance(found, list) else ()

    @property
    def seams(self) -> tuple[Mapping[str, object], ...]:
        """Of an outcome: where another target took over."""
        found = (self.fields or {}).get("seams", [])
        return tuple(seam for seam in found if isinstance(seam, dict)) if isinstance(found, list) else ()

    @property
    def details(self) -> tuple[tuple[str, str, object], ...]:
        """The objects in it, field by field: what a decision or an act rests on."""
        return tuple(
            (name, key, value)
            for name in ("decision", "digests")
            if isinstance(found := (self.fields or {}).get(name), dict)
            for key, value in found.items()
        )


class OneEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``GET ledger/entries/{index}``."""

    entry: Entry


_TITLES: Final = {"admission": "Admission", "outcome": "Outcome", "act": "Act"}
_ORDER: Final = (
    *("kind", "at", "call", "id", "act", "subject", "operator", "effect", "service", "key", "data_class", "asked"),
    *("admission", "ending", "error", "target", "model", "input_tokens", "output_tokens", "answer_bytes"),
)
_PLACE: Final = {name: place for place, name in enumerate(_ORDER)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for; the empty text is anything. Times are UTC."""

    filters: Mapping[str, str]
    cursor: str = ""

    def __getitem__(self, name: str) -> str:
        return self.filters.get(name, "")

    @property
    def is_narrow(self) -> bool:
        return bool(self.filters)

    @property
    def fields(self) -> dict[str, object]:
        """For the admin API."""
        cursor = {"cursor": self.cursor} if self.cursor else {}
        times = {name: _instant(self.filters[name]) for name in ("from", "to") if name in self.filters}
        return {"limit": PAGE_ROWS, **self.filters, **times, **cursor}

    @property
    def from_the_newest(self) -> str:
        """The query of the same search, from the newest row on."""
        return urlencode(self.filters)

    def at(self, cursor: str) -> str:
        """The same from a place on."""
        return urlencode({**self.filters, "cursor": cursor})


def read_search(asked: Mapping[str, str]) -> Search:
    """What a query says, without what it leaves empty."""
    filters = {name: asked[name] for name in _FILTERS if asked.get(name)}
    return Search(filters=filters, cursor=asked.get("cursor", ""))


def _instant(written: str) -> str:
    """What a browser's field for a time holds, as RFC 3339. Anything else is left for the API to refuse."""
    return f"{written}{':00' * (written.count(':') == 1)}Z" if _INSTANT.fullmatch(written) else written
