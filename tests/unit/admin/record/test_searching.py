# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.ledger_builder import AT
from tests.unit.admin.conftest import FakeLedger
from tests.unit.admin.record.conftest import Write, acted, admitted, ended

from freehold.admin.operations import Operations
from freehold.admin.record import searching
from freehold.admin.requests import ByIndex, SearchLedger
from freehold.contract.estate import Estate
from freehold.contract.record import Ending
from freehold.errors import InvalidRequest, LedgerUnavailable, NotFound
from freehold.ledger.tree.store import LedgerFiles

# 0 act, 1 call that ends, 2 its outcome, 3 a refusal, 4 a call of another service that fails, 5 its outcome, 6 open
SEVEN = [
    acted(),
    admitted(1, after_s=1),
    ended(1, 1, after_s=2),
    admitted(3, allowed=False, key="key_2", after_s=3),
    admitted(4, service="site", after_s=4),
    ended(4, 4, target="claude", ending=Ending.FAILED, after_s=5),
    admitted(6, after_s=6),
]


async def look(up: Operations, **asked: Any) -> dict[str, Any]:
    request = msgspec.convert(asked, SearchLedger, strict=False)
    return dict(await up.reading.search(request, "local"))


async def indexes(up: Operations, **asked: Any) -> list[int]:
    return [row["index"] for row in (await look(up, **asked))["entries"]]


async def test_calls_and_acts_come_newest_first_and_a_call_says_how_it_ended(up: Operations, write: Write) -> None:
    write(SEVEN)
    found = await look(up)
    assert [(row["index"], row["kind"], row["ending"]) for row in found["entries"]] == [
        (6, "call", "open"),
        (4, "call", "failed"),
        (3, "call", None),
        (1, "call", "complete"),
        (0, "act", None),
    ]
    assert (found["next"], found["examined"], found["whole"], found["damaged"]) == (None, 7, True, [])
    assert found["log"]["size"] == 7
    failed = found["entries"][1]
    assert (failed["service"], failed["target"], failed["outcome"], failed["decision"]) == (
        "site",
        "claude",
        5,
        "dec_4",
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"service": "site"}, [4]),
        ({"application": "key_2"}, [3]),
        ({"decision": "refuse"}, [3]),
        ({"decision": "allow", "service": "support"}, [6, 1]),
        ({"decision": "dec_4"}, [4]),
        ({"ending": "failed"}, [4]),
        ({"ending": "open"}, [6]),
        ({"kind": "act"}, [0]),
        ({"kind": "outcome"}, [5, 2]),
        ({"mentions": "call_4"}, [4]),
        ({"mentions": "op_1"}, [0]),
        ({"mentions": "nobody"}, []),
        ({"service": 'no"body'}, []),
    ],
)
async def test_entries_are_found_by_what_they_say(
    up: Operations, write: Write, asked: dict[str, str], expected: list[int]
) -> None:
    write(SEVEN)
    assert await indexes(up, **asked) == expected


async def test_a_time_bounds_what_is_looked_at(up: Operations, write: Write) -> None:
    write(SEVEN)
    begin, end = ((AT + timedelta(seconds=seconds)).isoformat() for seconds in (3, 6))
    found = await look(up, **{"from": begin, "to": end})
    assert [row["index"] for row in found["entries"]] == [4, 3]
    assert found["examined"] == 3


async def test_pages_follow_one_another_without_gap(up: Operations, write: Write) -> None:
    write([acted(after_s=second) for second in range(600)])
    seen, cursor = list[int](), ""
    while True:
        page = await look(up, limit=250, cursor=cursor)
        seen += [row["index"] for row in page["entries"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == list(range(599, -1, -1))


async def test_one_question_looks_at_so_many_entries_and_says_where_to_go_on(
    up: Operations, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MOST_EXAMINED", 300)
    write([admitted(0), *(acted(after_s=second) for second in range(599))])
    first = await look(up, service="support")
    assert (first["entries"], first["examined"], first["whole"], first["next"]) == ([], 300, False, "300")
    second = await look(up, service="support", cursor=first["next"])
    assert [row["index"] for row in second["entries"]] == [0]
    assert second["whole"]


@pytest.mark.parametrize("kind", ["act", "outcome"])
async def test_what_no_entry_can_be_is_refused(up: Operations, write: Write, kind: str) -> None:
    write(SEVEN)
    with pytest.raises(InvalidRequest, match=f"{kind}s have no service of their own"):
        await look(up, kind=kind, service="site")


async def test_a_damaged_bundle_is_passed_over_and_told_of(up: Operations, write: Write, estate: Estate) -> None:
    write([acted(after_s=second) for second in range(600)])
    bundle = estate.ledger / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes()[:-1])
    found = await look(up, limit=1000)
    assert [row["index"] for row in found["entries"]] == [*range(599, 511, -1), *range(255, -1, -1)]
    assert found["damaged"] == ["tile/entries/001 holds a cut-off entry, expected 256 entries"]


async def test_a_kind_that_this_release_does_not_know_is_shown_as_such(up: Operations, write: Write) -> None:
    write([b'{"kind":"dream","v":1}'])
    assert [row["kind"] for row in (await look(up))["entries"]] == ["unknown"]


async def test_the_newest_act_on_something_is_known(up: Operations, write: Write, estate: Estate) -> None:
    write([acted("key.create", "key_9", after_s=1), acted("key.revoke", "key_9", after_s=2), acted(after_s=3)])
    assert await up.reading.last_act_on("key_9") == {
        "act": "key.revoke",
        "by": "op_1",
        "at": "2026-11-22T14:38:02.123456Z",
    }
    assert await up.reading.last_act_on("key_8") is None
    assert LedgerFiles(estate.ledger).minimum_index() == 0


async def test_it_answers_while_the_ledgers_process_is_away(up: Operations, write: Write, ledger: FakeLedger) -> None:
    write(SEVEN)
    ledger.fault = LedgerUnavailable("the ledger process does not answer")
    assert await indexes(up) == [6, 4, 3, 1, 0]
    shown: Any = await up.reading.show(ByIndex(index=1), "local")
    assert shown["entry"]["fields"]["call"] == "call_1"
    with pytest.raises(NotFound):
        await up.reading.show(ByIndex(index=7), "local")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_an_instant_beyond_the_calendar_is_refused(up: Operations, write: Write, at: str) -> None:
    write(SEVEN)
    with pytest.raises(InvalidRequest, match="in no year"):
        await look(up, **{"from": at})


async def test_an_instant_of_long_ago_comes_before_everything(up: Operations, write: Write) -> None:
    write(SEVEN)
    assert (await look(up, **{"from": "0999-01-01T00:00:00Z"}))["examined"] == 7
