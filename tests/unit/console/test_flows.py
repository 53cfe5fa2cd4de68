# SPDX-License-Identifier: Apache-2.0
"""Who could see it: shares, states and pictures say the same as the rows."""

from typing import Any

import msgspec
import pytest

from freehold.console.reading.flows import Flows, FlowsAnswer, Tone, by_state, pictures

FACTS = "/console/seen/facts/"


def row(target: str, *authorities: str, calls: int = 1, owned: bool = False, service: str = "desk") -> dict[str, Any]:
    return {
        "service": service,
        "data_class": "personal",
        "target": target,
        "operator": "self" if owned else f"{target}-sas",
        "model": "m",
        "owned": owned,
        "authorities": list(authorities),
        "calls": calls,
        "input_tokens": 1,
        "output_tokens": 1,
    }


def flows(*rows: dict[str, Any], **more: Any) -> Flows:
    return msgspec.convert(answer(*rows, **more), FlowsAnswer).flows


def answer(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """That of ``GET flows``."""
    calls = sum(one["calls"] for one in rows)
    owned = sum(one["calls"] for one in rows if one["owned"])
    whole = {
        "from": "2026-06-12T00:00:00Z",
        "to": "2026-06-13T00:00:00Z",
        "whole": True,
        "examined": 9,
        "first_index": 0,
        "size": 9,
        "calls": calls,
        "owned_calls": owned,
        "foreign_calls": calls - owned,
        "refused_calls": 0,
        "open_calls": 0,
        "drill_calls": 0,
        "unknown_calls": 0,
        "damaged": [],
        "rows": list(rows),
        "refused": [],
    }
    return {"flows": {**whole, **more}}


@pytest.mark.parametrize(
    ("given", "tone", "said"),
    [
        (row("local", owned=True), Tone.OWNED, "yours alone"),
        (row("paris", "FR", "US"), Tone.FOREIGN, "FR, US"),
        (row("odd", "??", "FR"), Tone.UNKNOWN, "FR, not established"),
        (row("odd", "??"), Tone.UNKNOWN, "not established"),
        (row("bare"), Tone.UNKNOWN, "not established"),
    ],
)
def test_what_nobody_established_is_never_shown_as_nobody(given: dict[str, Any], tone: Tone, said: str) -> None:
    (read,) = flows(given).rows
    assert (read.tone, read.states) == (tone, said)


def test_a_call_that_two_states_can_compel_counts_with_each() -> None:
    found = by_state(flows(row("paris", "FR", "US"), row("claude", "US"), row("local", calls=2, owned=True)))
    assert [(state.state, state.calls, state.seen) for state in found] == [("US", 2, 4), ("FR", 1, 4)]
    assert found[0].operators == ("claude-sas", "paris-sas")


def test_pictures_have_what_the_rows_have() -> None:
    wide, narrow = pictures(flows(row("claude", "US", calls=5), row("local", calls=7, owned=True)), FACTS)
    for picture in (wide, narrow):
        assert {(stop.name, stop.calls) for stop in picture.stops} >= {("claude", 5), ("local", 7), ("yours alone", 7)}
        assert [head.text for head in picture.heads] == ["Service", "Data class", "Backend", "Who can compel it"]
    assert "desk to personal: 7 calls, owned" in {ribbon.said for ribbon in wide.ribbons}


def test_a_backend_leads_to_the_facts_and_no_name_leads_anywhere_else() -> None:
    hostile = row("claude", "US") | {"operator": "../../x?y#z"}
    (wide, _) = pictures(flows(hostile), FACTS)
    (stop,) = [stop for stop in wide.stops if stop.name == "claude"]
    assert stop.href == f"{FACTS}..%2F..%2Fx%3Fy%23z"


def test_long_names_are_cut_in_the_picture_alone() -> None:
    name = "a-service-with-a-very-long-name-that-nobody-can-read"
    for picture in pictures(flows(row("local", owned=True, service=name)), FACTS):
        (stop,) = [stop for stop in picture.stops if stop.name == name]
        assert len(stop.short) < len(name)
        assert (stop.short[:5], stop.short[-4:]) == ("a-ser", "read")


def test_of_many_services_the_lightest_share_a_bar() -> None:
    rows = [row("local", owned=True, service=f"s{number}", calls=number + 1) for number in range(500)]
    (wide, _) = pictures(flows(*rows), FACTS)
    assert "all others" in {stop.name for stop in wide.stops}
    assert len(wide.stops) < 20
