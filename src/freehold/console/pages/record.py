# SPDX-License-Identifier: Apache-2.0
"""The Record: searching the ledger, and one entry with its way to the signed head.

Whether an entry is in the log is not said here. The browser finds that out, from the log's own files (static/proof).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from freehold.console.interface import Found, Page, Shown, Visit
from freehold.console.reading.ledger import Entries, OneEntry, Search, read_search


class _Key(msgspec.Struct, frozen=True):
    id: str
    label: str


class _Keys(msgspec.Struct, frozen=True):
    keys: tuple[_Key, ...]


class _Service(msgspec.Struct, frozen=True):
    name: str


class _Services(msgspec.Struct, frozen=True):
    services: tuple[_Service, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The search and what it found."""

    search: Search
    found: Found[Entries]
    services: tuple[tuple[str, str], ...]  # what may be chosen: value and label
    applications: tuple[tuple[str, str], ...]
    labels: Mapping[str, str]  # of keys, by their ids

    @property
    def next(self) -> str:
        """The query of the rows that follow; empty where there are none."""
        after = self.found.value.next if self.found.value else None
        return f"?{self.search.at(after)}" if after else ""

    @property
    def first(self) -> str:
        """The query of the newest rows; empty where these are they."""
        return f"?{self.search.from_the_newest}" if self.search.cursor else ""


async def _search(visit: Visit) -> Shown:
    search = read_search({name: visit.asked(name) for name in visit.query})
    found, services, keys = await asyncio.gather(
        visit.look(Entries, "ledger/entries", search.fields),
        visit.look(_Services, "services", {"limit": 1000}),
        visit.look(_Keys, "keys", {"limit": 1000}),
    )
    names = [(service.name, service.name) for service in services.value.services] if services.value else []
    labels = (
        [(key.id, f"{key.label} ({key.id})" if key.label else key.id) for key in keys.value.keys] if keys.value else []
    )
    view = Records(
        search=search,
        found=found,
        services=_choices(names, search["service"]),
        applications=_choices(labels, search["application"]),
        labels={key.id: key.label for key in keys.value.keys if key.label} if keys.value else {},
    )
    return Shown(template="record.html", title="Record", view=view, script="record.js")


async def _open(visit: Visit) -> Shown:
    found = await visit.look(OneEntry, f"ledger/entries/{visit.names['index']}")
    title = found.value.entry.title if found.value else "Entry"
    return Shown(
        template="entry.html", title=title, view=found, script="record.js" if found.value else "", status=_status(found)
    )


def _status(found: Found[OneEntry]) -> int:
    return 404 if found.problem is not None and found.problem.code in ("not_found", "entry_pruned") else 200


def _choices(known: list[tuple[str, str]], asked: str) -> tuple[tuple[str, str], ...]:
    """What is known, and what is asked for though nothing of that name is there any more."""
    gone = [(asked, asked)] if asked and asked not in dict(known) else []
    return (("", "any"), *known, *gone)


PAGES = (
    Page(path="record", show=_search),
    Page(path="record/{index}", show=_open, within="record"),
)
