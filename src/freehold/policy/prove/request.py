# SPDX-License-Identifier: Apache-2.0
"""Puts a request that z3 has found to Cedar itself, so that nothing is shown that only the prover believes."""

from collections.abc import Sequence

import cedarpy

from freehold.contract.law import Law
from freehold.policy.cedar import Rule
from freehold.policy.judge import Judge, Ruling, application_entity, backend_entity, context_of
from freehold.policy.prove.attributes import ACTION
from freehold.policy.prove.messages import Request
from freehold.policy.prove.parsing import as_rule


def ruling_on(request: Request, rules: Sequence[Rule], law: Law) -> Ruling:
    """What the estate would decide, by the very code that decides."""
    judge = Judge(rules, [request.backend], law.states)
    return judge.judge(request.application, request.backend.name, request.circumstances)


def is_ruled_out(request: Request, condition: str, law: Law) -> bool:
    """Whether the condition of a claim is true of the request."""
    application, backend = application_entity(request.application), backend_entity(request.backend, law.states)
    decided = cedarpy.is_authorized(
        {
            "principal": application["uid"],
            "action": {"type": ACTION[0], "id": ACTION[1]},
            "resource": backend["uid"],
            "context": context_of(request.circumstances),
        },
        as_rule(condition),
        [application, backend],
    )
    return decided.allowed and not decided.diagnostics.errors
