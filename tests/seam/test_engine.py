# SPDX-License-Identifier: Apache-2.0
"""What every engine is to the rest of Freehold, whatever makes its tokens. The fakes pass the same as the real ones.

llama.cpp has a fake within this process. vLLM has a stand-in, which is a program of its own in vLLM's own jail. The
real vLLM runs where the environment says where it is (``tests/vllm_builder.py``).
"""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests import vllm_builder
from tests.engine_fakes import StubSupervisor, engine_status

from freehold.contract.backend import EngineState, Model
from freehold.contract.call import Dialect, Operation
from freehold.contract.decision import Decision, Verdict
from freehold.contract.estate import Estate
from freehold.contract.weights import VerifiedFile, VerifiedWeights
from freehold.dialect.interface import Event, Upstream, Wire
from freehold.dialect.sse import Splitter
from freehold.dialect.table import codecs
from freehold.engine.client import Engines
from freehold.engine.fake import FakeEngine
from freehold.engine.fleet import EngineFleet
from freehold.engine.service import SupervisorService
from freehold.errors import ContextExceeded, InvalidRequest, Unsupported
from freehold.settings import EngineTargetSection

CONTEXT_TOKENS = 512
MODEL = "small"
TEMPLATE = Path(__file__).parents[1] / "system" / "tools.jinja"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Zürich"]}},
    "required": ["city"],
    "additionalProperties": False,
}
DECISION = Decision(
    id="dec_1",
    verdicts=(Verdict(target="local", allowed=True, rules=()),),
    policy_digest="",
    facts_digest="",
)


LLAMACPP = pytest.param("llama.cpp", marks=pytest.mark.system)
VLLM = pytest.param(
    "vllm",
    marks=[
        pytest.mark.system,
        pytest.mark.timeout(300),
        pytest.mark.skipif(not vllm_builder.REAL, reason="FREEHOLD_VLLM names no environment with vLLM"),
    ],
)


ABLE = ("stand-in of vllm", LLAMACPP, VLLM)  # the fake knows no more than to say its words
able = pytest.mark.parametrize("engines", ABLE, indirect=True, scope="module")
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(params=["fake of llama.cpp", *ABLE], scope="module", loop_scope="module")
async def engines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engines]:
    """A gateway's client, with one engine behind it that is ready, which the tests of this file share."""
    folder = tmp_path_factory.mktemp("seam")
    match request.param:
        case "fake of llama.cpp":
            engine = _fake(folder)
        case "llama.cpp":
            engine = _real(folder, request.getfixturevalue("weights"))
        case kind:
            engine = _vllm(folder, real=kind == "vllm")
    async with _client(engine) as client:
        yield client


@asynccontextmanager
async def _client(engine: AbstractAsyncContextManager[Path]) -> AsyncIterator[Engines]:
    async with engine as supervisor_socket:
        client = Engines(supervisor_socket, patience_s=200)
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
    section = EngineTargetSection(
        engine="llamacpp",
        model=MODEL,
        context_tokens=CONTEXT_TOKENS,
        slots=2,
        queue=2,
        chat_template=_template(estate),
    )

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

    async with _running(estate, section, verify, sealed=True) as socket:
        yield socket


@asynccontextmanager
async def _vllm(folder: Path, *, real: bool) -> AsyncIterator[Path]:
    estate = Estate(folder / "estate")
    environment = vllm_builder.REAL if real else str(vllm_builder.write_environment(folder / "environment"))
    model = Path(vllm_builder.REAL_MODEL) if real else vllm_builder.write_model(folder / "model")
    section = EngineTargetSection(
        engine="vllm",
        model=MODEL,
        environment=environment,
        tool_parser="hermes",
        context_tokens=CONTEXT_TOKENS,
        slots=2,
        queue=2,
        chat_template=_template(estate),
    )
    verify = partial(vllm_builder.opened_model, model, MODEL)
    async with _running(estate, section, lambda _: verify(), sealed=False) as socket:
        yield socket


def _template(estate: Estate) -> str:
    """One that has tools, put into the estate."""
    estate.directory.mkdir(parents=True)
    shutil.copy(TEMPLATE, estate.directory)
    return TEMPLATE.name


@asynccontextmanager
async def _running(
    estate: Estate, section: EngineTargetSection, verify: Callable[[str], VerifiedWeights], *, sealed: bool
) -> AsyncIterator[Path]:
    fleet = EngineFleet(estate, {"local": section}, verify, sealed=sealed)
    server = await SupervisorService(fleet).listen(estate.supervisor_socket)
    fleet.start()
    try:
        yield estate.supervisor_socket
    finally:
        server.close()
        await fleet.close()


def chat(**more: Any) -> bytes:
    messages = [{"role": "user", "content": "Say hello."}]
    return msgspec.json.encode({"messages": messages, "max_tokens": 3, "temperature": 0, **more})


async def stream(engines: Engines, wire: Wire, body: bytes) -> list[Event]:
    async with engines.open("local", Upstream(wire=wire, body=body, stream=True), DECISION) as answer:
        assert answer.body == b""
        return [event async for event in answer.events]


async def whole(engines: Engines, wire: Wire, body: bytes) -> Any:
    async with engines.open("local", Upstream(wire=wire, body=body, stream=False), DECISION) as answer:
        assert [event async for event in answer.events] == []
        return msgspec.json.decode(answer.body)


def asked(**more: Any) -> bytes:
    messages = [{"role": "user", "content": "Say hello."}]
    return msgspec.json.encode({"model": MODEL, "messages": messages, "temperature": 0, **more})


async def told(engines: Engines, dialect: Dialect, body: bytes, operation: Operation = Operation.CHAT) -> bytes:
    """What a caller of the dialect gets."""
    codec = codecs[dialect]
    request = codec.parse(operation, body)
    exchange = codec.exchange(request, await engines.ready("local"))
    async with engines.open("local", exchange.upstream, DECISION) as answer:
        if not request.stream:
            return exchange.whole(answer.body)
        return b"".join([exchange.event(event) async for event in answer.events])


async def test_it_is_described(engines: Engines) -> None:
    backend = await engines.ready("local")
    status = engines.status("local")
    assert status is not None
    assert (backend.model, backend.context_tokens, status.slots) == (MODEL, CONTEXT_TOKENS, 2)
    assert {Wire.CHAT, Wire.COMPLETIONS, Wire.COUNT_TOKENS} <= backend.wires
    assert not {Wire.INFILL, Wire.EMBEDDINGS} & backend.wires


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
    body: dict[str, Any] = {"prompt": "Once upon a time", "max_tokens": 3, "temperature": 0}
    answer = await whole(engines, Wire.COMPLETIONS, msgspec.json.encode(body))
    assert answer["choices"][0]["text"]
    events = await stream(engines, Wire.COMPLETIONS, msgspec.json.encode({**body, "stream": True}))
    assert events[-1].data == b"[DONE]"


async def test_a_message_stream_ends_with_message_stop(engines: Engines) -> None:
    answer = await told(engines, Dialect.ANTHROPIC, asked(max_tokens=3, stream=True))
    names = [event.name for event in Splitter().feed(answer)]
    assert "content_block_delta" in names
    assert names[-2:] == ["message_delta", "message_stop"]


async def test_a_whole_message_has_a_stop_reason_and_usage(engines: Engines) -> None:
    answer = msgspec.json.decode(await told(engines, Dialect.ANTHROPIC, asked(max_tokens=3)))
    assert answer["stop_reason"] == "max_tokens"
    assert answer["content"][0]["type"] == "text"
    assert answer["usage"]["output_tokens"] == 3


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("dialect", Dialect)
async def test_every_dialect_is_answered(engines: Engines, dialect: Dialect, streamed: bool) -> None:
    if dialect is Dialect.RESPONSES:
        body = msgspec.json.encode({"model": MODEL, "input": "Say hello.", "max_output_tokens": 16, "stream": streamed})
    else:
        body = asked(max_tokens=16, stream=streamed)
    assert await told(engines, dialect, body)


async def test_tokens_are_counted(engines: Engines) -> None:
    counted = await told(engines, Dialect.ANTHROPIC, asked(), Operation.COUNT_TOKENS)
    assert msgspec.json.decode(counted)["input_tokens"] > 0


async def test_the_bytes_of_the_events_are_the_stream(engines: Engines) -> None:
    for event in await stream(engines, Wire.CHAT, chat(stream=True)):
        assert event.raw == b"data: " + event.data + b"\n\n"


@pytest.mark.parametrize("dialect", [Dialect.OPENAI, Dialect.ANTHROPIC])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_prompt_that_is_too_long_is_refused_with_both_numbers(
    engines: Engines, dialect: Dialect, streamed: bool
) -> None:
    body = asked(messages=[{"role": "user", "content": "word " * 2000}], max_tokens=3, stream=streamed)
    with pytest.raises(ContextExceeded) as refused:
        await told(engines, dialect, body)
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


@able
@pytest.mark.parametrize("dialect", [Dialect.OPENAI, Dialect.MISTRAL, Dialect.ANTHROPIC])
async def test_an_answer_goes_on_from_the_assistants_last_message(engines: Engines, dialect: Dialect) -> None:
    begun: list[dict[str, Any]] = [
        {"role": "user", "content": "Tell me of a house."},
        {"role": "assistant", "content": "One house of"},
    ]
    if dialect is Dialect.MISTRAL:
        begun[1]["prefix"] = True
    document = msgspec.json.decode(await told(engines, dialect, asked(messages=begun, max_tokens=4)))
    if dialect is Dialect.ANTHROPIC:
        assert not document["content"][0]["text"].startswith("One house")  # it repeats nothing
        return
    said = document["choices"][0]["message"]["content"]
    assert said.startswith("One house of")
    assert len(said) > len("One house of")


@able
async def test_a_streamed_answer_does_not_repeat_what_it_goes_on_from(engines: Engines) -> None:
    begun = [{"role": "user", "content": "Tell me of a house."}, {"role": "assistant", "content": "One house of"}]
    events = Splitter().feed(await told(engines, Dialect.OPENAI, asked(messages=begun, max_tokens=4, stream=True)))
    chunks = [msgspec.json.decode(event.data) for event in events[:-1]]
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert said
    assert not said.startswith("One")


@able
async def test_what_must_follow_a_schema_follows_it(engines: Engines) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
    answer = msgspec.json.decode(await told(engines, Dialect.OPENAI, asked(response_format=wanted, max_tokens=60)))
    assert msgspec.json.decode(answer["choices"][0]["message"]["content"]) == {"city": "Zürich"}


@able
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_forced_tool_is_called(engines: Engines, streamed: bool) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
    body = asked(tools=[tool], tool_choice="required", max_tokens=120, stream=streamed)
    answer = await told(engines, Dialect.OPENAI, body)
    assert b'"weather"' in answer
    assert "Zürich".encode() in answer
    assert b'"finish_reason":"tool_calls"' in answer


@able
async def test_logprobs_have_the_shape_of_their_endpoint(engines: Engines) -> None:
    chat_answer = msgspec.json.decode(
        await told(engines, Dialect.OPENAI, asked(logprobs=True, top_logprobs=2, max_tokens=3))
    )
    tokens = chat_answer["choices"][0]["logprobs"]["content"]
    assert [len(token["top_logprobs"]) for token in tokens] == [2, 2, 2]
    body = msgspec.json.encode({"model": MODEL, "prompt": "Once upon", "max_tokens": 3, "logprobs": 2})
    text = msgspec.json.decode(await told(engines, Dialect.OPENAI, body, Operation.COMPLETION))
    logprobs = text["choices"][0]["logprobs"]
    assert set(logprobs) == {"tokens", "token_logprobs", "top_logprobs", "text_offset"}
    assert "".join(logprobs["tokens"]) == text["choices"][0]["text"]
    assert logprobs["text_offset"][0] == 0


@able
@pytest.mark.parametrize("streamed", [False, True])
async def test_the_tokens_of_every_choice_are_counted_once(engines: Engines, streamed: bool) -> None:
    more = {"stream_options": {"include_usage": True}} if streamed else {}
    answer = await told(engines, Dialect.OPENAI, asked(n=2, max_tokens=3, stream=streamed, **more))
    if streamed:
        answer = Splitter().feed(answer)[-2].data
    assert msgspec.json.decode(answer)["usage"]["completion_tokens"] == 6


@able
async def test_a_limit_beyond_the_context_is_no_error(engines: Engines) -> None:
    answer = msgspec.json.decode(await told(engines, Dialect.OPENAI, asked(max_tokens=4096, stop=[" "])))
    assert answer["choices"][0]["finish_reason"] in {"stop", "length"}
