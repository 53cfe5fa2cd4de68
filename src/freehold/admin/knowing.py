# SPDX-License-Identifier: Apache-2.0
"""The operations on facts: whoever runs a provider, who can compel them, and by which source. Reads; asks nobody."""

import asyncio
import difflib
from datetime import date
from typing import Any

import msgspec

from freehold.admin.means import Answer, Means
from freehold.admin.requests import ByOperator, Nothing
from freehold.admin.views import View
from freehold.contract.facts import UNKNOWN
from freehold.errors import NotFound
from freehold.policy.facts import RULE_VERSION, Description, Register, describe, owned_facts
from freehold.policy.load import OWN, day_of


class Knowing:
    """``asker`` is the id of the operator."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def list_providers(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002 - the shape of every operation
        """Every provider of the register, in short."""
        return {"providers": await asyncio.to_thread(self._summaries)}

    async def show_facts(self, request: ByOperator, asker: str) -> Answer:  # noqa: ARG002
        """The chain of one, with its sources. Raises NotFound."""
        return {"facts": await asyncio.to_thread(self._shown, request.operator)}

    def _summaries(self) -> list[View]:
        register, today = self._register(), self._today()
        return [summary_view(describe(register, name, today)) for name in register.providers]

    def _shown(self, operator: str) -> View:
        if operator == OWN:
            return _of_the_estate()
        register = self._register()
        if operator not in register.providers:
            raise no_provider(operator, register)
        return facts_view(describe(register, operator, self._today()))

    def _register(self) -> Register:
        register = self._means.register()
        if register is None:
            raise RuntimeError("the operations were not started")
        return register

    def _today(self) -> date:
        return day_of(self._means.now_unix())


def summary_view(description: Description) -> View:
    facts: View = msgspec.to_builtins(description.facts)
    del facts["reasons"], facts["owned"], facts["operator"]
    return {
        "name": description.name,
        "title": description.title,
        **facts,
        "confidence": description.confidence.value,
        "open_questions": open_questions(description),
        "own": description.own,
    }


def facts_view(description: Description) -> View:
    """All there is to say."""
    details: dict[str, Any] = msgspec.to_builtins(description)
    facts = details.pop("facts")
    told = {"operator": facts["operator"], "owned": facts["owned"], "reasons": facts["reasons"]}
    return {**summary_view(description), **details, **told}


def open_questions(description: Description) -> int:
    """How many questions about who can compel it have no confirmed answer."""
    return sum(reason.state == UNKNOWN for reason in description.facts.reasons)


def no_provider(name: str, register: Register) -> NotFound:
    """With those that it may have been meant for."""
    wanted = name.lower()
    near = [known for known in register.providers if wanted and (wanted in known or known in wanted)]
    near += [known for known in difflib.get_close_matches(wanted, register.providers, n=3) if known not in near]
    hint = f"Near it: {', '.join(near[:5])}." if near else "'freehold provider list' shows all."
    return NotFound(f"there is no provider {name!r} in the register", hint=hint)


def _of_the_estate() -> View:
    facts: View = msgspec.to_builtins(owned_facts())
    nothing: list[str] = []
    return {
        **facts,
        "name": OWN,
        "title": "this estate's own engines",
        "confidence": "confirmed",
        "open_questions": 0,
        "own": True,
        "rule_version": RULE_VERSION,
        **dict.fromkeys(("overridden", "chain", "terms", "hosts", "dialects"), nothing),
        **dict.fromkeys(("statutes", "licences", "notes", "unknown"), nothing),
    }
