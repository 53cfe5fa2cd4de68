# SPDX-License-Identifier: Apache-2.0
"""The gateway here is a socket that answers as it is told to; the one that decides is in tests/system."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.admin.conftest import FakeLedger

from freehold.admin.interface import Parts, Progress
from freehold.admin.keys import digest_of
from freehold.admin.operations import Operations
from freehold.admin.requests import Talk
from freehold.admin.talking import Comment, Data, Opened
from freehold.errors import EstateError, InvalidRequest, LedgerFull

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nx-request-id: call_1\r\n"
    b"freehold-target: claude\r\nfreehold-decision: dec_1\r\nfreehold-receipt: estate.example/7\r\n\r\n"
)
ASKED = Talk(service="support", request={"messages": [{"role": "user", "content": "hello"}]})
Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


def chunk(text: str) -> bytes:
    return f"{len(text.encode()):x}\r\n{text}\r\n".encode()


class Gateway:
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.head = ""
        self.body: dict[str, Any] = {}
        self.hung_up = asyncio.Event()

    @asynccontextmanager
    async def at(self, path: Path, answering: Answering) -> AsyncIterator[None]:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(self.head.split("Content-Length: ")[1].split("\r\n")[0])
            self.body = json.loads(await reader.readexactly(length))
            await answering(reader, writer, b"")
            writer.close()

        path.parent.mkdir(parents=True, exist_ok=True)
        async with await asyncio.start_unix_server(take, path):
            yield


async def two_words(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
    writer.write(HEAD + chunk('data: {"n":1}\n\n'))
    writer.write(chunk(": seam continued; from claude to local; provider_unavailable\n\n") + chunk('data: {"n":2}\n\n'))
    writer.write(chunk("data: [DONE]\n\n") + b"0\r\n\r\n")
    await writer.drain()


async def refused(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
    body = b'{"error":{"message":"no target may see this call","code":"policy_denied"}}'
    head = f"HTTP/1.1 403 Forbidden\r\ncontent-length: {len(body)}\r\nfreehold-decision: dec_2\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


@pytest.fixture
def told() -> list[Progress]:
    return []


async def test_what_comes_is_told_in_order_and_the_end_says_who_answered(
    operations: Operations, parts: Parts, told: list[Progress]
) -> None:
    gateway = Gateway()
    async with gateway.at(parts.estate.gateway_socket, two_words):
        answer: Any = await operations.talking.talk(ASKED, "op_7", told.append)
    events = [step.event for step in told if step.event is not None]
    assert events == [
        Opened(
            status=200, key="talk-op_7", call="call_1", target="claude", decision="dec_1", receipt="estate.example/7"
        ),
        Data('{"n":1}'),
        Comment("seam continued; from claude to local; provider_unavailable"),
        Data('{"n":2}'),
        Data("[DONE]"),
    ]
    assert msgspec.to_builtins(events[1]) == {"event": "data", "data": '{"n":1}'}
    assert answer["talk"]["seams"] == ["seam continued; from claude to local; provider_unavailable"]
    assert (answer["talk"]["error"], answer["talk"]["receipt"]) == (None, "estate.example/7")
    assert gateway.body["model"] == "support"
    assert gateway.body["stream"] is True
    assert "Freehold-Target" not in gateway.head


async def test_the_key_is_the_operators_own_and_its_making_is_on_record_once(
    operations: Operations, parts: Parts, ledger: FakeLedger, told: list[Progress]
) -> None:
    gateway = Gateway()
    async with gateway.at(parts.estate.gateway_socket, two_words):
        for asker in ("op_7", "op_7", "local"):
            await operations.talking.talk(ASKED, asker, told.append)
    acts = [(kind, subject, by) for kind, subject, by, _ in ledger.acts]
    assert acts == [("talk.begin", "talk-op_7", "op_7"), ("talk.begin", "talk-local", "local")]
    assert {key.id for key in operations.talking.keys} == {"talk-op_7", "talk-local"}
    assert not parts.state.api_keys()


async def test_a_named_target_is_asked_for_with_the_key_that_pins_one(
    operations: Operations, parts: Parts, told: list[Progress]
) -> None:
    gateway = Gateway()
    asked = Talk(service="support", target="local", data_class="personal", request=ASKED.request)
    async with gateway.at(parts.estate.gateway_socket, two_words):
        await operations.talking.talk(asked, "op_7", told.append)
    assert "Freehold-Target: local\r\n" in gateway.head
    assert "Freehold-Data-Class: personal\r\n" in gateway.head
    secret = gateway.head.split("Authorization: Bearer ")[1].split("\r\n")[0]
    (pinning,) = (key for key in operations.talking.keys if key.pins_target)
    assert pinning.secret_sha256 == digest_of(secret)


async def test_a_refusal_is_an_answer(operations: Operations, parts: Parts, told: list[Progress]) -> None:
    async with Gateway().at(parts.estate.gateway_socket, refused):
        answer: Any = await operations.talking.talk(ASKED, "op_7", told.append)
    assert answer["talk"]["error"] == {"code": "policy_denied", "message": "no target may see this call"}
    assert (answer["talk"]["status"], answer["talk"]["decision"]) == (403, "dec_2")


async def test_whoever_asked_and_goes_away_ends_the_call(operations: Operations, parts: Parts) -> None:
    gateway = Gateway()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: bytes) -> None:
        writer.write(HEAD)
        await writer.drain()
        with suppress(ConnectionError):  # who goes away may not have read all that was said
            assert not await reader.read()
        gateway.hung_up.set()

    def gone(progress: Progress) -> None:
        if progress.event is None:
            raise EstateError("stopped")

    async with gateway.at(parts.estate.gateway_socket, silent):
        with pytest.raises(EstateError, match="stopped"):
            await operations.talking.talk(ASKED, "op_7", gone)
        await gateway.hung_up.wait()


async def test_without_a_gateway_it_says_so(operations: Operations, told: list[Progress]) -> None:
    with pytest.raises(EstateError, match="the gateway broke off"):
        await operations.talking.talk(ASKED, "op_7", told.append)


async def test_a_key_that_is_not_on_record_is_not_made(
    operations: Operations, ledger: FakeLedger, told: list[Progress]
) -> None:
    ledger.fault = LedgerFull("full")
    with pytest.raises(LedgerFull):
        await operations.talking.talk(ASKED, "op_7", told.append)
    assert operations.talking.keys == ()


@pytest.mark.parametrize("field", ["model", "stream"])
async def test_what_decides_the_call_is_not_taken_from_its_body(
    operations: Operations, told: list[Progress], field: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"request.{field}"):
        await operations.talking.talk(Talk(service="support", request={field: "x"}), "op_7", told.append)


async def test_a_key_that_a_gateway_did_not_take_is_made_anew(
    operations: Operations, parts: Parts, ledger: FakeLedger, told: list[Progress], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = iter((False, True))

    async def publish(_: object) -> bool:
        return next(taken)

    monkeypatch.setattr(parts.publisher, "publish", publish)
    async with Gateway().at(parts.estate.gateway_socket, two_words):
        with pytest.raises(EstateError, match="did not take the key"):
            await operations.talking.talk(ASKED, "op_7", told.append)
        assert operations.talking.keys == ()
        await operations.talking.talk(ASKED, "op_7", told.append)
    assert [kind for kind, *_ in ledger.acts] == ["talk.begin", "talk.begin"]
