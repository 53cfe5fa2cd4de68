# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.continuity.directives import (
    Phase,
    confirmed,
    digest_of,
    digest_to_sign,
    hits,
    lift_asked,
    lift_digest_of,
    losses,
    phase,
    signers,
    taken_effect,
    unsure,
    wants_lifting,
)
from freehold.continuity.standings import Held, standing_of, standings_of
from freehold.contract.backend import BackendKind, Model, Service, Target
from freehold.contract.call import DataClass
from freehold.contract.facts import UNKNOWN, BackendFacts
from freehold.contract.standing import Directive, ScopeKind, TargetState

NOW = 1_795_000_000.0


def a_target(name: str, model: str, operator: str, kind: BackendKind = BackendKind.PROVIDER) -> Target:
    return Target(name=name, kind=kind, model=Model(name=model, digest=""), operator=operator)


OPUS = a_target("opus", "claude-opus-4-8", "anthropic")
HAIKU = a_target("haiku", "claude-haiku-4", "anthropic")
PARIS = a_target("paris", "mistral-large", "mistral")
LOCAL = a_target("local", "smollm2", "self", BackendKind.ENGINE)
TARGETS = (OPUS, HAIKU, PARIS, LOCAL)
FACTS = {
    "anthropic": BackendFacts(operator="anthropic", owned=False, authorities=("US",), locations=("IE", "US")),
    "mistral": BackendFacts(operator="mistral", owned=False, authorities=("FR",), locations=("FR", UNKNOWN)),
    "self": BackendFacts(operator="self", owned=True, authorities=()),
}


def a_directive(kind: ScopeKind = ScopeKind.MODEL, name: str = "claude-*", **more: Any) -> Directive:
    values: dict[str, Any] = {
        "id": "dir_1",
        "source": "https://example.org/17",
        "reason_sha256": "ab" * 32,
        "issued_unix": NOW,
        "issued_by": "local",
        "effective_unix": NOW,
        **more,
    }
    return Directive(kind=kind, name=name, **values)


def hit_by(directive: Directive) -> list[str]:
    return [target.name for target in TARGETS if hits(directive, target, FACTS[target.operator])]


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        (ScopeKind.MODEL, "claude-opus-4-8", ["opus"]),
        (ScopeKind.MODEL, "claude-opus", []),
        (ScopeKind.MODEL, "claude-*", ["opus", "haiku"]),
        (ScopeKind.MODEL, "*-4", ["haiku"]),
        (ScopeKind.MODEL, "*", ["opus", "haiku", "paris", "local"]),
        (ScopeKind.MODEL, "smollm2", ["local"]),
        (ScopeKind.PROVIDER, "anthropic", ["opus", "haiku"]),
        (ScopeKind.PROVIDER, "self", []),
        (ScopeKind.AUTHORITY, "US", ["opus", "haiku"]),
        (ScopeKind.AUTHORITY, "CN", []),
        (ScopeKind.REGION, "IE", ["opus", "haiku", "paris"]),
        (ScopeKind.REGION, "CN", ["paris"]),
    ],
)
def test_a_directive_hits_what_it_names(kind: ScopeKind, name: str, expected: list[str]) -> None:
    assert hit_by(a_directive(kind, name)) == expected


def test_a_state_that_nobody_established_counts_and_that_is_said() -> None:
    region = a_directive(ScopeKind.REGION, "CN")
    assert unsure(region, PARIS, FACTS["mistral"])
    assert not unsure(a_directive(ScopeKind.REGION, "FR"), PARIS, FACTS["mistral"])
    assert hits(a_directive(ScopeKind.AUTHORITY, "US"), PARIS, None)
    assert unsure(a_directive(ScopeKind.AUTHORITY, "US"), PARIS, None)
    assert not unsure(a_directive(), OPUS, FACTS["anthropic"])


def test_a_directive_goes_from_signature_to_its_hour_to_its_lifting() -> None:
    one = a_directive(effective_unix=NOW + 60, signatures=2)
    assert phase(one) is Phase.UNCONFIRMED
    one = confirmed(one, "op_2", NOW)
    assert (phase(one), signers(one)) == (Phase.SCHEDULED, frozenset({"local", "op_2"}))
    assert phase(taken_effect(one, NOW + 59)) is Phase.SCHEDULED
    one = taken_effect(one, NOW + 60)
    assert (phase(one), one.took_effect_unix) == (Phase.IN_FORCE, NOW + 60)
    one = lift_asked(one, "op_2", NOW + 70, signatures=2)
    assert (phase(one), wants_lifting(one), signers(one)) == (Phase.IN_FORCE, True, frozenset({"op_2"}))
    one = confirmed(one, "local", NOW + 80)
    assert (phase(one), one.lifted_unix, wants_lifting(one)) == (Phase.LIFTED, NOW + 80, False)


def test_one_operator_twice_is_one_signature() -> None:
    one = a_directive(signatures=2)
    assert phase(confirmed(one, "local", NOW)) is Phase.UNCONFIRMED


def test_a_confirmation_after_its_hour_has_effect_at_once() -> None:
    one = confirmed(a_directive(signatures=2), "op_2", NOW + 500)
    assert (phase(one), one.took_effect_unix) == (Phase.IN_FORCE, NOW + 500)


def test_what_nobody_confirmed_is_given_up_without_another_signature() -> None:
    assert phase(lift_asked(a_directive(signatures=2), "local", NOW, signatures=2)) is Phase.LIFTED


def test_what_is_scheduled_needs_as_many_signatures_to_be_lifted() -> None:
    one = lift_asked(a_directive(effective_unix=NOW + 60), "local", NOW, signatures=2)
    assert phase(one) is Phase.SCHEDULED
    assert phase(taken_effect(one, NOW + 60)) is Phase.IN_FORCE


@pytest.mark.parametrize(
    "change",
    [
        {"id": "dir_2"},
        {"kind": ScopeKind.PROVIDER},
        {"name": "claude-opus-4-8"},
        {"source": "https://example.org/18"},
        {"reason_sha256": "cd" * 32},
        {"issued_by": "op_1"},
        {"effective_unix": NOW + 1},
        {"cuts": True},
        {"tells": True},
        {"signatures": 2},
    ],
)
def test_a_signature_binds_everything_that_was_issued(change: dict[str, Any]) -> None:
    assert digest_of(replace(a_directive(), **change)) != digest_of(a_directive())


def test_a_signature_binds_no_more_than_that_and_a_lifting_has_its_own() -> None:
    one = a_directive(signatures=2)
    later = confirmed(one, "op_2", NOW)
    assert digest_of(one) == digest_of(later) == digest_to_sign(one)
    asked = lift_asked(later, "op_2", NOW + 5, signatures=2)
    assert digest_to_sign(asked) == lift_digest_of(asked) != digest_of(asked)
    again = replace(asked, lifted_by="op_3")
    assert lift_digest_of(asked) != lift_digest_of(again)


def test_the_digest_is_kept_for_ever() -> None:
    assert digest_of(a_directive()) == "sha256:5d8596e45e913238e5ba084a476f160b3717186b95dfda07a4ea559b2a99ecda"


def test_services_lose_targets_under_every_name() -> None:
    service = Service(
        name="desk", data_class=DataClass.PERSONAL, targets=("opus", "paris", "local"), aliases=("claude-*",)
    )
    idle = Service(name="idle", data_class=DataClass.PUBLIC, targets=("local",))
    allowed = frozenset({("desk", "opus"), ("desk", "local")})
    (loss,) = losses((service, idle), frozenset({"opus"}), frozenset(), allowed)
    assert (loss.service, loss.aliases, loss.loses) == ("desk", ("claude-*",), ("opus",))
    assert (loss.left, loss.forbidden, loss.stops) == (("local",), ("paris",), False)
    (loss,) = losses((service,), frozenset({"opus"}), frozenset({"local"}), allowed)
    assert (loss.left, loss.stops) == ((), True)
    assert losses((service,), frozenset({"opus"}), frozenset({"opus"}), allowed) == ()


def test_of_several_that_hold_the_strongest_shows_and_all_reasons_may_be_told() -> None:
    first = a_directive(took_effect_unix=NOW)
    second = a_directive(ScopeKind.PROVIDER, "anthropic", id="dir_2", took_effect_unix=NOW + 5, cuts=True)
    held = Held(
        directives=(second, first),
        told={"dir_2": "an order"},
        persons={"opus": NOW + 9},
        suspicions={"opus": NOW + 1, "paris": NOW + 2},
        dates={"haiku": NOW + 3},
    )
    opus, haiku, paris = standings_of(TARGETS, FACTS, held)
    assert (opus.state, opus.directive, opus.since_unix) == (TargetState.WITHDRAWN, "dir_1", NOW)
    assert (opus.cuts, opus.told) == (True, "an order")
    assert (haiku.state, haiku.directive) == (TargetState.RETIRED, "")
    assert (paris.state, paris.told) == (TargetState.SUSPECTED, "")
    lifted = replace(held, directives=(replace(first, lifted_unix=NOW), replace(second, lifted_unix=NOW)))
    after = standing_of(OPUS, FACTS["anthropic"], lifted)
    assert after is not None
    assert (after.state, after.directive, after.cuts) == (TargetState.WITHDRAWN, "", False)


@dataclass
class World:
    """Directives over a clock that may go anywhere, and the simple model: what ever began, less what was lifted."""

    now: float = NOW
    directives: list[Directive] = field(default_factory=list)
    began: set[str] = field(default_factory=set)
    lifted: set[str] = field(default_factory=set)

    def look(self) -> None:
        self.directives = [taken_effect(one, self.now) for one in self.directives]
        due = {one.id for one in self.directives if one.effective_unix <= self.now}
        self.began |= due - self.lifted

    def withdrawn(self) -> set[str]:
        standings = standings_of(TARGETS, FACTS, Held(directives=tuple(self.directives)))
        return {standing.target for standing in standings}

    def expected(self) -> set[str]:
        holding = [one for one in self.directives if one.id in self.began - self.lifted]
        return {target.name for one in holding for target in TARGETS if hits(one, target, FACTS[target.operator])}


SCOPES = [
    (ScopeKind.MODEL, "claude-*"),
    (ScopeKind.MODEL, "mistral-large"),
    (ScopeKind.PROVIDER, "anthropic"),
    (ScopeKind.AUTHORITY, "US"),
    (ScopeKind.REGION, "FR"),
]
ISSUED = st.tuples(st.just("issue"), st.integers(0, len(SCOPES) - 1), st.integers(-100, 100))
LIFTED = st.tuples(st.just("lift"), st.integers(0, 9), st.just(0))
PASSED = st.tuples(st.just("pass"), st.just(0), st.integers(-80, 80))


@given(st.lists(st.one_of(ISSUED, LIFTED, PASSED), max_size=40))
def test_any_order_of_issuing_lifting_and_time_is_what_the_simple_model_says(steps: list[tuple[str, int, int]]) -> None:
    world = World()
    for kind, number, seconds in steps:
        if kind == "issue":
            scope, name = SCOPES[number]
            issued = a_directive(scope, name, id=f"dir_{len(world.directives)}", effective_unix=world.now + seconds)
            world.directives.append(issued)
        elif kind == "lift" and number < len(world.directives):
            one = world.directives[number]
            if phase(one) is not Phase.LIFTED:
                world.directives[number] = lift_asked(one, "local", world.now, signatures=1)
                world.lifted.add(one.id)
        elif kind == "pass":
            world.now += seconds
        world.look()
        assert world.withdrawn() == world.expected()
