# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.continuity.drill.scenario import Verb, read_scenario, resolve, shipped, shipped_text
from freehold.contract.backend import BackendKind, Model, Target
from freehold.contract.drill import FaultKind, Sabotage
from freehold.errors import NotFound, SettingsError


def target(name: str, kind: BackendKind) -> Target:
    return Target(name=name, kind=kind, model=Model(name="m", digest=""), operator="x")


LOCAL = target("local", BackendKind.ENGINE)
CLAUDE, PARIS = target("claude", BackendKind.PROVIDER), target("paris", BackendKind.PROVIDER)


def scenario(*steps: str) -> str:
    return "\n".join(["name: ours", "duration_s: 10", "steps:", *(f"  - {{{step}}}" for step in steps)])


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_fits_an_estate_with_providers_and_an_engine(name: str) -> None:
    read = read_scenario(shipped_text(name), name)
    assert read.name == name
    assert read.about
    moves = resolve(read, (CLAUDE, PARIS, LOCAL), name)
    assert all(move.targets for move in moves)


@pytest.mark.parametrize("name", ["all-foreign-gone", "engine-crash"])
def test_what_an_estate_without_providers_can_rehearse_needs_none(name: str) -> None:
    read = read_scenario(shipped_text(name), name)
    assert not read.needs_provider
    resolve(read, (LOCAL,), name)


def test_the_scenarios_that_the_documentation_names_are_shipped() -> None:
    expected = {"june-2026", "outage", "brownout", "silent-substitution", "all-foreign-gone", "engine-crash"}
    assert set(shipped()) == expected


def test_groups_stand_for_the_targets_of_the_service() -> None:
    text = scenario(
        "at_s: 1, fault: refuse, targets: first",
        "at_s: 2, directive: finish, targets: [foreign, local]",
        "at_s: 3, fault: crash, targets: owned",
    )
    moves = resolve(read_scenario(text, "ours"), (LOCAL, CLAUDE, PARIS), "ours")
    assert [move.targets for move in moves] == [("claude",), ("claude", "paris", "local"), ("local",)]


def test_steps_come_in_the_order_of_their_times_and_of_the_file() -> None:
    text = scenario(
        "at_s: 5, restore: true, targets: x", "at_s: 1, fault: dns, targets: x", "at_s: 5, lift: true, targets: x"
    )
    assert [step.verb for step in read_scenario(text, "ours").steps] == [Verb.FAULT, Verb.RESTORE, Verb.LIFT]


def test_a_fault_is_read_with_all_that_it_may_say() -> None:
    text = scenario(
        "at_s: 1, fault: status, status: 429, retry_after_s: 2.5, share: 0.5, after_events: 3, running: true, "
        "targets: x"
    )
    (step,) = read_scenario(text, "ours").steps
    assert step.sabotage == Sabotage(
        kind=FaultKind.STATUS, status=429, retry_after_s=2.5, share=0.5, after_events=3, running=True
    )


def test_an_unknown_target_is_refused_with_the_line_and_with_what_there_is() -> None:
    read = read_scenario(scenario("at_s: 1, fault: refuse, targets: berlin"), "ours")
    said = r"ours, line 4: there is no target 'berlin' in the service; what can be named is: claude, local, first"
    with pytest.raises(SettingsError, match=said):
        resolve(read, (CLAUDE, LOCAL), "ours")


def test_an_engine_has_no_connection_to_spoil_and_a_provider_does_not_crash() -> None:
    for step in ("at_s: 1, fault: refuse, targets: local", "at_s: 1, fault: crash, targets: claude"):
        with pytest.raises(SettingsError, match="line 4"):
            resolve(read_scenario(scenario(step), "ours"), (CLAUDE, LOCAL), "ours")


def test_an_unknown_scenario_is_named_with_those_that_there_are() -> None:
    with pytest.raises(NotFound, match="june-2026"):
        shipped_text("july-2026")
