# SPDX-License-Identifier: Apache-2.0
"""On whom an estate leans, and who could stand in: out of rules, acceptance, drills and the calls on record. Pure.

Capacity has two sources. A drill shows what the estate carried without the provider, at the rate of its calls; and a
running estate says what its engines have room for at that instant. Only the first is held against the record.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from freehold.assess.evidence.picture import Busiest, DrillDone, Lost, Picture, Served


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """One service that a provider may answer. ``instead``: targets that may stand in, and passed its cases."""

    service: str
    instead: tuple[str, ...]
    drills: tuple[DrillDone, ...]  # that took the provider away from this service; the oldest first
    busiest: tuple[Busiest, ...]  # minutes of the provider's targets, by the calls on record
    foreseen: Lost | None  # what would become of it without the provider
    lacks: str  # what is not shown of leaving, in words; empty: nothing

    @property
    def shown(self) -> bool:
        """Whether the newest drill was passed, and made as many calls a minute as there ever were on record."""
        return not self.lacks


@dataclass(frozen=True, slots=True, kw_only=True)
class OnProvider:
    """What hangs on one provider. ``calls``: of those on record; None: there is no ledger."""

    provider: str
    targets: tuple[str, ...]
    authorities: tuple[str, ...]
    carried: tuple[Carried, ...]
    calls: int | None
    share_pct: float | None  # of all calls on record that anybody answered; None: there is none
    alone: tuple[str, ...]  # services that nobody else may answer
    alternatives: tuple[str, ...]
    substitutability: str  # in the layout's words; only drills that were passed make it easy


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaning:
    """All of it. ``by_state``: calls on record that went to whom a state can compel. ``up``: the estate ran."""

    providers: tuple[OnProvider, ...]
    calls: int | None
    by_state: Mapping[str, int]
    states: tuple[Lost, ...]  # what would become of each service without all that a state can compel
    up: bool


def leaning(picture: Picture) -> Leaning:
    used = dict.fromkeys(n for served in picture.services for n in served.may_answer)
    operators = sorted({picture.backends[n].operator for n in used if not picture.backends[n].owned})
    answered = picture.ledger.answered if picture.ledger else {}
    by_state = Counter[str]()
    for name, count in answered.items():
        known = picture.backends.get(name)
        for state in known.facts.authorities if known else ("??",):
            by_state[state] += count
    return Leaning(
        providers=tuple(_on(picture, operator) for operator in operators),
        calls=sum(answered.values()) if picture.ledger else None,
        by_state=dict(sorted(by_state.items())),
        states=tuple(lost for lost in picture.foresight.losses if lost.kind == "authority"),
        up=picture.foresight.up,
    )


def _on(picture: Picture, operator: str) -> OnProvider:
    own = {name: b for name, b in picture.backends.items() if b.operator == operator}
    hanging = [served for served in picture.services if set(served.may_answer) & own.keys()]
    carried = tuple(_carried(picture, served, operator, frozenset(own)) for served in hanging)
    answered = picture.ledger.answered if picture.ledger else {}
    calls, every = sum(answered.get(name, 0) for name in own), sum(answered.values())
    return OnProvider(
        provider=operator,
        targets=tuple(own),
        authorities=tuple(sorted({state for b in own.values() for state in b.facts.authorities})),
        carried=carried,
        calls=calls if picture.ledger else None,
        share_pct=round(calls / every * 100, 1) if every else None,
        alone=tuple(one.service for one in carried if not one.instead),
        alternatives=tuple(dict.fromkeys(name for one in carried for name in one.instead)),
        substitutability=_substitutability(carried),
    )


def _substitutability(carried: tuple[Carried, ...]) -> str:
    if not all(one.instead for one in carried):
        return "not"
    return "easy" if all(one.shown for one in carried) else "medium"


def _carried(picture: Picture, served: Served, operator: str, own: frozenset[str]) -> Carried:
    lost = own & set(served.may_answer)
    drills = [d for d in picture.drills if d.service == served.name and lost <= d.hit and not d.simulated]
    drills.sort(key=lambda drill: drill.began)
    busiest = picture.ledger.busiest if picture.ledger else ()
    own_busiest = tuple(one for one in busiest if one.service == served.name and one.target in own)
    instead = tuple(n for n in served.may_answer if n not in own and n not in served.unqualified)
    foreseen = (one for one in picture.foresight.losses if (one.kind, one.name) == ("provider", operator))
    return Carried(
        service=served.name,
        instead=instead,
        drills=tuple(drills),
        busiest=own_busiest,
        foreseen=next((one for one in foreseen if one.service == served.name), None),
        lacks=_lacks(instead, drills, max((one.calls for one in own_busiest), default=0)),
    )


def _lacks(instead: tuple[str, ...], drills: list[DrillDone], most: int) -> str:
    if not instead:
        return "nobody else may answer it and has passed its cases"
    if not drills:
        return "no drill on this estate has taken the provider away"
    newest = drills[-1]
    if not newest.passed:
        return f"the newest drill, {newest.id}, was not passed"
    if newest.per_minute < most:
        return f"the newest drill made {newest.per_minute:.0f} calls a minute, and {most} were answered in one"
    return ""
