# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.contract.backend import EngineState, EngineStatus, Service
from freehold.contract.call import DataClass
from freehold.route import Names, order


def service(name: str, *aliases: str) -> Service:
    return Service(name=name, data_class=DataClass.INTERNAL, targets=("local",), aliases=aliases)


NAMES = Names(
    [service("default", "gpt-*", "claude-*", "o1"), service("support", "gpt-4*", "*-mini"), service("exact", "gpt-4o")]
)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("default", "default"),
        ("gpt-3.5-turbo", "default"),
        ("gpt-4-turbo", "support"),
        ("gpt-4o", "exact"),
        ("claude-sonnet-4-5", "default"),
        ("o1", "default"),
        ("o1-mini", "support"),
        ("gpt-", "default"),
    ],
)
def test_exact_beats_pattern_and_longer_beats_shorter(asked: str, name: str) -> None:
    found = NAMES.service(asked)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("asked", ["", "gpt", "unknown", "GPT-4o", "o2"])
def test_a_name_that_nobody_claims_has_no_service(asked: str) -> None:
    assert NAMES.service(asked) is None


def test_a_pattern_does_not_match_a_name_shorter_than_its_two_ends() -> None:
    assert Names([service("s", "ab*ba")]).service("aba") is None


def test_only_names_that_can_be_told_apart_are_listed() -> None:
    assert [name for name, _ in NAMES.listed()] == ["default", "support", "exact", "o1", "gpt-4o"]


def test_targets_are_tried_in_the_services_order_without_those_that_only_a_person_can_bring_back() -> None:
    states = {
        "broken": EngineStatus(target="broken", state=EngineState.FAILED),
        "asleep": EngineStatus(target="asleep", state=EngineState.ASLEEP),
    }
    assert order(("unknown", "broken", "asleep"), states.get) == ("unknown", "asleep")
