# SPDX-License-Identifier: Apache-2.0
"""Withdraw: directives issued, signed and lifted, and targets decided about. Nothing is done that was not shown first.

Every act carries the etag of what was shown. If that is not so any more, it is not done, and shown anew.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from freehold.console.interface import Found, Moved, Page, Shown, Visit
from freehold.console.reading.withdrawal import (
    DirectiveAnswer,
    DirectivePreview,
    Directives,
    Order,
    TargetAnswer,
    TargetPreview,
    Targets,
    read_order,
)
from freehold.errors import Conflict, FreeholdError, InvalidRequest

_HERE: Final = "/console/withdraw"
_LATEST: Final = 200  # directives that were lifted are shown among so many
_DONE: Final = {
    "issued": "The directive is issued.",
    "confirmed": "Your signature is on record.",
    "lifted": "The directive is lifted, or its lifting waits for another operator.",
    "withdrawn": "The target is withdrawn.",
    "restored": "The target is back in service, unless a directive holds it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that stands, and the form."""

    standing: Found[Directives]  # those that hold something, or will
    latest: Found[Directives]  # whatever became of them
    targets: Found[Targets]
    order: Order
    problem: FreeholdError | None = None  # with what was typed
    done: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """What a directive would do, before it is issued."""

    order: Order
    shown: DirectivePreview
    conflict: FreeholdError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneDirective:
    """A directive, and what the operator may do about it."""

    found: Found[DirectiveAnswer]
    operator: str
    problem: FreeholdError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTarget:
    """A target, with what it would mean to take it out and to have it back."""

    found: Found[TargetAnswer]
    withdrawing: Found[TargetPreview]
    restoring: Found[TargetPreview]
    reason: str = ""
    problem: FreeholdError | None = None


async def show(visit: Visit) -> Shown:
    """What stands, what waits for somebody, and the form."""
    asked = {name: (value,) for name in ("kind", "name") if (value := visit.asked(name))}
    return await _overview(visit, read_order(asked), done=_DONE.get(visit.asked("done"), ""))


async def preview(visit: Visit) -> Shown:
    """What was typed, and what it would do."""
    return await _preview(visit, read_order(visit.form))


async def show_form(visit: Visit) -> Shown:
    """A preview that was asked for without saying of what."""
    return await _overview(visit, Order())


async def issue(visit: Visit) -> Shown | Moved:
    """Issue what was shown."""
    order = read_order(visit.form)
    try:
        await visit.ask("POST", "directives", order.fields(), if_match=visit.said("etag"))
    except Conflict as conflict:
        return await _preview(visit, order, conflict)
    except FreeholdError as problem:
        return await _overview(visit, order, problem)
    return Moved(to=f"{_HERE}?done=issued")


async def show_directive(visit: Visit) -> Shown:
    """One directive, whole."""
    return await _directive(visit)


async def act_on_directive(visit: Visit) -> Shown | Moved:
    """Sign it, or lift it."""
    path = f"directives/{quote(visit.names['id'], safe='')}"
    try:
        if visit.said("act") == "confirm":
            await visit.ask("POST", f"{path}/confirm", {"digest": visit.said("digest")}, if_match=visit.said("etag"))
            return Moved(to=f"{_HERE}?done=confirmed")
        await visit.ask("POST", f"{path}/lift", if_match=visit.said("etag"))
        return Moved(to=f"{_HERE}?done=lifted")
    except FreeholdError as problem:
        return await _directive(visit, problem)


async def show_target(visit: Visit) -> Shown:
    """One target: its evidence, and what a decision would mean."""
    return await _target(visit)


async def act_on_target(visit: Visit) -> Shown | Moved:
    """Withdraw it, or restore it."""
    path = f"targets/{quote(visit.names['name'], safe='')}"
    try:
        if visit.said("act") == "restore":
            await visit.ask("POST", f"{path}/restore", if_match=visit.said("etag"))
            return Moved(to=f"{_HERE}?done=restored")
        reason = {"reason": visit.said("reason")}
        await visit.ask("POST", f"{path}/withdraw", reason, if_match=visit.said("etag"))
        return Moved(to=f"{_HERE}?done=withdrawn")
    except FreeholdError as problem:
        return await _target(visit, problem)


async def _overview(visit: Visit, order: Order, problem: FreeholdError | None = None, done: str = "") -> Shown:
    view = Overview(
        standing=await visit.look(Directives, "directives", {"standing": True, "newest": True, "limit": 1000}),
        latest=await visit.look(Directives, "directives", {"newest": True, "limit": _LATEST}),
        targets=await visit.look(Targets, "targets", {"limit": 1000}),
        order=order,
        problem=problem,
        done=done,
    )
    status = _status(problem)
    return Shown(template="withdraw.html", title="Withdraw", view=view, script="withdraw.js", status=status)


async def _preview(visit: Visit, order: Order, conflict: FreeholdError | None = None) -> Shown:
    found = await visit.look(DirectivePreview, "directives/preview", order.fields(), method="POST")
    if found.value is None:
        return await _overview(visit, order, found.problem or InvalidRequest("there is nothing to preview"))
    view = Confirm(order=order, shown=found.value, conflict=conflict)
    status = 412 if conflict else 200
    return Shown(template="withdraw_confirm.html", title="Before you confirm", view=view, status=status)


async def _directive(visit: Visit, problem: FreeholdError | None = None) -> Shown:
    found = await visit.look(DirectiveAnswer, f"directives/{quote(visit.names['id'], safe='')}")
    view = OneDirective(found=found, operator=visit.operator, problem=problem)
    status = _status(problem)
    return Shown(template="withdraw_directive.html", title="Directive", view=view, status=status)


async def _target(visit: Visit, problem: FreeholdError | None = None) -> Shown:
    path = f"targets/{quote(visit.names['name'], safe='')}"
    view = OneTarget(
        found=await visit.look(TargetAnswer, path),
        withdrawing=await visit.look(
            TargetPreview, f"{path}/withdraw", {"reason": "-", "dry_run": True}, method="POST"
        ),
        restoring=await visit.look(TargetPreview, f"{path}/restore", {"dry_run": True}, method="POST"),
        reason=visit.said("reason"),
        problem=problem,
    )
    status = _status(problem)
    return Shown(template="withdraw_target.html", title=visit.names["name"], view=view, status=status)


def _status(problem: FreeholdError | None) -> int:
    return 200 if problem is None else 412 if isinstance(problem, Conflict) else 422


PAGES = (
    Page(path="withdraw", show=show),
    Page(path="withdraw/preview", show=show_form, act=preview, within="withdraw"),
    Page(path="withdraw/issue", show=show_form, act=issue, within="withdraw"),
    Page(path="withdraw/directives/{id}", show=show_directive, act=act_on_directive, within="withdraw"),
    Page(path="withdraw/targets/{name}", show=show_target, act=act_on_target, within="withdraw"),
)
