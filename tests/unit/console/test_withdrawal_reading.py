# SPDX-License-Identifier: Apache-2.0
"""What the page of withdrawals makes of directives, targets and what was typed."""

from typing import Any

import msgspec
import pytest

from freehold.console.reading.withdrawal import Directive, Directives, Order, Preview, Target, Targets, read_order

JEANNE, PAUL = "op_jeanne", "op_paul"


def directive(**more: Any) -> dict[str, Any]:
    return {
        "id": "dir_1",
        "state": "in force",
        "kind": "provider",
        "name": "claude",
        "reason": "order 17",
        "source": "https://example.org/17",
        "issued": "2026-06-12T21:21:00Z",
        "issued_by": JEANNE,
        "confirmed_by": [],
        "effective": "2026-06-12T21:21:00Z",
        "took_effect": "2026-06-12T21:21:00Z",
        "cuts": True,
        "tells": False,
        "signatures": 1,
        "lift_asked": None,
        "lifted": None,
        "lifted_by": None,
        "lift_confirmed_by": [],
        "digest": "sha256:0",
        "lift_digest": None,
        "to_sign": None,
        "targets": ["claude"],
        "etag": '"1"',
    } | more


def target(name: str, state: str = "active", **more: Any) -> dict[str, Any]:
    return {
        "target": name,
        "kind": "provider",
        "model": "m",
        "provider": "p",
        "state": state,
        "since": None,
        "why": [],
        "directives": [],
        "evidence": [],
        "decided_by": None,
        "outages": [],
        "retires": None,
        "services": ["desk"],
        "etag": '"1"',
    } | more


def read(**more: Any) -> Directive:
    return msgspec.convert(directive(**more), Directive)


def typed(**form: str) -> Order:
    return read_order({name: (value,) for name, value in form.items()})


def test_directives_that_are_lifted_stand_apart() -> None:
    issued = [directive(id="dir_2"), directive(id="dir_1", state="lifted")]
    found = msgspec.convert({"directives": issued}, Directives)
    assert [one.id for one in found.lifted] == ["dir_1"]


def test_who_issued_it_cannot_be_the_second_to_sign_it() -> None:
    waits = read(state="unconfirmed", to_sign="sha256:0", signatures=2)
    assert not waits.may_be_signed_by(JEANNE)
    assert waits.may_be_signed_by(PAUL)
    assert not read().may_be_signed_by(PAUL)


def test_who_asked_to_lift_it_cannot_be_the_second_to_sign_that() -> None:
    asked = read(lift_asked="2026-06-13T00:00:00Z", lifted_by=PAUL, to_sign="sha256:1")
    assert asked.wants_lifting
    assert not asked.may_be_signed_by(PAUL)
    assert asked.may_be_signed_by(JEANNE)
    assert not asked.may_be_lifted


def test_what_is_to_be_decided_comes_first() -> None:
    targets = [target("a"), target("b", "withdrawn"), target("c", "suspected")]
    found = msgspec.convert({"targets": targets}, Targets)
    assert [one.target for one in found.ordered] == ["c", "b", "a"]
    assert [one.target for one in found.to_decide] == ["c"]


@pytest.mark.parametrize(
    ("state", "more", "restore", "withdraw"),
    [
        ("active", {}, False, True),
        ("suspected", {}, True, True),
        ("withdrawn", {"decided_by": JEANNE}, True, False),
        ("withdrawn", {"directives": ["dir_1"]}, False, True),
        ("retired", {"retires": "2026-06-12"}, False, False),
    ],
)
def test_only_what_can_be_done_is_offered(state: str, more: dict[str, Any], restore: bool, withdraw: bool) -> None:
    one = msgspec.convert(target("a", state, **more), Target)
    assert (one.may_be_restored, one.may_be_withdrawn) == (restore, withdraw)


def test_a_preview_names_the_services_that_stop() -> None:
    losses = [
        {"service": "desk", "aliases": [], "loses": ["a"], "left": ["b", "c"], "forbidden": [], "stops": False},
        {"service": "alone", "aliases": [], "loses": ["a"], "left": [], "forbidden": ["d"], "stops": True},
    ]
    preview = msgspec.convert({"targets": [], "services": losses}, Preview)
    assert preview.stopped == ("alone",)


def test_an_order_is_what_was_typed_and_an_hour_without_a_zone_is_utc() -> None:
    order = typed(kind="model", name=" m* ", reason="r", source="s", when="later", at="2026-06-12T21:21", cuts="1")
    assert order.fields() == {
        "kind": "model",
        "name": "m*",
        "reason": "r",
        "source": "s",
        "effective": "2026-06-12T21:21:00Z",
        "cuts": True,
    }


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("2026-06-12T21:21", "2026-06-12T21:21:00Z"),
        ("2026-06-12T21:21:30", "2026-06-12T21:21:30Z"),
        ("2026-06-12T21:21:00Z", "2026-06-12T21:21:00Z"),
        ("2026-06-12T21:21:00+02:00", "2026-06-12T21:21:00+02:00"),
        ("", ""),
    ],
)
def test_hours_as_browsers_write_them(written: str, sent: str) -> None:
    assert typed(when="later", at=written).effective == sent


def test_an_hour_that_was_typed_before_now_was_chosen_is_not_meant() -> None:
    assert typed(when="now", at="2026-06-12T21:21").effective == ""
