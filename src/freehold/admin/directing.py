# SPDX-License-Identifier: Apache-2.0
"""The operations on directives: issue, confirm, lift, list. Two operators' signatures where the estate asks for them.

A signature binds the digest of what was issued, so that nobody confirms anything but what they were shown.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from freehold.admin.etags import etag_of
from freehold.admin.keys import digest_of_text, new_id, new_salt
from freehold.admin.orders import OwedAct
from freehold.admin.previewing import Previewing
from freehold.admin.requests import ById, IssueDirective, ListDirectives, SignDirective
from freehold.admin.views import View
from freehold.admin.withdrawal_views import directive_view
from freehold.admin.withdrawals import Withdrawals
from freehold.continuity.directives import (
    Phase,
    confirmed,
    digest_of,
    digest_to_sign,
    is_due,
    lift_asked,
    lift_digest_of,
    phase,
    signers,
    wants_lifting,
)
from freehold.contract.facts import UNKNOWN
from freehold.contract.standing import Directive, ScopeKind
from freehold.errors import EstateError, InvalidRequest, NotFound
from freehold.policy.facts.states import STATES

Answer = Mapping[str, object]


class Directing:
    """The operations. ``asker`` is the id of the operator."""

    def __init__(self, withdrawals: Withdrawals) -> None:
        self._withdrawals = withdrawals
        self._orders = withdrawals.orders
        self._means = withdrawals.means
        self._previewing = Previewing(withdrawals)

    async def list_directives(self, request: ListDirectives, asker: str) -> Answer:  # noqa: ARG002 - the usual shape
        """Every directive ever issued, oldest first unless the newest are asked for."""
        views = await asyncio.to_thread(self.views)
        if request.standing:
            views = [view for view in views if view["state"] != Phase.LIFTED]
        return {"directives": views[::-1] if request.newest else views}

    async def show_directive(self, request: ById, asker: str) -> Answer:  # noqa: ARG002
        """Raises NotFound."""
        await self._known(request.id)
        return {"directive": await asyncio.to_thread(self._view, request.id)}

    async def preview(self, request: IssueDirective, asker: str) -> Answer:
        """Tell what a directive would do, and do nothing."""
        return await self.issue(msgspec.structs.replace(request, dry_run=True), asker)

    async def issue(self, request: IssueDirective, asker: str) -> Answer:
        """Withdraw what the directive names, at once or at its hour; with ``dry_run`` only tell what that would do."""
        salt = new_salt()
        directive = self._drawn_up(request, asker, salt)
        preview = await asyncio.to_thread(self._previewing.of_directive, directive)
        if request.dry_run:
            shown = directive_view(directive, request.reason, _names(preview))
            etag = await asyncio.to_thread(self._etag, request, preview)
            return {"directive": shown, "preview": preview, "etag": etag}
        digests = {"directive": digest_of(directive), **_digests(request, salt)}
        owed = OwedAct(kind="directive.issue", subject=directive.id, operator=asker, digests=digests)
        async with self._means.changing:
            await asyncio.to_thread(self._orders.add, directive, request.reason, owed, salt)
            await self._withdrawals.done(f"directive {directive.id} is issued")
        await self._withdrawals.warm(frozenset(_names(preview)))
        return {"directive": await asyncio.to_thread(self._view, directive.id), "preview": preview}

    async def confirm(self, request: SignDirective, asker: str) -> Answer:
        """Sign a directive, or its lifting, that another operator wants. Raises EstateError for whoever signed it."""
        async with self._means.changing:
            directive = await self._known(request.id)
            self._require_open(directive, asker, request.digest)
            lifts, now_unix = wants_lifting(directive), self._means.now_unix()
            signed = confirmed(directive, asker, now_unix)
            owed = OwedAct(
                kind="directive.confirm",
                subject=directive.id,
                operator=asker,
                digests={"lift" if lifts else "directive": request.digest},
            )
            if lifts:  # it gives power: on record first
                await self._means.record(owed.kind, owed.subject, owed.operator, owed.digests)
            await asyncio.to_thread(self._orders.change, signed, None if lifts else owed)
            await self._withdrawals.done(f"directive {directive.id} is confirmed")
        return {"directive": await asyncio.to_thread(self._view, directive.id)}

    async def lift(self, request: ById, asker: str) -> Answer:
        """End a directive, once enough operators have signed that. What it alone held comes back as it was."""
        async with self._means.changing:
            directive = await self._known(request.id)
            if phase(directive) is Phase.LIFTED:
                raise EstateError(
                    f"directive {directive.id} is lifted already", hint="'freehold directive list' shows it."
                )
            if wants_lifting(directive):
                raise EstateError(
                    f"{directive.lifted_by} asked already to lift directive {directive.id}",
                    hint=f"It waits for another operator: 'freehold directive confirm {directive.id}'.",
                )
            signatures = self._means.settings().continuity.signatures
            lifted = lift_asked(directive, asker, self._means.now_unix(), signatures=signatures)
            digests = {"directive": digest_of(directive), "lift": lift_digest_of(lifted)}
            await self._means.record("directive.lift", directive.id, asker, digests)
            await asyncio.to_thread(self._orders.change, lifted)
            await self._withdrawals.done(f"directive {directive.id} is lifted")
        return {"directive": await asyncio.to_thread(self._view, directive.id)}

    def views(self) -> list[View]:
        """Blocks."""
        reasons = self._orders.reasons()
        return [
            directive_view(one, reasons.get(one.id, ""), self._withdrawals.hit_by(one))
            for one in self._orders.directives()
        ]

    def _view(self, id: str) -> View:  # noqa: A002
        return next(view for view in self.views() if view["id"] == id)

    async def _known(self, id: str) -> Directive:  # noqa: A002
        directives = await asyncio.to_thread(self._orders.directives)
        found = next((directive for directive in directives if directive.id == id), None)
        if found is None:
            raise NotFound(f"there is no directive {id!r}", hint="'freehold directive list' shows them.")
        return found

    def _drawn_up(self, request: IssueDirective, asker: str, salt: bytes) -> Directive:
        """Times are whole seconds, because signatures bind them. A time that is over is now."""
        now_unix = float(int(self._means.now_unix()))
        effective_unix = max(now_unix, _unix(request.effective) if request.effective else now_unix)
        _require_source(request.source)
        directive = Directive(
            id=new_id("dir"),
            kind=ScopeKind(request.kind),
            name=_name(request),
            source=request.source,
            reason_sha256=digest_of_text(salt, request.reason).removeprefix("sha256:"),
            issued_unix=now_unix,
            issued_by=asker,
            effective_unix=effective_unix,
            cuts=request.cuts,
            tells=request.tells,
            signatures=self._means.settings().continuity.signatures,
        )
        if is_due(directive, now_unix):
            directive = replace(directive, took_effect_unix=now_unix)
        return directive

    def _require_open(self, directive: Directive, asker: str, digest: str) -> None:
        if phase(directive) is not Phase.UNCONFIRMED and not wants_lifting(directive):
            raise EstateError(f"directive {directive.id} waits for no signature: it is {phase(directive)}")
        if asker in signers(directive):
            raise EstateError(
                f"{asker} has signed this of directive {directive.id}, and a second signature is another operator's",
                hint="An operator with a token of their own confirms it: FREEHOLD_OPERATOR, or --operator-token FILE.",
            )
        if digest != digest_to_sign(directive):
            raise EstateError(
                f"what waits for a signature of directive {directive.id} is not what has this digest",
                hint="'freehold directive list' shows what waits; look at it again before you sign.",
            )

    def _etag(self, request: IssueDirective, preview: View) -> str:
        """Over what the directive would do, and what is ordered already: what whoever confirms it was shown."""
        standing = [[view["id"], view["state"]] for view in self.views() if view["state"] != Phase.LIFTED]
        return etag_of([request.kind, request.name, preview, standing])


def _name(request: IssueDirective) -> str:
    """As it is compared. Raises InvalidRequest for what can name nothing: that would withdraw nothing in silence."""
    kind = ScopeKind(request.kind)
    if kind in {ScopeKind.AUTHORITY, ScopeKind.REGION}:
        state = request.name.upper()
        if state not in STATES:
            raise InvalidRequest(
                f"{request.name!r} is no state: two letters of ISO 3166-1, such as US, FR or GB",
                param="name",
                hint=f"A state that nobody could establish ({UNKNOWN}) counts as any that is named.",
            )
        return state
    if kind is ScopeKind.MODEL and request.name.count("*") > 1:
        raise InvalidRequest(f"{request.name!r} has more than one '*'", param="name")
    if kind is ScopeKind.PROVIDER and request.name == "self":
        raise InvalidRequest("'self' is this estate, and no provider", param="name")
    return request.name


def _require_source(source: str) -> None:
    try:
        parts = urlsplit(source)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        named = False
    if not named or any(character.isspace() or not character.isprintable() for character in source):
        raise InvalidRequest(
            "the source is not the URL of the order, http:// or https://",
            param="source",
            hint="Name where the order can be read. Nothing is sent there.",
        )


def _unix(at: datetime) -> float:
    return float(int(at.timestamp()))


def _digests(request: IssueDirective, salt: bytes) -> dict[str, str]:
    return {"reason": digest_of_text(salt, request.reason), "source": digest_of_text(b"", request.source)}


def _names(preview: View) -> Iterable[str]:
    targets = preview["targets"]
    return [str(view["target"]) for view in targets] if isinstance(targets, list) else []
