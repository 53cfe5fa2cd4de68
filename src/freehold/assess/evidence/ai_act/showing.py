# SPDX-License-Identifier: Apache-2.0
"""What the estate itself shows of a duty: that calls are logged, logs are kept, and use can be suspended. Pure."""

from collections.abc import Iterator
from typing import Final

from freehold.assess.evidence.picture import Evidence, Kind, LedgerHead, Picture
from freehold.assess.evidence.wording import counted

SIX_MONTHS_DAYS: Final = 184  # the longest that six months can be


def shown(what: str, picture: Picture, service: str) -> tuple[Evidence, ...]:
    """Nothing where the estate does not show it."""
    if what == "logged":
        return tuple(_logged(picture, service))
    if what == "kept":
        return tuple(_kept(picture))
    return tuple(_suspended(picture, service)) if what == "suspended" else ()


def _logged(picture: Picture, service: str) -> Iterator[Evidence]:
    head = picture.ledger
    if head is None or not head.size:
        return
    says = (
        f"every call is admitted before it is answered and closed once in a signed log, by itself; of {service} it has "
        f"{counted(head.answers.get(service, 0), 'answer')} and {counted(head.refused.get(service, 0), 'refusal')}"
    )
    yield Evidence(kind=Kind.LEDGER, where=place_of(head), says=says, as_of=head.newest_at)


def _kept(picture: Picture) -> Iterator[Evidence]:
    head, days = picture.ledger, picture.setup.prune_after_days
    if head is None or not head.size or 0 < days < SIX_MONTHS_DAYS:
        return
    how = f"entries may be pruned after {days} days" if days else "entries are never pruned"
    yield Evidence(kind=Kind.FILE, where="freehold.toml, [ledger] prune_after_days", says=how, as_of=picture.at)
    since = f"entries are kept from {head.minimum_index} on, the oldest of {head.oldest_at or 'no time'}"
    yield Evidence(kind=Kind.LEDGER, where=place_of(head), says=since, as_of=head.newest_at)


def _suspended(picture: Picture, service: str) -> Iterator[Evidence]:
    drills = [drill for drill in picture.drills if drill.service == service and not drill.simulated]
    newest = max(drills, key=lambda drill: drill.began, default=None)
    if newest is not None:
        verdict = "passed" if newest.passed else "not passed"
        says = f"a directive takes targets out of use at once; rehearsed in {newest.scenario}: {verdict}"
        yield Evidence(kind=Kind.DRILL, where=f"drills/{newest.id}.json", says=says, as_of=newest.began)


def place_of(head: LedgerHead) -> str:
    """Where a statement about the log is to be checked."""
    return f"{head.origin}, checkpoint of size {head.size}"
