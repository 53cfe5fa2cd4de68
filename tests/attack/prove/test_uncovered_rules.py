# SPDX-License-Identifier: Apache-2.0
"""Rules that Cedar accepts and the prover does not cover: nothing is proved of a set that has one."""

from pathlib import Path

import pytest
from tests.prove_builder import GROUPS, NOW_UNIX, STATES

from freehold.contract.law import Law, RuleFile
from freehold.errors import PolicyNotProvable
from freehold.policy.load import check
from freehold.policy.prove import parse_claim, prove

_RULES = Path(__file__).with_name("rules")
_CONSTRUCTS = {
    "address": "the operator 'ip'",
    "date": "the operator 'datetime'",
    "decimal": "the operator 'decimal'",
    "has-attribute": "'has'",
    "if-between-backends": "an 'if' between anything but truths, numbers, strings and sets of strings",
    "like": "'like'",
    "operator-in": "the operator 'in' between these types",
    "operator-is-in": "'is ... in'",
    "record": "an attribute of anything but principal, resource and context",
    "scope-in": "the scope 'principal in'",
    "scope-is-in": "the scope 'resource is ... in'",
    "set-of-backends": "a set of anything but strings or numbers",
    "set-of-sets": "a set of anything but strings or numbers",
    "set-of-truths": "a set of anything but strings or numbers",
    "sets-of-numbers": "the operator 'contains_all' between these types",
    "whole-context": "the context as a whole",
}


def test_every_rule_here_is_tried() -> None:
    assert {path.stem for path in _RULES.iterdir()} == set(_CONSTRUCTS)


@pytest.mark.parametrize(("name", "construct"), _CONSTRUCTS.items())
def test_a_rule_with_an_uncovered_construct_is_refused_by_name(name: str, construct: str) -> None:
    file = RuleFile(name=f"policies/{name}.cedar", text=(_RULES / f"{name}.cedar").read_text(encoding="utf-8"))
    check((file,))
    with pytest.raises(PolicyNotProvable) as refused:
        prove(Law(files=(file,), states=STATES), [parse_claim("no data outside owned", GROUPS)], now_unix=NOW_UNIX)
    assert (
        refused.value.message
        == f"policies/{name}.cedar, line 1: rule 'uncovered' uses {construct}, which is not covered"
    )
