# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.continuity.suspicion import WINDOW_S, Case, Watch
from freehold.contract.backend import BackendKind, Model, Target
from freehold.contract.canary import CANARY_KEY
from freehold.contract.report import Evidence, GatewayReport

NOW = 1_795_000_000.0


def a_target(name: str, model: str, operator: str = "acme", kind: BackendKind = BackendKind.PROVIDER) -> Target:
    return Target(name=name, kind=kind, model=Model(name=model, digest=""), operator=operator)


TARGETS = (a_target("large", "l"), a_target("small", "s"), a_target("other", "o", operator="zenith"))
NAMES = {target.name for target in TARGETS}


def refused(key: str, target: str = "large", status: int = 404, at: float = NOW, *, legal: bool = False) -> Evidence:
    return Evidence(target=target, key_id=key, status=status, legal=legal, at_unix=at)


def report(*evidence: Evidence, answered: tuple[str, ...] = ()) -> GatewayReport:
    return GatewayReport(gateway="g", snapshot_version=1, evidence=evidence, answered=answered)


def case_of(watch: Watch, now: float = NOW) -> Case:
    (case,) = watch.cases(TARGETS, now)
    return case


@pytest.fixture
def watch() -> Watch:
    """One whose small model has answered."""
    watch = Watch()
    watch.hear(report(answered=("small",)), NAMES, NOW)
    return watch


@pytest.mark.parametrize("status", [403, 404, 410, 451])
def test_two_keys_are_enough_while_a_sibling_answers(watch: Watch, status: int) -> None:
    watch.hear(report(refused("key_1", status=status), refused("key_2", status=status)), NAMES, NOW)
    case = case_of(watch)
    assert case.enough
    assert case.answering == ("small",)
    assert [(seen.key_id, seen.count, seen.statuses) for seen in case.sightings] == [
        ("key_1", 1, (status,)),
        ("key_2", 1, (status,)),
    ]


def test_a_key_and_a_canary_are_enough(watch: Watch) -> None:
    watch.hear(report(refused("key_1")), NAMES, NOW)
    assert (case_of(watch).enough, case_of(watch).wants_canary) == (False, True)
    watch.hear(report(refused(CANARY_KEY)), NAMES, NOW + 1)
    assert (case_of(watch, NOW + 1).enough, case_of(watch, NOW + 1).wants_canary) == (True, False)


@given(st.lists(st.tuples(st.sampled_from([403, 404, 410, 451]), st.booleans(), st.floats(-700, 700)), max_size=200))
def test_no_caller_can_do_it_alone(calls: list[tuple[int, bool, float]]) -> None:
    watch = Watch()
    watch.hear(report(answered=("small",)), NAMES, NOW)
    for status, legal, after in calls:
        watch.hear(report(refused("key_1", status=status, legal=legal, at=NOW + after)), NAMES, NOW)
    assert not any(case.enough for case in watch.cases(TARGETS, NOW))


def test_a_canary_alone_is_no_evidence(watch: Watch) -> None:
    watch.hear(report(refused(CANARY_KEY), refused(CANARY_KEY)), NAMES, NOW)
    assert (case_of(watch).enough, case_of(watch).wants_canary) == (False, False)


def test_a_provider_of_which_nothing_answers_is_an_outage_or_a_wrong_key() -> None:
    watch = Watch()
    watch.hear(report(refused("key_1"), refused("key_2"), answered=("other",)), NAMES, NOW)
    assert not case_of(watch).telling


def test_a_legal_reason_needs_no_sibling_and_still_two_keys() -> None:
    watch = Watch()
    watch.hear(report(refused("key_1", status=400, legal=True)), NAMES, NOW)
    assert (case_of(watch).enough, case_of(watch).wants_canary) == (False, True)
    watch.hear(report(refused("key_2", status=451, legal=True)), NAMES, NOW)
    assert case_of(watch).enough


@pytest.mark.parametrize("status", [400, 401, 413, 422, 429, 500])
def test_a_callers_own_mistakes_are_no_evidence(watch: Watch, status: int) -> None:
    watch.hear(report(refused("key_1", status=status), refused("key_2", status=status)), NAMES, NOW)
    assert watch.cases(TARGETS, NOW) == ()


def test_whatever_the_target_answers_voids_what_was_held_against_it(watch: Watch) -> None:
    watch.hear(report(refused("key_1"), refused("key_2"), answered=("large",)), NAMES, NOW)
    assert watch.cases(TARGETS, NOW) == ()


def test_what_lies_before_the_window_is_forgotten(watch: Watch) -> None:
    watch.hear(report(refused("key_1")), NAMES, NOW)
    later = NOW + WINDOW_S + 1
    watch.hear(report(refused("key_2", at=later), answered=("small",)), NAMES, later)
    assert [seen.key_id for seen in case_of(watch, later).sightings] == ["key_2"]


@pytest.mark.parametrize("after_s", [1, WINDOW_S + 1])
def test_a_sibling_that_answered_before_vouches_for_nothing(watch: Watch, after_s: float) -> None:
    """The whole provider may refuse by now."""
    later = NOW + after_s
    watch.hear(report(refused("key_1", at=later), refused("key_2", at=later)), NAMES, later)
    assert not case_of(watch, later).telling
    watch.hear(report(answered=("small",)), NAMES, later + 1)
    assert case_of(watch, later + 1).enough


def test_another_name_of_the_same_model_is_no_sibling() -> None:
    watch, twins = Watch(), (TARGETS[0], replace(TARGETS[0], name="twin"))
    watch.hear(report(refused("key_1"), refused("key_2"), answered=("twin",)), {"large", "twin"}, NOW)
    assert not any(case.telling for case in watch.cases(twins, NOW))


def test_what_gateways_say_of_targets_that_there_are_not_is_not_kept(watch: Watch) -> None:
    watch.hear(report(refused("key_1", target="gone")), NAMES, NOW)
    assert watch.cases((*TARGETS, a_target("gone", "g")), NOW) == ()


def test_memory_is_bounded_however_many_keys_there_are(watch: Watch) -> None:
    for number in range(500):
        watch.hear(report(refused(f"key_{number}", at=NOW + number / 1000)), NAMES, NOW + 1)
    sightings = case_of(watch, NOW + 1).sightings
    assert len(sightings) == 32
    assert sightings[-1].key_id == "key_499"


def test_canaries_are_few_and_a_clock_set_back_does_not_end_them(watch: Watch) -> None:
    assert [watch.may_try("large", NOW + after) for after in (0, 1, 59, 60, 61)] == [True, False, False, True, False]
    assert watch.may_try("small", NOW)
    assert watch.may_try("large", NOW - 3600)


def test_what_was_seen_before_a_person_decided_counts_no_more(watch: Watch) -> None:
    watch.hear(report(refused("key_1")), NAMES, NOW)
    watch.clear("large")
    watch.hear(report(refused("key_2")), NAMES, NOW)
    assert not case_of(watch).enough
