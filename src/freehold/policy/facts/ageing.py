# SPDX-License-Identifier: Apache-2.0
"""How facts age: those that are older than an estate tolerates, and those that will change on a day that is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from freehold.contract.facts import Confidence
from freehold.policy.facts.entries import Adequacy, Fact, Owner
from freehold.policy.facts.register import KINDS, Register, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What will be otherwise from a day on."""

    on: date
    entry: str  # "adequacy.GB"
    what: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A fact whose source has to be looked at again."""

    entry: str
    what: str
    as_of: date
    source: str


def upcoming(register: Register, today: date) -> tuple[Change, ...]:
    """Decisions that lapse, and links that take effect, end or are awaited, from today on. The next comes first."""
    changes = {change for path, fact in _facts(register) for change in _changes(register, path, fact)}
    return tuple(
        sorted((change for change in changes if change.on >= today), key=lambda change: (change.on, change.entry))
    )


def stale(register: Register, today: date, max_age_days: int) -> tuple[Stale, ...]:
    """Facts older than ``max_age_days``, dated after today, or awaited by a day that has passed. The oldest first."""
    found = {item for path, fact in _facts(register) if (item := _staleness(path, fact, today, max_age_days))}
    return tuple(sorted(found, key=lambda item: (item.as_of, item.entry)))


def _facts(register: Register) -> Iterator[tuple[str, Fact]]:
    for kind in KINDS:
        for name, entry in getattr(register, kind).items():
            yield from walk(entry, f"{kind}.{name}")


def _changes(register: Register, path: str, fact: Fact) -> Iterator[Change]:
    if isinstance(fact, Adequacy) and fact.since is not None:
        yield Change(
            on=fact.since, entry=path, what=f"the adequacy decision for {fact.name} begins", source=fact.source
        )
    if isinstance(fact, Adequacy) and fact.expires is not None:
        yield Change(
            on=fact.expires, entry=path, what=f"the adequacy decision for {fact.name} lapses", source=fact.source
        )
    if isinstance(fact, Owner):
        owned = register.organisations[path.removeprefix("organisations.").partition(".owners")[0]].name
        link = f"{register.organisations[fact.organisation].name} as an owner of {owned}"
        ends = (
            "ends" if fact.confidence is Confidence.CONFIRMED else "is reported to end, and counts on until confirmed"
        )
        for on, what in (
            (fact.effective, "takes effect"),
            (fact.until, ends),
            (fact.expected_by, "is expected by then"),
        ):
            if on is not None:
                yield Change(on=on, entry=path, what=f"{link} {what}", source=fact.source)


def _staleness(path: str, fact: Fact, today: date, max_age_days: int) -> Stale | None:
    what = ""
    if fact.as_of > today:
        what = "is dated after today"
    elif isinstance(fact, Owner) and fact.expected_by is not None and fact.expected_by < today:
        what = f"was expected by {fact.expected_by.isoformat()}: whether it came about is not in the facts"
    elif (age_days := (today - fact.as_of).days) > max_age_days:
        what = f"is {age_days} days old"
    return Stale(entry=path, what=what, as_of=fact.as_of, source=fact.source) if what else None
