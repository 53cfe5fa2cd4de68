# SPDX-License-Identifier: Apache-2.0
"""Receipts at the public door: to the key that made the call, in the form that is asked for."""

import pytest
from tests.unit.api.test_gateway import House, Server, head

from freehold.api.doors import RECEIPTS
from freehold.api.receipts import read_path
from freehold.contract.backend import EngineState, EngineStatus
from freehold.contract.record import LedgerPosition
from freehold.errors import InvalidRequest, LedgerUnavailable, ReceiptNotYet, UnknownReceipt
from freehold.ledger.interface import ReceiptForm


async def called(house: House) -> str:
    """The path of the receipt of a call."""
    return RECEIPTS + (await house.ask()).headers["freehold-receipt"]


async def fetch(house: House, path: str, query: str = "", **headers: str) -> Server:
    server = Server(b"")
    sent = {"authorization": "Bearer good"} | {name.replace("_", "-"): text for name, text in headers.items()}
    await server.served_by(house.gateway, head("GET", path, sent, query))
    return server


async def test_the_key_that_made_the_call_gets_its_receipt() -> None:
    house = House()
    server = await fetch(house, await called(house))
    assert server.status == 200
    assert server.json["kind"] == "admission"
    assert server.headers["content-type"] == "application/json"
    assert server.headers["cache-control"] == "no-store"
    assert server.headers["x-request-id"].startswith("call_")


@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        ("", "", "application/json"),
        ("", "*/*", "application/json"),
        ("", "application/json", "application/json"),
        ("", "text/plain, */*;q=0.1", "application/json"),
        ("", "text/plain", "text/plain; charset=utf-8"),
        ("format=tlog-proof", "application/json", "text/plain; charset=utf-8"),
        ("format=json", "text/plain", "application/json"),
    ],
)
async def test_the_form_is_the_one_that_is_asked_for(query: str, accept: str, content_type: str) -> None:
    house = House()
    server = await fetch(house, await called(house), query, accept=accept)
    assert (server.status, server.headers["content-type"]) == (200, content_type)


async def test_a_form_that_there_is_not_is_refused_by_name() -> None:
    house = House()
    server = await fetch(house, await called(house), "format=xml")
    assert (server.status, server.json["error"]["param"]) == (400, "format")


@pytest.mark.parametrize("secret", ["narrow", "slow"])
async def test_for_any_other_key_there_is_no_such_receipt(secret: str) -> None:
    house = House()
    server = await fetch(house, await called(house), authorization=f"Bearer {secret}")
    absent = await fetch(house, RECEIPTS + "fake.example/ledger/99")
    assert (server.status, server.json["error"]["code"]) == (404, "receipt_not_found")
    assert {**server.json["error"], "request_id": ""} == {**absent.json["error"], "request_id": ""}
    assert server.headers.keys() == absent.headers.keys()


async def test_without_a_key_there_is_no_receipt() -> None:
    house = House()
    assert (await fetch(house, await called(house), authorization="Bearer bad")).status == 401


@pytest.mark.parametrize("path", ["", "x", "0", "/0", "a/", "a/b/-1", "a/b/1.0", "a/b/٣", "a/b/" + "9" * 40, "a/b/1/"])
async def test_what_is_no_position_is_not_found(path: str) -> None:
    server = await fetch(House(), RECEIPTS + path)
    assert (server.status, server.json["error"]["code"]) == (404, "receipt_not_found")


async def test_one_that_is_not_published_yet_says_when_to_ask_again() -> None:
    house = House()
    path = await called(house)

    async def too_early(position: LedgerPosition, *, key: str, form: ReceiptForm) -> bytes:
        raise ReceiptNotYet("not published yet")

    house.ledger.receipt = too_early  # type: ignore[method-assign]  # the fake publishes at once
    server = await fetch(house, path)
    assert (server.status, server.json["error"]["code"]) == (404, "receipt_not_yet")
    assert server.headers["retry-after"] == "1"


async def test_a_ledger_that_is_away_is_a_fault() -> None:
    house = House()
    path = await called(house)

    async def away(position: LedgerPosition, *, key: str, form: ReceiptForm) -> bytes:
        raise LedgerUnavailable("the ledger is away")

    house.ledger.receipt = away  # type: ignore[method-assign]  # the fake is always there
    server = await fetch(house, path)
    assert (server.status, server.headers["retry-after"]) == (503, "1")


async def test_an_anthropic_caller_is_refused_in_that_dialect() -> None:
    server = await fetch(House(), RECEIPTS + "a/b/1", anthropic_version="2023-06-01")
    assert (server.status, server.json["type"], server.json["error"]["type"]) == (404, "error", "not_found_error")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_receipt_can_only_be_got(method: str) -> None:
    house = House()
    server = await house.ask(path=await called(house), method=method)
    assert (server.status, server.headers["allow"]) == (405, "GET, HEAD")


async def test_receipts_count_towards_the_rate_of_the_key() -> None:
    house = House()
    first = await fetch(house, RECEIPTS + "a/b/1", authorization="Bearer slow")
    second = await fetch(house, RECEIPTS + "a/b/1", authorization="Bearer slow")
    assert (first.status, second.status) == (404, 429)


def test_an_origin_may_have_slashes() -> None:
    asked = read_path("/freehold/receipts/freehold.local/3f9a/42", "", "")
    assert asked.position == LedgerPosition(origin="freehold.local/3f9a", index=42)
    with pytest.raises(UnknownReceipt):
        read_path("/freehold/receipts/42", "", "")
    with pytest.raises(InvalidRequest):
        read_path("/freehold/receipts/a/42", "format=", "")


async def test_the_build_of_the_engine_is_on_record_with_the_admission_and_the_outcome() -> None:
    house = House()
    digest = "sha256:" + "e" * 64

    def status(target: str) -> EngineStatus | None:
        return EngineStatus(target=target, state=EngineState.READY, engine_digest=digest)

    house.engine.status = status  # type: ignore[method-assign]  # this engine says of what build it is
    await house.ask()
    (admission,), (outcome,) = house.admissions, house.outcomes
    assert [target.engine_digest for target in admission.targets] == [digest]
    assert outcome.engine_digest == digest


async def test_where_no_build_is_known_none_is_on_record() -> None:
    house = House()
    await house.ask()
    (admission,), (outcome,) = house.admissions, house.outcomes
    assert (admission.targets[0].engine_digest, outcome.engine_digest) == (None, None)
    assert b"engine_digest" not in b"".join(house.ledger.entries)
