# SPDX-License-Identifier: Apache-2.0
"""Clients that hang up: one admission and one outcome for every call made, and the engine is free again."""

import json
import socket
import struct
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest
from tests.system import records
from tests.system.estates import Estate
from tests.system.records import Since
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, MESSAGES, asking, chat, dialled, head, post

ITEMS = 400
NUMBERS = {"type": "array", "items": {"type": "integer"}, "minItems": ITEMS, "maxItems": ITEMS}
# The grammar does not let the model end before some thousand tokens are said: far longer than any hang-up takes.
LONG = chat(
    "Count.", max_tokens=3000, response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": NUMBERS}}
)


@pytest.fixture(scope="module")
def house(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """One slot: while a call has it, two may wait. So an answer proves that the engine is free."""
    own = Estate(tmp_path_factory.mktemp("hang-ups") / "estate")
    try:
        own.run("init")
        own.take_vault_of(estate)
        own.set("target.local", "slots = 1\nqueue = 2")
        own.up()
        yield own
    finally:
        own.destroy()


@pytest.mark.parametrize(
    "half",
    [
        lambda house: head(house, CHAT)[:18],
        lambda house: head(house, CHAT, "content-length: 1000")[:-8],
        lambda house: head(house, CHAT, "content-length: 1000"),
        lambda house: head(house, CHAT, "content-length: 1000") + b'{"model": "default", ',
        lambda house: head(house, CHAT, "transfer-encoding: chunked") + b"5\r\n{",
    ],
    ids=["in-the-first-line", "in-the-headers", "before-the-body", "in-the-body", "in-a-chunk"],
)
def test_half_a_request_leaves_no_record(house: Estate, half: object) -> None:
    assert callable(half)
    since = Since(house)
    with dialled(house) as connection:
        connection.sendall(half(house))
    assert since.calls() == []
    wait_for(lambda: in_flight(house) == 0, "nothing is in flight")


def test_a_hang_up_in_mid_stream_is_on_record_as_cancelled(house: Estate) -> None:
    since = Since(house)
    with asking(house, "POST", CHAT, json.dumps(LONG | {"stream": True}).encode()) as response:
        assert response.readline().startswith(b"data:")
    (record,) = since.calls()
    assert record.ending == "cancelled"
    assert record.outcomes[0]["output_tokens"] < ITEMS
    assert record.outcomes[0]["error"] == ""
    assert_free(house)


def test_a_hang_up_while_a_whole_answer_is_made_is_on_record_as_cancelled(house: Estate) -> None:
    since = Since(house)
    with dialled(house) as connection:
        connection.sendall(whole_request(house, LONG))
        wait_for(lambda: open_admissions(house) == 1, "the call is admitted")
    (record,) = since.calls()
    assert record.ending == "cancelled"
    assert record.outcomes[0]["answer_bytes"] == 0
    assert_free(house)


def test_a_hang_up_in_the_queue_is_on_record_and_the_call_before_is_not_disturbed(house: Estate) -> None:
    since = Since(house)
    with asking(house, "POST", CHAT, json.dumps(LONG | {"stream": True, "max_tokens": 300}).encode()) as response:
        assert response.readline().startswith(b"data:")
        with dialled(house) as waiting:
            waiting.sendall(whole_request(house, chat()))
            wait_for(lambda: open_admissions(house) == 2, "the second call is admitted")
        assert response.read().endswith(b"data: [DONE]\n\n")
    first, second = since.calls()
    assert first.ending == "complete"
    assert second.ending == "cancelled"
    assert_free(house)


def test_a_call_that_finds_the_queue_full_is_told_to_come_back_and_on_record(house: Estate) -> None:
    since = Since(house)
    with (
        asking(house, "POST", CHAT, json.dumps(LONG | {"stream": True}).encode()) as response,
        dialled(house) as second,
        dialled(house) as third,
    ):
        assert response.readline().startswith(b"data:")
        for connection in (second, third):
            connection.sendall(whole_request(house, chat()))
        wait_for(lambda: open_admissions(house) == 3, "one is answered and two wait")
        for path in (CHAT, MESSAGES):
            refused = post(house, path, chat())
            assert refused.status in {503, 529}
            assert int(refused.headers["retry-after"]) >= 1
            assert "engine_busy" in refused.body.decode()
    endings = [record.ending for record in since.calls()]
    assert endings == ["cancelled"] * 3 + ["failed"] * 2
    assert_free(house)


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_a_reset_after_the_last_byte_does_not_change_the_record(house: Estate, path: str) -> None:
    since = Since(house)
    with dialled(house) as connection:
        connection.sendall(whole_request(house, chat(stream=True), path))
        response = HTTPResponse(connection)
        response.begin()
        assert response.read()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    (record,) = since.calls()
    assert record.ending == "complete"
    assert record.outcomes[0]["output_tokens"] == 4


def test_every_one_of_many_calls_that_end_in_all_ways_is_on_record_once(house: Estate) -> None:
    since = Since(house)
    for number in range(12):
        body = json.dumps((LONG if number % 3 else chat()) | {"stream": True}).encode()
        with asking(house, "POST", CHAT, body) as response:
            if number % 3:
                response.readline()
            else:
                response.read()
    endings = [record.ending for record in since.calls()]
    assert endings.count("complete") == 4
    assert endings.count("cancelled") == 8
    verified = house.ask("ledger", "verify")
    log = records.calls(records.entries(house))
    assert all(len(record.outcomes) == 1 for record in log.values() if record.admission["effect"] == "allow")
    assert verified["ledger"]["admissions"] == len(log)


def assert_free(house: Estate) -> None:
    """The engine's one slot is not at work for somebody who has gone."""
    assert post(house, CHAT, chat()).status == 200


def in_flight(house: Estate) -> int:
    return sum(gateway["in_flight"] for gateway in house.status()["gateways"])


def open_admissions(house: Estate) -> int:
    return int(house.status()["ledger"]["open_admissions"])


def whole_request(house: Estate, body: object, path: str = CHAT) -> bytes:
    data = json.dumps(body).encode()
    return head(house, path, f"content-length: {len(data)}") + data
