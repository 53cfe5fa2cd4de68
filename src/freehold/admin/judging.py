# SPDX-License-Identifier: Apache-2.0
"""The operations that ask what the rules would say: explained, as a table, proved; and whether the files agree.

All but the last look at what is in force. None puts anything in force.
"""

import asyncio

import msgspec

from freehold.admin.configured import read_configured
from freehold.admin.consulted import Consulted, explained, law_view, recalled, tabulated
from freehold.admin.interface import Parts
from freehold.admin.means import Answer, Means
from freehold.admin.problems import problem_of
from freehold.admin.requests import ExplainCall, Nothing, ProveClaims, TabulatePolicy
from freehold.admin.views import View
from freehold.contract.law import Law
from freehold.errors import InvalidRequest, NotFound, OperatorError
from freehold.ledger.record.search import find_decision
from freehold.ledger.tree.store import LedgerFiles
from freehold.policy.cedar import read_rules
from freehold.policy.facts import Register
from freehold.policy.load import day_of, groups_of
from freehold.policy.prove import Claim, Verdict, claims_text, parse_claim, prove, read_claims
from freehold.policy.text import Groups
from freehold.settings import read_settings

_ALONE = frozenset({"service", "data_class", "key", "purpose", "backends"})  # what a decision of the past has already


class Judging:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, means: Means) -> None:
        self._parts = parts
        self._means = means
        self._proving = asyncio.Lock()  # one prover at a time: it takes memory and a core

    async def explain(self, request: ExplainCall, asker: str) -> Answer:  # noqa: ARG002 - the shape of every operation
        """Why a call would be answered as it is, or was. Raises NotFound, InvalidRequest."""
        if request.decision is None:
            return {"explanation": await asyncio.to_thread(self._explained, request)}
        if any(getattr(request, name) for name in _ALONE):
            raise InvalidRequest("give either a decision or a call of your own", param="decision")
        head = await self._parts.ledger.publish()
        return {"decision": await asyncio.to_thread(self._recalled, request.decision, head.size)}

    async def tabulate(self, request: TabulatePolicy, asker: str) -> Answer:  # noqa: ARG002
        """Who may see which call, as a table. Raises NotFound."""
        return {"matrix": await asyncio.to_thread(self._tabulated, request)}

    async def prove(self, request: ProveClaims, asker: str) -> Answer:  # noqa: ARG002
        """Claims about the rules in force. Raises ClaimInvalid, PolicyNotProvable."""
        async with self._proving:
            return {"claims": await asyncio.to_thread(self._proved, request)}

    async def check(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002
        """Whether the files are sound, and say what is in force."""
        return {"policy": await asyncio.to_thread(self._checked)}

    def _explained(self, request: ExplainCall) -> View:
        keys = self._parts.state.api_keys()
        return explained(self._consulted(), request, keys, self._parts.estate, self._means.register())

    def _recalled(self, decision: str, size: int) -> View:
        found = find_decision(LedgerFiles(self._parts.estate.ledger).entries(0, size), decision)
        if found is None:
            raise no_decision(decision)
        return recalled(self._consulted(), *found, self._parts.state.api_keys(), self._parts.estate)

    def _tabulated(self, request: TabulatePolicy) -> View:
        found, keys = self._consulted(), self._parts.state.api_keys()
        cells = tabulated(found, request, keys, self._parts.estate, self._means.register())
        return {**law_view(found, pending=False), "cells": msgspec.to_builtins(cells)}

    def _proved(self, request: ProveClaims) -> list[View]:
        now_unix, law = self._means.now_unix(), self._consulted().law
        groups = groups_of(self._register(), day_of(now_unix))
        claims = self._claims(request, groups)
        if request.meaning:
            return [{**claim_view(claim), **_UNPROVED} for claim in claims]
        return [verdict_view(verdict) for verdict in prove(law, claims, now_unix=now_unix)]

    def _claims(self, request: ProveClaims, groups: Groups) -> list[Claim]:
        if request.claims:
            return [parse_claim(text, groups) for text in request.claims]
        return read_claims(claims_text(self._parts.estate), groups)

    def _checked(self) -> View:
        found, estate = self._consulted(), self._parts.estate
        view: View = {"rules": len(read_rules(found.law.files)), "problem": None}
        try:
            in_files = read_configured(estate, read_settings(estate.settings)).law(self._means.now_unix())
        except OperatorError as problem:
            return {**law_view(found, pending=True), **view, "problem": problem_of(problem)}
        return {**law_view(found, pending=_digests(in_files) != _digests(found.law)), **view}

    def _consulted(self) -> Consulted:
        snapshot = self._means.composed()
        return Consulted(in_force=True, law=snapshot.law, services=snapshot.services, targets=snapshot.targets)

    def _register(self) -> Register:
        register = self._means.register()
        if register is None:
            raise RuntimeError("the operations were not started")
        return register


def no_decision(decision: str) -> NotFound:
    return NotFound(
        f"no decision {decision!r} is on record",
        hint="An answer's Freehold-Decision header has the id; calls that fail authentication are not recorded.",
    )


def claim_view(claim: Claim) -> View:
    """A claim, and what it means exactly."""
    return {"claim": claim.text, "place": claim.place or None, "cedar": claim.cedar, "words": claim.words}


def verdict_view(verdict: Verdict) -> View:
    """A claim, judged."""
    shown = verdict.counterexample
    return {
        **claim_view(verdict.claim),
        "answer": verdict.answer,
        "proved": verdict.proved,
        "vacuous": verdict.vacuous,
        "why": verdict.why or None,
        "counterexample": {**shown.facts, "permitted_by": shown.permitted_by} if shown else None,
    }


_UNPROVED: View = {"answer": None, "proved": None, "vacuous": None, "why": None, "counterexample": None}


def _digests(law: Law) -> tuple[str, str]:
    return law.policy_digest, law.facts_digest
