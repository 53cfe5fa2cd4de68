# SPDX-License-Identifier: Apache-2.0
"""An answer that one vendor began, in its own bytes, and an engine or another vendor goes on with."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulator.anthropic.doors import Messages
from tests.simulator.asked import Asked
from tests.simulator.mistral.doors import Chat as MistralChat
from tests.simulator.openai.doors import Chat
from tests.simulator.reply import Door, Visit
from tests.simulator.responses.door import Responses
from tests.simulator.said import Call, Finish, Said, Text, Thought

from freehold.contract.backend import Priority
from freehold.contract.call import Dialect, Operation
from freehold.contract.endpoint import Prefill
from freehold.contract.record import Seam, SeamKind
from freehold.dialect import codecs
from freehold.dialect.anthropic.reader import MessagesReader
from freehold.dialect.chatwire import AnswerReader, Usage
from freehold.dialect.continuation import CallPlan
from freehold.dialect.interface import Backend, Exchange, Foreign, Wire
from freehold.dialect.mistral.reader import MistralReader
from freehold.dialect.openai.reader import OpenAIReader
from freehold.dialect.responses.reader import ResponsesReader
from freehold.dialect.sse import Splitter
from freehold.errors import Unsupported

TEXT = "Grüße aus Zürich,\n\n你好 🙂, all  is well. "
TURN = [{"role": "user", "content": "Say it."}]
TOOL = {"name": "look", "parameters": {"type": "object"}}
REQUESTS: dict[Dialect, dict[str, Any]] = {
    Dialect.OPENAI: {"messages": TURN, "stream_options": {"include_usage": True}, "max_tokens": 500},
    Dialect.MISTRAL: {"messages": TURN},
    Dialect.RESPONSES: {"input": TURN, "instructions": "Be brief."},
    Dialect.ANTHROPIC: {"messages": TURN, "max_tokens": 500},
}
WIRES = {
    Dialect.OPENAI: Wire.CHAT,
    Dialect.MISTRAL: Wire.MISTRAL_CHAT,
    Dialect.RESPONSES: Wire.RESPONSES,
    Dialect.ANTHROPIC: Wire.MESSAGES,
}
DOORS: dict[Dialect, Door] = {
    Dialect.OPENAI: Chat(),
    Dialect.MISTRAL: MistralChat(),
    Dialect.RESPONSES: Responses(),
    Dialect.ANTHROPIC: Messages(),
}
READERS: dict[Dialect, type[AnswerReader]] = {
    Dialect.OPENAI: OpenAIReader,
    Dialect.MISTRAL: MistralReader,
    Dialect.RESPONSES: ResponsesReader,
    Dialect.ANTHROPIC: MessagesReader,
}
ENGINE = Backend(model="owned", wires=frozenset({Wire.CHAT}), context_tokens=4096, tools=True)
_BODY = b'{"model": "vendors", "input": "Say it.", "stream": true}'  # what a vendor repeats of it
every_dialect = pytest.mark.parametrize("dialect", Dialect)


def plan_of(dialect: Dialect, **asked: Any) -> CallPlan:
    codec = codecs[dialect]
    body = msgspec.json.encode({"model": "support", "stream": True, **REQUESTS[dialect], **asked})
    return CallPlan(codec, codec.parse(Operation.CHAT, body))


def vendor(dialect: Dialect, prefill: Prefill = Prefill.TEXT) -> Backend:
    wire = WIRES[dialect]
    foreign = Foreign(preferred=wire, prefill=prefill, answer_tokens=100)
    return Backend(model="vendors", wires=frozenset({wire}), context_tokens=0, tools=True, foreign=foreign)


def streamed(dialect: Dialect, said: Said) -> list[bytes]:
    """What the vendor itself would send."""
    visit = Visit(number=1, path="", query={}, headers={}, body=_BODY, at_unix=7, key="k", models=frozenset())
    return DOORS[dialect].write(visit, Asked(model="vendors", stream=True), said).pieces


def through(exchange: Exchange, pieces: Iterable[bytes]) -> bytes:
    splitter = Splitter()
    return b"".join(exchange.event(event) for piece in pieces for event in splitter.feed(piece))


def prefilled(exchange: Exchange) -> str:
    """What the backend is to go on from."""
    body = msgspec.json.decode(exchange.upstream.body)
    last = (body.get("messages") or body["input"])[-1]
    if last["role"] != "assistant":
        return ""
    content = last["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def rest_of(text: str, exchange: Exchange) -> str:
    begun = prefilled(exchange)
    assert text.startswith(begun), f"{begun!r} is no beginning of the answer"
    return text[len(begun) :]


def engine_says(text: str) -> list[bytes]:
    """As llama.cpp writes it: the role first, then a piece a token."""
    shape = {"id": "chatcmpl-engine", "object": "chat.completion.chunk", "created": 9, "model": "owned"}
    deltas = [
        {"role": "assistant", "content": None},
        *({"content": piece} for piece in re.findall(r".{1,3}", text, re.DOTALL)),
    ]
    chunks = [{**shape, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**shape, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = {"prompt_tokens": 50, "completion_tokens": len(deltas) - 1, "total_tokens": 49 + len(deltas)}
    chunks.append({**shape, "choices": [], "usage": usage})
    return [b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


class Heard:
    """A whole stream, as the caller's dialect reads it."""

    def __init__(self, dialect: Dialect, stream: bytes) -> None:
        reader = READERS[dialect]()
        events = Splitter().feed(stream)
        self.names = [event.name for event in events]
        self.documents = [msgspec.json.decode(event.data) for event in events if event.data not in (b"", b"[DONE]")]
        self.chats = [chat for event in events if event.data for chat in reader.event(event)]
        self.finished = reader.finished
        said = [choice.said for chat in self.chats for choice in chat.choices]
        self.text = "".join(one.content or "" for one in said)
        self.reasoning = "".join(one.reasoning_content or "" for one in said)
        self.ids = {chat.id for chat in self.chats if chat.id}
        self.calls = [call for one in said for call in one.tool_calls or ()]

    @property
    def usage(self) -> Usage:
        (usage,) = (chat.usage for chat in self.chats if isinstance(chat.usage, Usage))
        return usage


class Broken:
    """A vendor's answer after so many of its events, as the relay hands it on: up to what says something, or pings."""

    def __init__(self, dialect: Dialect, said: Said, count: int, **asked: Any) -> None:
        self.plan = plan_of(dialect, **asked)
        self.exchange = self.plan.begin(vendor(dialect))
        self.sent = waiting = b""
        for piece in streamed(dialect, said)[:count]:
            before = self.exchange.tally.output_tokens
            waiting += through(self.exchange, [piece])
            if self.exchange.tally.output_tokens != before or piece.startswith((b":", b"event: ping")):
                self.sent, waiting = self.sent + waiting, b""

    def rest(self, backend: Backend) -> Exchange:
        return self.plan.go_on(backend, self.sent) if self.sent else self.plan.begin(backend)


def everywhere(dialect: Dialect, said: Said) -> list[int]:
    """After how many of the vendor's events it may break off without having said how the answer ends."""
    counts = []
    for count in range(1, 1 + len(streamed(dialect, said))):
        tally = Broken(dialect, said, count).exchange.tally
        if not tally.finish and not tally.finished:
            counts.append(count)
    return counts


@every_dialect
def test_wherever_a_vendor_breaks_off_an_engine_goes_on_with_the_same_answer(dialect: Dialect) -> None:
    said = Said(parts=(Text(TEXT),))
    for count in everywhere(dialect, said):
        broken = Broken(dialect, said, count)
        rest = broken.rest(ENGINE)
        heard = Heard(dialect, broken.sent + through(rest, engine_says(rest_of(TEXT, rest))))
        assert heard.text == TEXT, f"after {count} events"
        assert heard.finished
        assert rest.tally.finished
        assert len(heard.ids) <= 1, f"after {count} events the answer has the names {heard.ids}"
        assert heard.usage.total_tokens == heard.usage.prompt_tokens + heard.usage.completion_tokens
        told = (heard.usage.prompt_tokens, heard.usage.completion_tokens)
        assert (rest.tally.input_tokens, rest.tally.output_tokens) == told, f"after {count} events"


def test_the_prompt_is_counted_by_who_said_so_before_the_answer_broke_off() -> None:
    broken = Broken(Dialect.ANTHROPIC, Said(parts=(Text(TEXT),)), 6)
    prompt_tokens = broken.exchange.tally.input_tokens
    rest = broken.rest(ENGINE)
    heard = Heard(Dialect.ANTHROPIC, broken.sent + through(rest, engine_says(rest_of(TEXT, rest))))
    assert prompt_tokens
    assert heard.usage.prompt_tokens == rest.tally.input_tokens == prompt_tokens


@every_dialect
@pytest.mark.parametrize("other", Dialect)
def test_another_vendor_that_can_go_on_does(dialect: Dialect, other: Dialect) -> None:
    said = Said(parts=(Text(TEXT),))
    broken = Broken(dialect, said, everywhere(dialect, said)[-1] - 3)
    prefill = Prefill.PREFIX if other is Dialect.MISTRAL else Prefill.TEXT
    rest = broken.rest(vendor(other, prefill))
    more = rest_of(TEXT, rest)
    repeats = prefilled(rest) if other is Dialect.MISTRAL else ""  # Mistral's answers begin with the prefix
    stream = broken.sent + through(rest, streamed(other, Said(parts=(Text(repeats + more),))))
    assert Heard(dialect, stream).text == TEXT


@every_dialect
def test_a_vendor_that_cannot_go_on_is_not_asked(dialect: Dialect) -> None:
    said = Said(parts=(Text(TEXT),))
    with pytest.raises(Unsupported):
        Broken(dialect, said, everywhere(dialect, said)[-1]).rest(vendor(Dialect.OPENAI, Prefill.NONE))


@every_dialect
def test_space_that_was_said_is_not_said_twice(dialect: Dialect) -> None:
    text = "one\n\n two"
    said = Said(parts=(Text("one\n\n "), Text("two")))
    for count in everywhere(dialect, said):
        broken = Broken(dialect, said, count)
        rest = broken.rest(ENGINE)
        assert not prefilled(rest).endswith((" ", "\n"))
        assert Heard(dialect, broken.sent + through(rest, engine_says(rest_of(text, rest)))).text == text


@every_dialect
def test_nothing_goes_on_after_a_tool_was_called(dialect: Dialect) -> None:
    said = Said(parts=(Text("I look."), Call("look", '{"a": 1}')), finish=Finish.TOOLS)
    plan = plan_of(dialect)
    whole = b"".join(streamed(dialect, said))
    with pytest.raises(Unsupported, match="tool"):
        plan.go_on(ENGINE, whole)


@every_dialect
def test_a_tool_call_is_what_is_held(dialect: Dialect) -> None:
    said = Said(
        parts=(Text('Not a "tool_calls", "tool_use" or "function_call". '), Call("look", "{}")), finish=Finish.TOOLS
    )
    plan = plan_of(dialect)
    exchange = plan.begin(vendor(dialect))
    pieces = [through(exchange, [piece]) for piece in streamed(dialect, said)]
    first = next(index for index, piece in enumerate(pieces) if plan.holds(piece))
    assert not Heard(dialect, b"".join(pieces[:first])).calls
    assert Heard(dialect, b"".join(pieces[: first + 1])).calls
    assert not any(map(plan.holds, [b"", b": ping\n\n", plan.ping]))


@every_dialect
def test_an_answer_that_must_follow_a_schema_is_held_whole(dialect: Dialect) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    asked: dict[Dialect, dict[str, Any]] = {
        Dialect.OPENAI: {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}},
        Dialect.MISTRAL: {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}},
        Dialect.RESPONSES: {"text": {"format": {"type": "json_schema", "name": "a", "schema": schema}}},
        Dialect.ANTHROPIC: {"output_config": {"format": {"type": "json_schema", "schema": schema}}},
    }
    assert plan_of(dialect, **asked[dialect]).holds(b"anything")
    assert not plan_of(dialect).holds(b"anything")


@every_dialect
def test_reasoning_that_broke_off_is_begun_again(dialect: Dialect) -> None:
    if dialect in (Dialect.OPENAI, Dialect.RESPONSES):
        pytest.skip("the vendor shows no reasoning in mid-thought, or sums it up")
    said = Said(parts=(Thought("Let me think about it."), Text(TEXT)))
    count = next(count for count in everywhere(dialect, said) if b"think" in Broken(dialect, said, count).sent)
    broken = Broken(dialect, said, count)
    rest = broken.rest(ENGINE)
    assert prefilled(rest) == ""
    heard = Heard(dialect, broken.sent + through(rest, engine_says(TEXT)))
    assert heard.text == TEXT
    assert heard.finished
    assert heard.usage.prompt_tokens in (50, 41)  # the engine's, which reads nothing of the thought, or the vendor's


@pytest.mark.parametrize("dialect", [Dialect.OPENAI, Dialect.MISTRAL])
def test_a_blank_line_parts_thoughts_that_begin_anew_where_nothing_else_does(dialect: Dialect) -> None:
    plan = plan_of(dialect)
    thought = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas = [{"reasoning_content": "Let me"}, {"reasoning_content": " see."}]
    pieces = [
        b"data: "
        + msgspec.json.encode({**thought, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        + b"\n\n"
        for delta in deltas
    ]
    sent = through(plan.begin(ENGINE), pieces)
    rest = plan.go_on(ENGINE, sent)
    heard = Heard(dialect, sent + through(rest, [*pieces, *engine_says(TEXT)]))
    assert heard.reasoning == "Let me see.\n\nLet me see."
    assert heard.text == TEXT


@every_dialect
def test_an_end_without_its_terminator_is_closed(dialect: Dialect) -> None:
    if dialect is Dialect.RESPONSES:
        pytest.skip("one event both ends a response and closes it")
    plan = plan_of(dialect)
    exchange = plan.begin(vendor(dialect))
    sent = b""
    for piece in streamed(dialect, Said(parts=(Text(TEXT),))):
        sent += through(exchange, [piece])
        if exchange.tally.finish:
            break
    assert not Heard(dialect, sent).finished
    heard = Heard(dialect, sent + plan.ending(exchange))
    assert heard.finished
    assert heard.text == TEXT


def test_an_answer_in_translation_is_closed_by_its_own_writer() -> None:
    plan = plan_of(Dialect.ANTHROPIC)
    exchange = plan.begin(ENGINE)
    *pieces, _ = engine_says(TEXT)
    sent = through(exchange, pieces)
    heard = Heard(Dialect.ANTHROPIC, sent + plan.ending(exchange))
    assert heard.finished
    assert heard.text == TEXT
    assert heard.names.count("message_stop") == heard.names.count("message_delta") == 1


def test_what_the_backend_did_not_count_is_counted_in_pieces() -> None:
    plan = plan_of(Dialect.ANTHROPIC)
    exchange = plan.begin(ENGINE)
    *said, _finish, _usage, _done = engine_says(TEXT)
    sent = through(exchange, [*said, _finish])
    assert Heard(Dialect.ANTHROPIC, sent + plan.ending(exchange)).usage.completion_tokens == len(said) - 1


def test_no_more_is_asked_for_than_the_caller_has_left() -> None:
    broken = Broken(Dialect.OPENAI, Said(parts=(Text("a b c d e f"),)), 5, max_tokens=10)
    said = Heard(Dialect.OPENAI, broken.sent).text.split()
    assert msgspec.json.decode(broken.rest(ENGINE).upstream.body)["max_tokens"] == 10 - len(said)


def test_a_prefix_that_mistral_repeats_is_not_said_twice() -> None:
    turns = [*TURN, {"role": "assistant", "content": "Grüße ", "prefix": True}]
    broken = Broken(Dialect.MISTRAL, Said(parts=(Text(TEXT),)), 4, messages=turns)
    rest = broken.rest(ENGINE)
    assert Heard(Dialect.MISTRAL, broken.sent + through(rest, engine_says(rest_of(TEXT, rest)))).text == TEXT


def test_several_choices_are_not_gone_on_with() -> None:
    with pytest.raises(Unsupported):
        Broken(Dialect.OPENAI, Said(parts=(Text("a b"),)), 3, n=2).rest(ENGINE)


def test_responses_are_numbered_through_and_keep_the_names_of_their_items() -> None:
    broken = Broken(Dialect.RESPONSES, Said(parts=(Text(TEXT),)), 7)
    rest = broken.rest(ENGINE)
    heard = Heard(Dialect.RESPONSES, broken.sent + through(rest, engine_says(rest_of(TEXT, rest))))
    numbers = [document["sequence_number"] for document in heard.documents]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len({document["item_id"] for document in heard.documents if "item_id" in document}) == 1
    assert len({document["response"]["id"] for document in heard.documents if "response" in document}) == 1


def test_a_seam_is_told_to_whoever_asks() -> None:
    seam = Seam(left="claude", taken_by="local", kind=SeamKind.CONTINUED, error="provider_failed", at_bytes=9)
    codec = codecs[Dialect.OPENAI]
    request = codec.parse(Operation.CHAT, msgspec.json.encode({"model": "m", "messages": TURN}))
    assert CallPlan(codec, request).told(seam) == b""
    told = CallPlan(codec, request, show_seam=True).told(seam)
    assert told.startswith(b": ")
    assert told.endswith(b"\n\n")
    assert b"claude" in told
    assert b"local" in told


@given(text=st.text(min_size=1, max_size=60), cut=st.integers(0, 60), dialect=st.sampled_from(list(Dialect)))
def test_any_text_cut_anywhere_comes_out_whole(text: str, cut: int, dialect: Dialect) -> None:
    plan = plan_of(dialect)
    first = plan.begin(ENGINE)
    sent = through(first, engine_says(text)[: 1 + min(cut, len(text) // 3)])
    rest = plan.go_on(ENGINE, sent) if sent else plan.begin(ENGINE)
    assert Heard(dialect, sent + through(rest, engine_says(rest_of(text, rest)))).text == text


def test_the_rest_of_an_answer_comes_before_calls_that_have_not_begun() -> None:
    codec = codecs[Dialect.OPENAI]
    body = msgspec.json.encode({"model": "support", "stream": True, **REQUESTS[Dialect.OPENAI]})
    plan = CallPlan(codec, codec.parse(Operation.CHAT, body), priority=Priority.LOW)
    assert plan.begin(ENGINE).upstream.priority is Priority.LOW
    assert plan.go_on(ENGINE, b"").upstream.priority is Priority.BEGUN
