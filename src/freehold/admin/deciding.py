# SPDX-License-Identifier: Apache-2.0
"""The operations by which a person decides about single targets: list, withdraw, restore; and what is to be decided."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

from freehold.admin.directing import Directing
from freehold.admin.doctor import Check, Finding
from freehold.admin.interface import Parts
from freehold.admin.keys import digest_of_text, new_salt
from freehold.admin.orders import Holding, OwedAct
from freehold.admin.previewing import Previewing
from freehold.admin.requests import ByName, Nothing, RestoreTarget, WithdrawTarget
from freehold.admin.views import View
from freehold.admin.withdrawal_views import target_views
from freehold.admin.withdrawals import Withdrawals
from freehold.continuity.directives import Phase
from freehold.continuity.states import Cause, Way, ended_by
from freehold.contract.standing import TargetState
from freehold.errors import EstateError, NotFound

Answer = Mapping[str, object]


class Deciding:
    """The operations. ``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, withdrawals: Withdrawals, directing: Directing) -> None:
        self._parts = parts
        self._withdrawals = withdrawals
        self._directing = directing
        self._orders = withdrawals.orders
        self._means = withdrawals.means
        self._previewing = Previewing(withdrawals)

    async def list_targets(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002 - the shape of every operation
        """Every target: its state, since when, why, and the evidence for whoever has to decide."""
        return {"targets": await asyncio.to_thread(self.views)}

    async def show_target(self, request: ByName, asker: str) -> Answer:  # noqa: ARG002
        """Raises NotFound."""
        self._require_known(request.name)
        return {"target": await asyncio.to_thread(self._view, request.name)}

    async def withdraw(self, request: WithdrawTarget, asker: str) -> Answer:
        """Have a target get no call until a person restores it; with ``dry_run`` only tell what that would do."""
        self._require_known(request.name)
        if request.dry_run:
            return await self._previewed(request.name, self._previewing.of_withdrawal)
        holding = Holding(
            target=request.name,
            cause=Cause.PERSON,
            since_unix=self._means.now_unix(),
            by=asker,
            why=request.reason,
        )
        salt = new_salt()
        digests = {"reason": digest_of_text(salt, request.reason)}
        owed = OwedAct(kind="target.withdraw", subject=request.name, operator=asker, digests=digests)
        async with self._means.changing:
            await asyncio.to_thread(self._orders.hold, holding, owed, ending=ended_by(Way.WITHDRAW), salt=salt)
            self._withdrawals.decided(request.name)
            await self._withdrawals.done(f"{request.name} is withdrawn")
        await self._withdrawals.warm(frozenset({request.name}))
        return {"target": await asyncio.to_thread(self._view, request.name)}

    async def restore(self, request: RestoreTarget, asker: str) -> Answer:
        """End what a person may end: a suspicion, and what a person withdrew. A directive goes on holding."""
        self._require_known(request.name)
        if request.dry_run:
            return await self._previewed(request.name, self._previewing.of_restoring)
        async with self._means.changing:
            view = await asyncio.to_thread(self._view, request.name)
            holdings = await asyncio.to_thread(self._orders.holdings)
            ending = {one.cause for one in holdings if one.target == request.name} & ended_by(Way.RESTORE)
            if not ending:
                raise _not_to_restore(view)
            await self._means.record("target.restore", request.name, asker, {})
            await asyncio.to_thread(self._orders.end, request.name, ending)
            self._withdrawals.decided(request.name)
            await self._withdrawals.done(f"{request.name} is restored")
        return {"target": await asyncio.to_thread(self._view, request.name)}

    def views(self) -> list[View]:
        """Blocks."""
        snapshot = self._means.composed()
        return target_views(
            snapshot.targets,
            snapshot.services,
            self._means.settings(),
            self._withdrawals.facts,
            self._withdrawals.held,
            self._orders.holdings(),
            self._orders.reasons(),
            self._withdrawals.cases,
            self._parts.publisher.reports,
        )

    def checks(self) -> Iterator[Check]:
        """What a person should know of withdrawals. Blocks."""
        for view in self.views():
            if view["state"] == TargetState.SUSPECTED:
                yield Check(
                    name="withdrawal",
                    finding=Finding.WARN,
                    what=f"{view['target']} looks withdrawn since {view['since']}, and gets no call",
                    advice=f"Decide: 'freehold target restore {view['target']}' or 'freehold target withdraw'.",
                )
        for view in self._directing.views():
            if view["state"] != Phase.LIFTED:
                yield _of_directive(view)

    async def _previewed(self, name: str, preview: Callable[[str], View]) -> Answer:
        view = await asyncio.to_thread(self._view, name)
        return {"target": view, "preview": await asyncio.to_thread(preview, name), "etag": view["etag"]}

    def _view(self, name: str) -> View:
        return next(view for view in self.views() if view["target"] == name)

    def _require_known(self, name: str) -> None:
        targets = self._means.settings().targets
        if name not in targets:
            raise NotFound(f"there is no target {name!r}; there are: {', '.join(targets)}", hint="Name one of them.")


def _of_directive(view: View) -> Check:
    what = f"directive {view['id']} on {view['kind']} {view['name']} is {view['state']}"
    if view["to_sign"]:
        return Check(
            name="withdrawal",
            finding=Finding.WARN,
            what=f"{what}, and waits for another operator's signature",
            advice=f"'freehold directive confirm {view['id']}' shows it and signs it.",
        )
    if view["state"] == Phase.SCHEDULED:
        what = f"{what} for {view['effective']}"
    return Check(name="withdrawal", finding=Finding.OK, what=what)


def _not_to_restore(view: View) -> EstateError:
    name, directives = view["target"], view["directives"]
    if isinstance(directives, list) and directives:
        return EstateError(
            f"{name} is withdrawn by directive {', '.join(directives)}, and comes back once that is lifted",
            hint=f"'freehold directive lift {directives[0]}' does that.",
        )
    if view["state"] == TargetState.RETIRED:
        return EstateError(
            f"{name} is retired: {view['retires']} has come", hint="Change its 'retires', then 'freehold reload'."
        )
    return EstateError(f"{name} is {view['state']}: there is nothing to restore")
