# SPDX-License-Identifier: Apache-2.0
"""Which services could not answer now."""

import pytest

from freehold.contract.backend import BackendKind, EngineState, EngineStatus, Model, Service, Target
from freehold.contract.call import DataClass
from freehold.route import unready

SERVICE = Service(name="support", data_class=DataClass.PUBLIC, targets=("claude", "local"))
TARGETS = {
    name: Target(name=name, kind=kind, model=Model(name="m", digest=""), operator=operator)
    for name, kind, operator in (
        ("claude", BackendKind.PROVIDER, "anthropic"),
        ("local", BackendKind.ENGINE, "self"),
    )
}


def lacking(state: EngineState | None, *, standing: tuple[str, ...] = (), sealed: bool = False) -> bool:
    def status(target: str) -> EngineStatus | None:
        return EngineStatus(target=target, state=state) if state else None

    return bool(unready([SERVICE], TARGETS, status, standing, sealed=sealed))


def test_one_target_that_is_fit_is_enough() -> None:
    assert not lacking(EngineState.FAILED)
    assert not lacking(EngineState.READY, standing=("claude",))


@pytest.mark.parametrize("state", [EngineState.READY, EngineState.ASLEEP])
def test_an_engine_that_sleeps_is_as_good_as_one_that_is_ready(state: EngineState) -> None:
    assert not lacking(state, standing=("claude",))


@pytest.mark.parametrize("state", [EngineState.STARTING, EngineState.RESTARTING, EngineState.FAILED, None])
def test_one_that_is_not_up_or_not_known_answers_nothing(state: EngineState | None) -> None:
    assert lacking(state, standing=("claude",))


def test_a_sealed_estate_has_no_provider() -> None:
    assert lacking(EngineState.FAILED, sealed=True)
    assert not lacking(EngineState.READY, sealed=True)


def test_what_stands_otherwise_is_not_fit() -> None:
    assert lacking(EngineState.READY, standing=("claude", "local"))


def test_a_substitute_that_has_not_passed_its_cases_is_not_fit() -> None:
    service = Service(name="s", data_class=DataClass.PUBLIC, targets=("claude",), unqualified=("claude",))
    assert unready([service, SERVICE], TARGETS, lambda _: None) == ("s",)
