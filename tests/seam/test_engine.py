# SPDX-License-Identifier: Apache-2.0
"""What every engine is to the rest of Freehold, whatever makes its tokens. The fake passes the same as the real one."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.engine_fakes import StubSupervisor, engine_status

from freehold.contract.backend import EngineState, Model
from freehold.contract.decision import Decision, Verdict
from freehold.contract.estate import Estate
from freehold.contract.weights import VerifiedFile, VerifiedWeights
from freehold.dialect.interface import Event, Upstream, Wire
from freehold.engine.client import Engines
from freehold.engine.fake import FakeEngine
from freehold.engine.fleet import EngineFleet
from freehold.engine.service import SupervisorService
from freehold.errors import ContextExceeded, InvalidRequest, Unsupported
from freehold.settings import EngineTargetSection

CONTEXT_TOKENS = 512
MODEL = "small"
DECISION = Decision(
    id="dec_1",
    verdicts=(Verdict(target="local", allowed=True, rules=()),),
    policy_digest="",
    facts_digest="",
)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.system)])
async def engines(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engines]:
    """A gateway's client, with one engine behind it that is ready."""
    engine = _fake(tmp_path) if request.param == "fake" else _real(tmp_path, request.getfixturevalue("weights"))
    async with engine as supervisor_socket:
        client = Engines(supervisor_socket)
        await client.start()
        await client.ready("local")
        yield client
        await client.close()


@asynccontextmanager
async def _fake(folder: Path) -> AsyncIterator[Path]:
    fake = FakeEngine(folder / "engine.sock", model=MODEL, context_tokens=CONTEXT_TOKENS)
    supervisor = StubSupervisor(folder / "supervisor.sock")
    async with fake, supervisor.listening():
        supervisor.say(engine_status(EngineState.READY, folder))
        yield supervisor.path


@asynccontextmanager
async def _real(folder: Path, weights: Path) -> AsyncIterator[Path]:
    estate = Estate(folder / "estate")
    section = EngineTargetSection(engine="llamacpp", model=MODEL, context_tokens=CONTEXT_TOKENS, slots=2, queue=2)

    def verify(_: str) -> VerifiedWeights:
        return VerifiedWeights(
            model=Model(name=MODEL, digest="sha256:0"),
            format="gguf",
            files=(
                VerifiedFile(
                    path=weights.name,
                    fd=os.open(weights, os.O_RDONLY | os.O_CLOEXEC),
                    size_bytes=weights.stat().st_size,
                ),
            ),
            context_train_tokens=8192,
            chat_template="",
        )

    fleet = EngineFleet(estate, {"local": section}, verify, sealed=True)
    server = await SupervisorService(fleet).listen(estate.supervisor_socket)
    fleet.start()
    try:
        yield estate.supervisor_socket
    finally:
        server.close()
        await fleet.close()


def chat(**more: Any) -> bytes:
    return msgspec.json.encode({"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 3, **more})


async def stream(engines: Engines, wire: Wire, body: bytes) -> list[Event]:
    async with engines.open("local", Upstream(wire=wire, body=body, stream=True), DECISION) as answer:
        assert answer.body == b""
        return [event async for event in answer.events]


async def whole(engines: Engines, wire: Wire, body: bytes) -> Any:
    async with engines.open("local", Upstream(wire=wire, body=body, stream=False), DECISION) as answer:
        assert [event async for event in answer.events] == []
        return msgspec.json.decode(answer.body)


async def test_it_is_described(engines: Engines) -> None:
    backend = await engines.ready("local")
    status = engines.status("local")
    assert status is not None
    assert (backend.model, backend.context_tokens, status.slots) == (MODEL, CONTEXT_TOKENS, 2)
    assert {Wire.CHAT, Wire.COMPLETIONS, Wire.MESSAGES, Wire.COUNT_TOKENS} <= backend.wires


async def test_a_chat_stream_ends_with_done_after_its_finish_reason(engines: Engines) -> None:
    events = await stream(engines, Wire.CHAT, chat(stream=True))
    chunks = [msgspec.json.decode(event.data) for event in events[:-1]]
    assert events[-1].data == b"[DONE]"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert {chunk["model"] for chunk in chunks} == {MODEL}


async def test_a_whole_chat_answer_names_the_model_and_counts_its_tokens(engines: Engines) -> None:
    answer = await whole(engines, Wire.CHAT, chat())
    assert answer["model"] == MODEL
    assert answer["choices"][0]["message"]["content"]
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 3


async def test_a_completion_is_answered_streamed_and_whole(engines: Engines) -> None:
    body: dict[str, Any] = {"prompt": "Once upon a time", "max_tokens": 3}
    answer = await whole(engines, Wire.COMPLETIONS, msgspec.json.encode(body))
    assert answer["choices"][0]["text"]
    events = await stream(engines, Wire.COMPLETIONS, msgspec.json.encode({**body, "stream": True}))
    assert events[-1].data == b"[DONE]"


async def test_a_message_stream_ends_with_message_stop(engines: Engines) -> None:
    events = await stream(engines, Wire.MESSAGES, chat(stream=True))
    names = [event.name for event in events]
    assert "content_block_delta" in names
    assert names[-2:] == ["message_delta", "message_stop"]


async def test_a_whole_message_has_a_stop_reason_and_usage(engines: Engines) -> None:
    answer = await whole(engines, Wire.MESSAGES, chat())
    assert answer["stop_reason"] == "max_tokens"
    assert answer["content"][0]["type"] == "text"
    assert answer["usage"]["output_tokens"] == 3


async def test_tokens_are_counted(engines: Engines) -> None:
    assert (await whole(engines, Wire.COUNT_TOKENS, chat()))["input_tokens"] > 0


async def test_the_bytes_of_the_events_are_the_stream(engines: Engines) -> None:
    for event in await stream(engines, Wire.CHAT, chat(stream=True)):
        assert event.raw == b"data: " + event.data + b"\n\n"


@pytest.mark.parametrize("wire", [Wire.CHAT, Wire.MESSAGES])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_prompt_that_is_too_long_is_refused_with_both_numbers(
    engines: Engines, wire: Wire, streamed: bool
) -> None:
    body = chat(messages=[{"role": "user", "content": "word " * 2000}], stream=streamed)
    with pytest.raises(ContextExceeded) as refused:
        await (stream if streamed else whole)(engines, wire, body)
    assert refused.value.prompt_tokens >= 2000
    assert refused.value.context_tokens == CONTEXT_TOKENS


async def test_a_request_that_is_not_one_is_the_callers_fault(engines: Engines) -> None:
    with pytest.raises(InvalidRequest):
        await whole(engines, Wire.CHAT, b"{")


async def test_what_the_model_cannot_do_is_unsupported(engines: Engines) -> None:
    with pytest.raises(Unsupported):
        await whole(engines, Wire.INFILL, b'{"input_prefix":"a","input_suffix":"b","n_predict":1}')


async def test_callers_who_hang_up_leave_their_places_to_others(engines: Engines) -> None:
    long = Upstream(wire=Wire.CHAT, body=chat(stream=True, max_tokens=400), stream=True)
    for _ in range(8):  # twice as many as slots and queue hold
        async with engines.open("local", long, DECISION) as answer:
            await anext(aiter(answer.events))
    assert await whole(engines, Wire.CHAT, chat())
