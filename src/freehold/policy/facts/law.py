# SPDX-License-Identifier: Apache-2.0
"""What the facts say of states: unions, adequacy decisions in force, laws that reach abroad."""

from collections.abc import Iterable, Mapping
from datetime import date

from freehold.contract.facts import Confidence
from freehold.policy.facts.entries import Adequacy, Statute
from freehold.policy.facts.register import Register


def members_of(register: Register, union: str) -> frozenset[str]:
    """The states of a union, such as ``EU``. An entry that is not confirmed can take states out and put none in."""
    entry = register.jurisdictions.get(union)
    if entry is None:
        return frozenset()
    members = frozenset(entry.members) - {"unknown"}
    if entry.confidence is Confidence.CONFIRMED:
        return members
    replaced = register.overridden.jurisdictions.get(union)
    return members & frozenset(replaced.members) if replaced is not None else frozenset()


def adequacy_in_force(register: Register, today: date) -> Mapping[str, Adequacy]:
    """The confirmed decisions in force on a day, by state. Whoever uses one looks at its ``limit``."""
    return {
        state: decision
        for state, decision in register.adequacy.items()
        if decision.kind == "state"
        and decision.confidence is Confidence.CONFIRMED
        and (decision.since is None or decision.since <= today)
        and (decision.expires is None or today < decision.expires)
    }


def statutes_of(register: Register, states: Iterable[str]) -> Mapping[str, Statute]:
    """The laws by which these states reach abroad, however well established."""
    wanted = set(states)
    return {name: statute for name, statute in register.statutes.items() if statute.state in wanted}
