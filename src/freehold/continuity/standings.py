# SPDX-License-Identifier: Apache-2.0
"""From everything that holds to how each target stands. Pure: what is restored is whatever nothing else holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from freehold.continuity.directives import Phase, hits, phase
from freehold.continuity.states import Cause, strongest
from freehold.contract.backend import Target
from freehold.contract.facts import BackendFacts
from freehold.contract.standing import Directive, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """All that keeps targets out of service, by what the estate has decided. Times are when each began, by target."""

    directives: tuple[Directive, ...] = ()  # every one; those in force count
    told: Mapping[str, str] = field(default_factory=dict)  # what callers are told, by the id of the directive
    persons: Mapping[str, float] = field(default_factory=dict)
    suspicions: Mapping[str, float] = field(default_factory=dict)
    dates: Mapping[str, float] = field(default_factory=dict)


def in_force_on(target: Target, facts: BackendFacts | None, held: Held) -> tuple[Directive, ...]:
    """The directives that keep the target withdrawn, by when they took effect."""
    hitting = [one for one in held.directives if phase(one) is Phase.IN_FORCE and hits(one, target, facts)]
    return tuple(sorted(hitting, key=lambda one: (one.took_effect_unix, one.id)))


def standing_of(target: Target, facts: BackendFacts | None, held: Held) -> Standing | None:
    """None for a target that nothing holds: it is active, as far as the estate has decided."""
    directives = in_force_on(target, facts, held)
    since = _since(target.name, directives, held)
    row = strongest(since)
    if row is None:
        return None
    deciding = directives[0].id if row.cause is Cause.DIRECTIVE else ""
    return Standing(
        target=target.name,
        state=row.state,
        since_unix=since[row.cause],
        directive=deciding,
        cuts=any(one.cuts for one in directives),
        told=next((told for one in directives if (told := held.told.get(one.id))), ""),
    )


def standings_of(targets: Iterable[Target], facts: Mapping[str, BackendFacts], held: Held) -> tuple[Standing, ...]:
    """Of the targets that are not active. ``facts`` are by operator."""
    found = (standing_of(target, facts.get(target.operator), held) for target in targets)
    return tuple(standing for standing in found if standing is not None)


def _since(target: str, directives: tuple[Directive, ...], held: Held) -> dict[Cause, float]:
    began = {
        Cause.DATE: held.dates.get(target),
        Cause.DIRECTIVE: directives[0].took_effect_unix if directives else None,
        Cause.PERSON: held.persons.get(target),
        Cause.EVIDENCE: held.suspicions.get(target),
    }
    return {cause: at_unix for cause, at_unix in began.items() if at_unix is not None}
