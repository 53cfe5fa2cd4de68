# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.ledger_builder import AT
from tests.unit.admin.record.conftest import Write, acted, admitted, continued, ended

from freehold.admin.operations import Operations
from freehold.admin.record import reading
from freehold.admin.requests import CreateKey, Period
from freehold.contract.record import Ending

ALL = {"from": "2026-01-01T00:00:00Z"}
LOCAL = {"target": "local", "operator": "self", "owned": True, "authorities": ()}
CLAUDE = {"target": "claude", "operator": "anthropic", "owned": False, "authorities": ("US",)}


async def flows(up: Operations, **asked: Any) -> Any:
    return (await up.reading.flows(msgspec.convert(asked or ALL, Period), "local"))["flows"]


def told(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in LOCAL} | {"calls": row["calls"]}


async def test_each_call_is_counted_by_who_saw_it(up: Operations, write: Write) -> None:
    write(
        [
            admitted(0),
            ended(0, 0),
            admitted(2),
            ended(2, 2, target="claude"),
            admitted(4, allowed=False),
            admitted(5),
            admitted(6),
            ended(6, 6, target="", ending=Ending.LOST),
            acted(),
        ]
    )
    found = await flows(up)
    assert [told(row) for row in found["rows"]] == [{**LOCAL, "calls": 1}, {**CLAUDE, "calls": 1}]
    sums = ("calls", "owned_calls", "foreign_calls", "unknown_calls", "refused_calls", "open_calls", "drill_calls")
    assert tuple(found[name] for name in sums) == (3, 1, 1, 1, 1, 1, 0)
    assert found["refused"] == [{"service": "support", "data_class": "personal", "calls": 1}]
    assert (found["whole"], found["examined"], found["rows"][0]["output_tokens"]) == (True, 9, 34)


async def test_a_call_that_two_targets_saw_is_in_both_rows_and_no_longer_owned(up: Operations, write: Write) -> None:
    write([admitted(0), continued(0, 0)])
    found = await flows(up)
    assert {(row["target"], row["calls"]) for row in found["rows"]} == {("local", 1), ("claude", 1)}
    assert (found["calls"], found["owned_calls"], found["foreign_calls"]) == (1, 0, 1)


async def test_calls_of_drills_are_counted_apart(up: Operations, write: Write) -> None:
    write([admitted(0, key="drill_1"), ended(0, 0), admitted(2, key="drill_1", allowed=False)])
    found = await flows(up)
    assert (found["calls"], found["drill_calls"], found["rows"], found["refused"]) == (0, 1, [], [])


async def test_a_call_belongs_to_the_period_in_which_it_ended(up: Operations, write: Write) -> None:
    write([admitted(0), ended(0, 0, after_s=100), admitted(2, after_s=101), ended(2, 2, after_s=200)])
    begin, end = ((AT + timedelta(seconds=seconds)).isoformat() for seconds in (50, 150))
    found = await flows(up, **{"from": begin, "to": end})
    assert (found["calls"], found["open_calls"]) == (1, 1)
    assert found["rows"][0]["service"] == "support"  # of an admission before the period


async def test_a_day_is_counted_where_no_period_is_named(up: Operations, write: Write) -> None:
    write([admitted(0), ended(0, 0)])
    assert (await up.reading.flows(Period(), "local"))["flows"]["from"].endswith("Z")  # type: ignore[index]


async def test_a_longer_period_is_counted_from_its_end(
    up: Operations, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_COUNTED", 4)
    write([entry for number in range(0, 8, 2) for entry in (admitted(number), ended(number, number))])
    found = await flows(up)
    assert (found["whole"], found["first_index"], found["calls"]) == (False, 4, 2)


async def test_keys_are_told_with_what_they_were_used_for(up: Operations, write: Write) -> None:
    made: Any = (await up.keyring.create_key(CreateKey(label="Zoë's"), "local"))["key"]
    write(
        [
            admitted(0, key=made["id"]),
            ended(0, 0),
            admitted(2, key=made["id"]),
            ended(2, 2, ending=Ending.FAILED, target=""),
            admitted(4, key="key_gone", allowed=False, service="site"),
        ]
    )
    usage: Any = (await up.reading.usage(msgspec.convert(ALL, Period), "local"))["usage"]
    first, second = usage["keys"]
    assert (first["label"], first["calls"], first["failed"], first["input_tokens"]) == ("Zoë's", 2, 1, 24)
    assert (first["endings"], first["services"]) == ({"complete": 1, "failed": 1}, {"support": 2})
    assert (second["key"], second["label"], second["calls"], second["refused"]) == ("key_gone", "", 0, 1)
