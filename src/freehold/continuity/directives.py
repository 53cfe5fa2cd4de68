# SPDX-License-Identifier: Apache-2.0
"""What a directive hits, where it is in its life, and what signatures on it bind. Pure.

A directive names a model, a provider, an authority or a region, and so reaches every service and alias that leads
there. Several may hit one target; it stays withdrawn until the last of them is lifted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from freehold.contract.backend import BackendKind, Service, Target
from freehold.contract.digest import sha256_of
from freehold.contract.facts import UNKNOWN, BackendFacts
from freehold.contract.standing import Directive, ScopeKind


class Phase(StrEnum):
    """Where a directive is in its life."""

    UNCONFIRMED = "unconfirmed"  # it waits for another operator
    SCHEDULED = "scheduled"  # it waits for its hour
    IN_FORCE = "in force"
    LIFTED = "lifted"


def phase(directive: Directive) -> Phase:
    """By what is on record alone: no clock takes back what took effect."""
    if directive.lifted_unix:
        return Phase.LIFTED
    if directive.took_effect_unix:
        return Phase.IN_FORCE
    return Phase.SCHEDULED if _signed(directive) else Phase.UNCONFIRMED


def is_due(directive: Directive, now_unix: float) -> bool:
    return phase(directive) is Phase.SCHEDULED and directive.effective_unix <= now_unix


def taken_effect(directive: Directive, now_unix: float) -> Directive:
    """The directive, in force if it is due."""
    return replace(directive, took_effect_unix=now_unix) if is_due(directive, now_unix) else directive


def wants_lifting(directive: Directive) -> bool:
    """Whether its lifting was asked for and waits for another operator."""
    return bool(directive.lift_asked_unix) and not directive.lifted_unix


def confirmed(directive: Directive, by: str, now_unix: float) -> Directive:
    """With one more signature on what waits for one: its lifting if that was asked for, else the directive itself."""
    if wants_lifting(directive):
        return _lifted_if_signed(replace(directive, lift_confirmed_by=(*directive.lift_confirmed_by, by)), now_unix)
    return taken_effect(replace(directive, confirmed_by=(*directive.confirmed_by, by)), now_unix)


def lift_asked(directive: Directive, by: str, now_unix: float, *, signatures: int) -> Directive:
    """Lifted, once enough have signed. What has no signatures of its own yet needs none to be given up."""
    needed = 1 if phase(directive) is Phase.UNCONFIRMED else signatures
    return _lifted_if_signed(
        replace(directive, lift_asked_unix=now_unix, lifted_by=by, lift_signatures=needed), now_unix
    )


def signers(directive: Directive) -> frozenset[str]:
    """Whoever has signed what waits for a signature now: none of them can sign it again."""
    if wants_lifting(directive):
        return frozenset({directive.lifted_by, *directive.lift_confirmed_by})
    return frozenset({directive.issued_by, *directive.confirmed_by})


def digest_of(directive: Directive) -> str:
    """``sha256:`` over what was issued, as canonical JSON: what a signature on it binds. Times are whole seconds."""
    return _digest(
        {
            "id": directive.id,
            "kind": directive.kind,
            "name": directive.name,
            "source": directive.source,
            "reason_sha256": directive.reason_sha256,
            "issued_unix": int(directive.issued_unix),
            "issued_by": directive.issued_by,
            "effective_unix": int(directive.effective_unix),
            "cuts": directive.cuts,
            "tells": directive.tells,
            "signatures": directive.signatures,
        }
    )


def lift_digest_of(directive: Directive) -> str:
    """The same over its lifting, as it was asked for."""
    return _digest(
        {
            "lifts": digest_of(directive),
            "asked_unix": int(directive.lift_asked_unix),
            "asked_by": directive.lifted_by,
            "signatures": directive.lift_signatures,
        }
    )


def digest_to_sign(directive: Directive) -> str:
    """Of what waits for a signature now."""
    return lift_digest_of(directive) if wants_lifting(directive) else digest_of(directive)


def hits(directive: Directive, target: Target, facts: BackendFacts | None) -> bool:
    """Whether the directive withdraws the target. A state that nobody could establish may be the one that is named.

    Engines of the estate have no authority but the estate's own, which no directive is about; ``facts`` are those of
    the target's operator.
    """
    match directive.kind:
        case ScopeKind.MODEL:
            return _fits(directive.name, target.model.name)
        case ScopeKind.PROVIDER:
            return target.kind is BackendKind.PROVIDER and target.operator == directive.name
        case ScopeKind.AUTHORITY:
            return _among(directive.name, facts.authorities if facts else None, target)
        case ScopeKind.REGION:
            return _among(directive.name, facts.locations if facts else None, target)


def unsure(directive: Directive, target: Target, facts: BackendFacts | None) -> bool:
    """Whether it hits the target only because nobody knows better."""
    known = () if facts is None else facts.authorities if directive.kind is ScopeKind.AUTHORITY else facts.locations
    return (
        directive.kind in {ScopeKind.AUTHORITY, ScopeKind.REGION}
        and hits(directive, target, facts)
        and directive.name not in known
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One service that loses targets, and the ones that are left to it, in its order."""

    service: str
    aliases: tuple[str, ...]
    loses: tuple[str, ...]
    left: tuple[str, ...]  # that are in service, and that its rules allow
    forbidden: tuple[str, ...]  # that are in service, and that its rules do not allow

    @property
    def stops(self) -> bool:
        return not self.left


def losses(
    services: Iterable[Service], hit: frozenset[str], out: frozenset[str], allowed: frozenset[tuple[str, str]]
) -> tuple[Loss, ...]:
    """What services lose with the targets in ``hit``, where those in ``out`` are out of service already.

    ``allowed`` has the pairs of service and target that the rules permit for a call of the service's own class.
    """
    found = []
    for service in services:
        loses = tuple(name for name in service.targets if name in hit - out)
        rest = [name for name in service.targets if name not in hit | out]
        if loses:
            left = tuple(name for name in rest if (service.name, name) in allowed)
            found.append(
                Loss(
                    service=service.name,
                    aliases=service.aliases,
                    loses=loses,
                    left=left,
                    forbidden=tuple(name for name in rest if name not in left),
                )
            )
    return tuple(found)


def _signed(directive: Directive) -> bool:
    return len({directive.issued_by, *directive.confirmed_by}) >= directive.signatures


def _lifted_if_signed(directive: Directive, now_unix: float) -> Directive:
    signed = len({directive.lifted_by, *directive.lift_confirmed_by})
    return replace(directive, lifted_unix=now_unix) if signed >= directive.lift_signatures else directive


def _fits(pattern: str, model: str) -> bool:
    """As aliases fit: one ``*`` stands for anything, also nothing."""
    head, star, tail = pattern.partition("*")
    if not star:
        return model == pattern
    return model.startswith(head) and model.endswith(tail) and len(model) >= len(head) + len(tail)


def _among(state: str, states: tuple[str, ...] | None, target: Target) -> bool:
    if target.kind is BackendKind.ENGINE:
        return False
    return states is None or not states or state in states or UNKNOWN in states


def _digest(fields: dict[str, object]) -> str:
    return sha256_of(msgspec.json.encode(fields, order="sorted"))
