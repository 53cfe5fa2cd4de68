# SPDX-License-Identifier: Apache-2.0
"""Directives, targets and previews as the page of withdrawals reads them."""

from collections.abc import Mapping
from typing import Final

import msgspec

from freehold.console.reading.times import with_zone

_LIFTED: Final = "lifted"
_SUSPECTED: Final = "suspected"
_ACTIVE: Final = "active"
_KINDS: Final = {
    "model": "model",
    "provider": "provider",
    "authority": "whoever the state can compel:",
    "region": "whatever is computed in",
}


class Directive(msgspec.Struct, frozen=True, kw_only=True):
    """One directive, wherever in its life it is."""

    id: str
    state: str
    kind: str
    name: str
    reason: str
    source: str
    issued: str
    issued_by: str
    confirmed_by: tuple[str, ...]
    effective: str
    took_effect: str | None
    cuts: bool
    tells: bool
    signatures: int
    lift_asked: str | None
    lifted: str | None
    lifted_by: str | None
    lift_confirmed_by: tuple[str, ...]
    digest: str
    to_sign: str | None
    targets: tuple[str, ...]
    etag: str = ""

    @property
    def said(self) -> str:
        """What it withdraws, in a few words."""
        return f"{_KINDS.get(self.kind, self.kind)} {self.name}"

    @property
    def wants_lifting(self) -> bool:
        return self.lift_asked is not None and self.lifted is None

    @property
    def signers(self) -> tuple[str, ...]:
        """Whoever has signed what waits for a signature, or, where nothing does, the directive itself."""
        if self.wants_lifting:
            return (*filter(None, (self.lifted_by,)), *self.lift_confirmed_by)
        return (self.issued_by, *self.confirmed_by)

    def may_be_signed_by(self, operator: str) -> bool:
        return self.to_sign is not None and operator not in self.signers

    @property
    def may_be_lifted(self) -> bool:
        return self.state != _LIFTED and not self.wants_lifting


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one key met at a target."""

    key: str
    count: int
    statuses: tuple[int, ...]
    legal: bool
    first: str
    last: str


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway makes of a target."""

    gateway: str
    since: str | None
    error: str
    faults: int


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One target as it stands."""

    target: str
    kind: str
    model: str
    provider: str | None
    state: str
    since: str | None
    why: tuple[str, ...]
    directives: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    decided_by: str | None
    outages: tuple[Outage, ...]
    retires: str | None
    services: tuple[str, ...]
    etag: str = ""

    @property
    def to_decide(self) -> bool:
        return self.state == _SUSPECTED

    @property
    def may_be_restored(self) -> bool:
        """A suspicion, and what a person withdrew. What a directive holds comes back when that is lifted."""
        return self.to_decide or self.decided_by is not None

    @property
    def may_be_withdrawn(self) -> bool:
        return self.decided_by is None and self.state != "retired"

    @property
    def is_active(self) -> bool:
        return self.state == _ACTIVE


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A target that would be hit. ``unsure``: because nobody could establish all that is asked of it."""

    target: str
    model: str
    operator: str
    unsure: bool


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """A service that loses targets. ``left`` are those that would answer instead, in order."""

    service: str
    aliases: tuple[str, ...]
    loses: tuple[str, ...]
    left: tuple[str, ...]
    forbidden: tuple[str, ...]
    stops: bool


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an act would do."""

    targets: tuple[Hit, ...]
    services: tuple[Loss, ...]

    @property
    def stopped(self) -> tuple[str, ...]:
        return tuple(loss.service for loss in self.services if loss.stops)


class Directives(msgspec.Struct, frozen=True, kw_only=True):
    """``GET directives``."""

    directives: tuple[Directive, ...]

    @property
    def lifted(self) -> tuple[Directive, ...]:
        return tuple(one for one in self.directives if one.state == _LIFTED)


class DirectiveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """``GET directives/{id}``."""

    directive: Directive


class Targets(msgspec.Struct, frozen=True, kw_only=True):
    """``GET targets``."""

    targets: tuple[Target, ...]

    @property
    def ordered(self) -> tuple[Target, ...]:
        """What is to be decided first, and what is well last."""
        return tuple(sorted(self.targets, key=lambda one: (not one.to_decide, one.is_active)))

    @property
    def to_decide(self) -> tuple[Target, ...]:
        return tuple(one for one in self.targets if one.to_decide)


class TargetAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """``GET targets/{name}``."""

    target: Target


class DirectivePreview(msgspec.Struct, frozen=True, kw_only=True):
    """A dry run of ``POST directives``. ``etag`` stands for all that it rests on."""

    directive: Directive
    preview: Preview
    etag: str


class TargetPreview(msgspec.Struct, frozen=True, kw_only=True):
    """A dry run of ``POST targets/{name}/withdraw`` or ``restore``."""

    target: Target
    preview: Preview
    etag: str


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A directive as a form has it: what is sent to the API, and what the next form carries along."""

    kind: str = "model"
    name: str = ""
    reason: str = ""
    source: str = ""
    effective: str = ""  # RFC 3339; empty: at once
    cuts: bool = False
    tells: bool = False

    def fields(self) -> dict[str, object]:
        """The body of the request."""
        always = {"kind": self.kind, "name": self.name, "reason": self.reason, "source": self.source}
        return {**always, **msgspec.to_builtins(self)}


def read_order(form: Mapping[str, tuple[str, ...]]) -> Order:
    """What was typed. A time without a zone is UTC, as the form says; the API judges the rest."""

    def said(name: str) -> str:
        return next(iter(form.get(name, ())), "").strip()

    at = said("at") if said("when") == "later" else said("effective")
    return Order(
        kind=said("kind") or "model",
        name=said("name"),
        reason=said("reason"),
        source=said("source"),
        effective=with_zone(at),
        cuts="cuts" in form,
        tells="tells" in form,
    )
