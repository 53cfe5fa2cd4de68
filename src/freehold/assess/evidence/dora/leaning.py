# SPDX-License-Identifier: Apache-2.0
"""On whom an estate leans, and who could stand in: out of rules, acceptance, drills and the calls on record. Pure.

Capacity is not reckoned: what engines can carry is known while they run, and ``freehold status`` tells it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from freehold.assess.evidence.picture import DrillDone, Picture, Served


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """One service that a provider may answer. ``instead``: targets that may stand in, and passed its cases."""

    service: str
    instead: tuple[str, ...]
    drills: tuple[DrillDone, ...]  # that took the provider away from this service; the oldest first

    @property
    def shown(self) -> bool:
        """Whether the newest drill was passed."""
        return bool(self.drills) and self.drills[-1].passed


@dataclass(frozen=True, slots=True, kw_only=True)
class OnProvider:
    """What hangs on one provider. ``calls``: of those on record; None: there is no ledger."""

    provider: str
    targets: tuple[str, ...]
    authorities: tuple[str, ...]
    carried: tuple[Carried, ...]
    calls: int | None

    @property
    def alone(self) -> tuple[str, ...]:
        """Services that nobody else may answer."""
        return tuple(one.service for one in self.carried if not one.instead)

    @property
    def substitutability(self) -> str:
        """In the layout's words. Only drills that were passed make it easy."""
        if self.alone:
            return "not"
        return "easy" if all(one.shown for one in self.carried) else "medium"

    @property
    def alternatives(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for one in self.carried for name in one.instead))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaning:
    """All of it. ``by_state``: calls on record that went to whom a state can compel."""

    providers: tuple[OnProvider, ...]
    calls: int | None
    by_state: Mapping[str, int]


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
    )


def _on(picture: Picture, operator: str) -> OnProvider:
    own = {name: b for name, b in picture.backends.items() if b.operator == operator}
    carried = [served for served in picture.services if set(served.may_answer) & own.keys()]
    answered = picture.ledger.answered if picture.ledger else None
    return OnProvider(
        provider=operator,
        targets=tuple(own),
        authorities=tuple(sorted({state for b in own.values() for state in b.facts.authorities})),
        carried=tuple(_carried(picture, served, frozenset(own)) for served in carried),
        calls=None if answered is None else sum(answered.get(name, 0) for name in own),
    )


def _carried(picture: Picture, served: Served, own: frozenset[str]) -> Carried:
    lost = own & set(served.may_answer)
    drills = [d for d in picture.drills if d.service == served.name and lost <= d.hit and not d.simulated]
    return Carried(
        service=served.name,
        instead=tuple(n for n in served.may_answer if n not in own and n not in served.unqualified),
        drills=tuple(sorted(drills, key=lambda drill: drill.began)),
    )
