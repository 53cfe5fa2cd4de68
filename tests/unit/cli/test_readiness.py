# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from freehold.cli.readiness import show_readiness


def verdict(service: str, fate: str, target: str = "local", *, touched: bool = True) -> dict[str, Any]:
    return {"service": service, "fate": fate, "target": target, "touched": touched, "reason": f"why {service}"}


def shown(losses: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_readiness({"owned_only": not losses, "losses": losses})
    return capsys.readouterr().out.splitlines()[1:]


def test_an_estate_that_can_lose_nobody_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown([], capsys) == [
        "No provider could take a service away: all are answered by this estate's own engines."
    ]


def test_each_loss_is_a_line_and_what_stops_or_queues_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    services = [
        verdict("support", "survives with queueing"),
        verdict("chat", "stops", ""),
        verdict("search", "survives"),
        verdict("default", "survives", touched=False),
    ]
    assert shown([{"kind": "provider", "name": "anthropic", "services": services}], capsys) == [
        "if anthropic left: support -> local (queue), chat -> stops, search -> local",
        "  support: why support",
        "  chat: why chat",
    ]


def test_a_loss_that_touches_nobody_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    services = [verdict("default", "survives", touched=False)]
    assert shown([{"kind": "authority", "name": "US", "services": services}], capsys) == [
        "if all that US can compel left: every service stays where it is"
    ]


def test_losses_of_a_kind_that_mean_the_same_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    services, others = [verdict("chat", "stops", "")], [verdict("chat", "survives")]
    losses = [
        {"kind": "provider", "name": "anthropic", "services": services},
        {"kind": "authority", "name": "CA", "services": services},
        {"kind": "authority", "name": "US", "services": services},
        {"kind": "authority", "name": "ZA", "services": others},
    ]
    assert shown(losses, capsys) == [
        "if anthropic left: chat -> stops",
        "  chat: why chat",
        "if all that CA or US can compel left: chat -> stops",
        "  chat: why chat",
        "if all that ZA can compel left: chat -> local",
    ]


def test_an_estate_that_is_down_foresees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show_readiness(None)
    assert capsys.readouterr().out == ""
