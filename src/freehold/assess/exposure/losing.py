# SPDX-License-Identifier: Apache-2.0
"""What if: which applications of a code base stop without a provider, a state, or a law by which states reach out.

Pure. An estate's part of the answer, which is what goes on and on what, is ``continuity/readiness.py``'s.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from freehold.assess.exposure.assessment import Assessment, Dependency, Exposure
from freehold.assess.exposure.knowledge import Kind
from freehold.assess.exposure.moving import Effort, hardest
from freehold.contract.facts import UNKNOWN
from freehold.errors import NotFound
from freehold.policy.facts import Register
from freehold.policy.facts.states import STATES

_BESIDE = frozenset({Kind.TELEMETRY, Kind.AGENT_CONFIG})  # without it the application goes on, and its makers do not


class Scope(StrEnum):
    """What is thought away."""

    PROVIDER = "provider"
    AUTHORITY = "authority"  # all that a state can compel
    STATUTE = "statute"  # all that its state can compel


@dataclass(frozen=True, slots=True, kw_only=True)
class Without:
    """What is thought away, and by which states: none for a provider."""

    scope: Scope
    name: str
    states: frozenset[str] = frozenset()


class Fate(StrEnum):
    """What becomes of an application."""

    STOPS = "stops"
    MAY_STOP = "may stop"  # nobody could establish that it would not
    DEGRADED = "goes on with less"  # tracing or assistants alone
    GOES_ON = "goes on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One application. ``lost`` are providers, ``remaining`` those that stay; ``carried``: services of an estate."""

    application: str
    fate: Fate
    lost: tuple[str, ...]
    remaining: tuple[str, ...]
    effort: Effort | None = None  # to move what is lost
    carried: tuple[str, ...] = ()
    reason: str = ""


def read_without(written: str, register: Register, known: Iterable[str]) -> Without:
    """A provider, a state or a statute. Raises NotFound."""
    if written in register.statutes:
        return Without(scope=Scope.STATUTE, name=written, states=frozenset({register.statutes[written].state}))
    if written in register.providers or written in set(known):
        return Without(scope=Scope.PROVIDER, name=written)
    if written in STATES:
        return Without(scope=Scope.AUTHORITY, name=written, states=frozenset({written}))
    raise NotFound(
        f"{written!r} is no provider, state or statute that is known here",
        hint="Write a provider as 'freehold provider list' names it, a state (US) or a statute (US-CLOUD).",
    )


Carries = Callable[[str], str]  # a model's name to the service of an estate that answers to it; empty: none


def outcomes(assessment: Assessment, without: Without, carries: Carries | None = None) -> tuple[Outcome, ...]:
    """Every application that has findings, in the order of names."""
    by_provider = {one.provider: one for one in assessment.dependencies}
    grouped: dict[str, list[Exposure]] = {name: [] for name in assessment.applications}
    for exposure in assessment.exposures:
        grouped.setdefault(exposure.application, []).append(exposure)
    return tuple(_outcome(name, grouped[name], by_provider, without, carries) for name in sorted(grouped))


def _outcome(
    name: str,
    exposures: list[Exposure],
    by_provider: dict[str, Dependency],
    without: Without,
    carries: Carries | None,
) -> Outcome:
    hit = [one for one in exposures if _hits(by_provider[one.found.provider], without)]
    lost = tuple(sorted({one.found.provider for one in hit}))
    remaining = tuple(sorted({one.found.provider for one in exposures} - set(lost)))
    if not hit:
        return Outcome(
            application=name, fate=Fate.GOES_ON, lost=(), remaining=remaining, reason="it asks nobody that is lost"
        )
    fate, reason = _fate(hit, by_provider, without)
    models = sorted({one.found.model for one in hit if one.found.model})
    carried = tuple(dict.fromkeys(service for model in models if carries and (service := carries(model))))
    return Outcome(
        application=name,
        fate=fate,
        lost=lost,
        remaining=remaining,
        effort=hardest(one.move for one in hit),
        carried=carried,
        reason=reason,
    )


def _fate(hit: list[Exposure], by_provider: dict[str, Dependency], without: Without) -> tuple[Fate, str]:
    if all(one.found.kind in _BESIDE for one in hit):
        return Fate.DEGRADED, "what is lost is tracing, or an assistant of those who write it"
    sure = [
        one
        for one in hit
        if one.found.kind not in _BESIDE and _hits(by_provider[one.found.provider], without, surely=True)
    ]
    if sure:
        return Fate.STOPS, f"{sure[0].found.file}:{sure[0].found.line} needs {sure[0].found.provider}"
    first = next(one for one in hit if one.found.kind not in _BESIDE)
    return Fate.MAY_STOP, f"nobody established who all can compel {first.found.provider}"


def _hits(dependency: Dependency, without: Without, *, surely: bool = False) -> bool:
    """Where it is not known which states can compel a provider, each of them may."""
    if without.scope is Scope.PROVIDER:
        return dependency.provider == without.name
    states = set(dependency.states)
    return bool(states & without.states) or (not surely and UNKNOWN in states)
