# SPDX-License-Identifier: Apache-2.0
"""Laws for tests: a shipped set, rules of a test's own, and made-up operators."""

from dataclasses import replace
from functools import cache

from freehold.contract.facts import BackendFacts
from freehold.contract.law import Law, RuleFile
from freehold.policy.facts import Register, load_register
from freehold.policy.load import Sources, law_of, shipped

NOW_UNIX = 1_795_000_000.0  # November 2026
SETS = ("owned-only", "eu-only", "eu-or-adequate", "open")


def law(set_name: str = "owned-only", own: str = "", *, facts: tuple[BackendFacts, ...] = ()) -> Law:
    """The law of an estate that chose the set, and has rules and facts of its own besides."""
    return replace(_made(set_name, own), facts=(*_made(set_name, own).facts, *facts))


@cache
def _made(set_name: str, own: str) -> Law:
    files = (*shipped(set_name), *([RuleFile(name="policies/own.cedar", text=own)] if own else []))
    return law_of(Sources(set=set_name, files=files, register=_register()), now_unix=NOW_UNIX)


@cache
def _register() -> Register:
    return load_register()


def operator(name: str, *authorities: str, **more: object) -> BackendFacts:
    """Somebody else's backend of which everything is known."""
    known: dict[str, object] = {"locations": authorities, "retention_days": 0, "trains": False, **more}
    return BackendFacts(operator=name, owned=False, authorities=authorities, **known)  # type: ignore[arg-type] # shorthand
