# SPDX-License-Identifier: Apache-2.0
from collections.abc import Mapping

import pytest

from freehold.continuity.readiness import Fate, Loss, LossKind, Now, Verdict, foresee
from freehold.contract.backend import BackendKind, EngineState, EngineStatus, Model, Service, Target
from freehold.contract.call import DataClass
from freehold.contract.facts import UNKNOWN
from freehold.contract.standing import Standing, TargetState


def service(name: str, *targets: str) -> Service:
    return Service(name=name, data_class=DataClass.INTERNAL, targets=targets)


def foreign(name: str, operator: str, *authorities: str) -> Target:
    model = Model(name="m", digest="")
    return Target(name=name, kind=BackendKind.PROVIDER, model=model, operator=operator, authorities=authorities)


def owned(name: str) -> Target:
    return Target(name=name, kind=BackendKind.ENGINE, model=Model(name="m", digest=""), operator="self")


TARGETS = {
    target.name: target
    for target in (
        foreign("claude", "anthropic", "US"),
        foreign("small-claude", "anthropic", "US"),
        foreign("large", "mistral", "FR"),
        foreign("paris", "paris", UNKNOWN),
        owned("local"),
        owned("other"),
    )
}


def estate(
    *services: Service,
    slots: Mapping[str, int] | None = None,
    load: Mapping[str, int] | None = None,
    state: EngineState = EngineState.READY,
    gone: tuple[str, ...] = (),
    degraded: frozenset[str] = frozenset(),
    forbidden: tuple[tuple[str, str], ...] = (),
    unqualified: tuple[tuple[str, str], ...] = (),
) -> Now:
    return Now(
        services=services,
        targets=TARGETS,
        standings={name: Standing(target=name, state=TargetState.WITHDRAWN, since_unix=1.0) for name in gone},
        engines={
            name: EngineStatus(target=name, state=state, slots=count, queue=4)
            for name, count in (slots or {"local": 2}).items()
        },
        degraded=degraded,
        load=load or {},
        allowed=lambda service, target: (service.name, target) not in forbidden,
        accepted=lambda service, target: (service.name, target) not in unqualified,
    )


def loss(name: str, now: Now) -> Loss:
    (found,) = [found for found in foresee(now) if found.name == name]
    return found


def verdict(of: str, lost: str, now: Now) -> Verdict:
    (found,) = [found for found in loss(lost, now).services if found.service == of]
    return found


def test_an_estate_of_its_own_engines_can_lose_nobody() -> None:
    assert foresee(estate(service("default", "local"))) == ()


def test_every_provider_and_every_state_that_can_compel_one_may_be_lost() -> None:
    now = estate(service("a", "claude", "large"), service("b", "small-claude", "paris"))
    assert [(found.kind, found.name) for found in foresee(now)] == [
        (LossKind.PROVIDER, "anthropic"),
        (LossKind.PROVIDER, "mistral"),
        (LossKind.PROVIDER, "paris"),
        (LossKind.AUTHORITY, "FR"),
        (LossKind.AUTHORITY, "US"),
    ]


def test_a_provider_that_no_service_uses_cannot_be_missed() -> None:
    assert [found.name for found in foresee(estate(service("a", "large")))] == ["mistral", "FR"]


def test_the_next_target_takes_over() -> None:
    now = estate(service("support", "claude", "large", "local"))
    told = verdict("support", "anthropic", now)
    assert (told.fate, told.target, told.touched) == (Fate.SURVIVES, "large", True)
    assert told.reason == "large of mistral takes over"


def test_a_service_whose_targets_are_all_of_one_provider_stops_with_it() -> None:
    told = verdict("chat", "anthropic", estate(service("chat", "claude", "small-claude")))
    assert (told.fate, told.target, told.reason) == (Fate.STOPS, "", "it has no other target")


def test_a_service_that_is_answered_by_another_is_not_touched() -> None:
    told = verdict("support", "anthropic", estate(service("support", "local", "claude"), service("b", "claude")))
    assert (told.fate, told.touched, told.reason) == (Fate.SURVIVES, False, "local answers for it, and stays")


def test_what_one_state_can_compel_goes_together_and_who_is_not_known_goes_with_each() -> None:
    now = estate(service("support", "claude", "paris", "large"), service("b", "paris", "local"))
    assert verdict("support", "US", now).target == "large"
    assert verdict("b", "US", now).target == "local"
    assert verdict("b", "anthropic", now).touched is False


@pytest.mark.parametrize(
    ("calls", "fate", "reason"),
    [
        (0, Fate.SURVIVES, "local takes over: 2 slots, and 1 call as of now"),
        (1, Fate.SURVIVES, "local takes over: 2 slots, and 2 calls as of now"),
        (2, Fate.QUEUES, "local takes over: 2 slots for 3 calls as of now, so 1 would wait"),
        (
            9,
            Fate.QUEUES,
            (
                "local takes over: 2 slots for 10 calls as of now, so 8 would wait, and 4 of them be refused, "
                "as its queue holds 4"
            ),
        ),
    ],
)
def test_calls_beyond_the_slots_would_wait(calls: int, fate: Fate, reason: str) -> None:
    told = verdict("a", "anthropic", estate(service("a", "claude", "local"), load={"claude": calls, "local": 1}))
    assert (told.fate, told.target, told.reason) == (fate, "local", reason)


def test_calls_of_every_target_that_goes_land_where_its_services_go() -> None:
    services = (service("a", "claude", "local"), service("b", "small-claude", "local"), service("c", "large", "other"))
    now = estate(*services, slots={"local": 4, "other": 1}, load={"claude": 2, "small-claude": 3, "large": 7})
    assert verdict("a", "anthropic", now).reason.startswith("local takes over: 4 slots for 5 calls")
    assert verdict("c", "mistral", now).reason.startswith("other takes over: 1 slot for 7 calls")


def test_a_service_that_stays_where_it_is_may_have_to_wait_behind_those_who_come() -> None:
    services = (service("a", "claude", "local"), service("b", "local"))
    told = verdict("b", "anthropic", estate(*services, load={"claude": 5}))
    assert (told.fate, told.touched) == (Fate.QUEUES, True)
    assert told.reason == "local answers for it, and stays: 2 slots for 5 calls as of now, so 3 would wait"
    assert not verdict("b", "anthropic", estate(*services, load={"claude": 1})).touched


def test_slots_that_are_not_known_yet_are_not_guessed() -> None:
    told = verdict("a", "anthropic", estate(service("a", "claude", "local"), slots={"local": 0}, load={"claude": 9}))
    assert told.fate is Fate.SURVIVES
    assert "not known before it has been ready once" in told.reason


def test_who_cannot_stand_in_is_told_with_the_reason() -> None:
    now = estate(
        service("a", "claude", "large", "paris", "local", "other"),
        slots={"local": 2, "other": 2},
        state=EngineState.FAILED,
        gone=("paris",),
        forbidden=(("a", "large"),),
    )
    told = verdict("a", "anthropic", now)
    assert told.fate is Fate.STOPS
    assert told.reason == (
        "large: the rules do not let it see these calls; paris: it is withdrawn; local: its engine has failed; "
        "other: its engine has failed"
    )


def test_only_a_target_with_a_pass_stands_in_and_who_answers_already_needs_none() -> None:
    now = estate(
        service("a", "claude", "local"), service("b", "local", "claude"), unqualified=(("a", "local"), ("b", "local"))
    )
    assert verdict("a", "anthropic", now).reason == "local: it has no current pass of the service's acceptance cases"
    assert verdict("b", "anthropic", now).fate is Fate.SURVIVES


def test_a_target_in_an_outage_answers_and_takes_over_after_all_others() -> None:
    now = estate(service("a", "claude", "large", "local"), degraded=frozenset({"large"}))
    assert verdict("a", "anthropic", now).target == "local"
    now = estate(service("a", "claude", "large"), degraded=frozenset({"claude", "large"}))
    assert verdict("a", "anthropic", now).target == "large"
    now = estate(service("a", "claude", "local"), degraded=frozenset({"claude"}))
    assert not verdict("a", "anthropic", now).touched


def test_a_provider_that_is_gone_already_takes_nothing_more_with_it() -> None:
    now = estate(service("a", "claude", "local"), gone=("claude",))
    assert verdict("a", "anthropic", now) == Verdict(
        service="a", fate=Fate.SURVIVES, touched=False, target="local", reason="local answers for it, and stays"
    )


def test_a_service_that_nobody_answers_now_is_said_to_stop_though_no_loss_touches_it() -> None:
    now = estate(service("a", "claude", "local"), forbidden=(("a", "claude"), ("a", "local")))
    told = verdict("a", "anthropic", now)
    forbids = "the rules do not let it see these calls"
    assert (told.fate, told.touched) == (Fate.STOPS, False)
    assert told.reason == f"nobody answers it as it is: claude: {forbids}; local: {forbids}"


def test_a_state_that_is_asked_for_takes_away_whom_nobody_knows_and_is_no_loss_where_all_are_known() -> None:
    unknown = estate(service("support", "paris", "local"))
    assert [loss.name for loss in foresee(unknown)] == ["paris"]
    (verdict,) = next(loss for loss in foresee(unknown, {"DE"}) if loss.name == "DE").services
    assert (verdict.touched, verdict.target) == (True, "local")
    known = estate(service("support", "claude", "local"))
    assert foresee(known, {"DE"}) == foresee(known)
