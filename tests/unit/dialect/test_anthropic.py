# SPDX-License-Identifier: Apache-2.0
"""Anthropic's messages: what is refused, what the engine is sent, what Anthropic's SDK makes of what comes back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anthropic
import msgspec
import pytest
from anthropic.types import ModelInfo
from anthropic.types import RawMessageStreamEvent as StreamEvent
from msgspec import structs
from pydantic import TypeAdapter
from tests.unit.dialect.conftest import ANSWERED, BACKEND, Desk, asset, drive, engine_takes, foreign, hub_of, names_of

from freehold.contract.call import Dialect, Operation
from freehold.dialect import codecs
from freehold.dialect.anthropic.request import MessagesRequest
from freehold.dialect.interface import Exchange, Tally, Wire
from freehold.dialect.sse import Splitter
from freehold.errors import BackendBroke, InvalidRequest, Unsupported

Replay = Callable[[Dialect, str], Desk]
CODEC = codecs[Dialect.ANTHROPIC]
HELLO: dict[str, Any] = {
    "model": "claude-x",
    "max_tokens": 4,
    "messages": [{"role": "user", "content": "Say hi"}],
}
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
BILLING = "x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli; cch=5a3f1;"
EVENTS: TypeAdapter[StreamEvent] = TypeAdapter(StreamEvent)


def plan(body: dict[str, Any], operation: Operation = Operation.CHAT) -> Exchange:
    return CODEC.exchange(CODEC.parse(operation, msgspec.json.encode(body)), BACKEND)


def sent(body: dict[str, Any], operation: Operation = Operation.CHAT) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(plan(body, operation).upstream.body)
    return document


# What the engine is sent


def test_request_goes_over_the_engines_own_messages() -> None:
    exchange = plan(HELLO | {"temperature": 0.5, "top_k": 3, "stop_sequences": ["x"], "metadata": {"user_id": "u"}})
    assert exchange.upstream.wire is Wire.MESSAGES
    assert msgspec.json.decode(exchange.upstream.body) == {
        "model": "smollm2",
        "stream": False,
        "messages": HELLO["messages"],
        "max_tokens": 4,
        "temperature": 0.5,
        "top_k": 3,
        "stop_sequences": ["x"],
    }


def test_what_coding_agents_send_besides_is_let_be() -> None:
    ephemeral = {"cache_control": {"type": "ephemeral"}}
    body = HELLO | {
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "context_management": {"edits": []},
        "output_config": {"effort": "high"},
        "system": [{"type": "text", "text": "Be kind.", **ephemeral}],
        "tools": [WEATHER | ephemeral],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say hi", **ephemeral}]}],
    }
    reached = sent(body)
    assert reached["system"] == "Be kind."
    assert reached["tools"] == [WEATHER]
    assert reached["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Say hi"}]}]
    assert "thinking" not in reached


@pytest.mark.parametrize(
    "system",
    [
        [{"type": "text", "text": BILLING}, {"type": "text", "text": "You are an agent."}],
        [{"type": "text", "text": f"{BILLING}\nYou are an agent."}],
        f"{BILLING}\n\nYou are an agent.",
        f"{BILLING.upper()}\nYou are an agent.",
    ],
)
@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.COUNT_TOKENS])
def test_changing_billing_line_never_reaches_the_engine(system: object, operation: Operation) -> None:
    assert sent(HELLO | {"system": system}, operation)["system"] == "You are an agent."


def test_billing_line_alone_leaves_no_system_prompt_and_one_further_down_is_text() -> None:
    assert "system" not in sent(HELLO | {"system": BILLING})
    assert sent(HELLO | {"system": f"Say:\n{BILLING}"})["system"] == f"Say:\n{BILLING}"


def test_blocks_are_freed_of_what_another_model_cannot_use() -> None:
    turns = [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "no"}],
                },
                {"type": "tool_result", "tool_use_id": "2"},
                {"type": "text", "text": "go on"},
            ],
        },
    ]
    messages = sent(HELLO | {"messages": HELLO["messages"] + turns})["messages"]
    assert messages[1]["content"] == [{"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}]
    assert messages[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "1", "content": "Error: no"},
        {"type": "tool_result", "tool_use_id": "2", "content": ""},
        {"type": "text", "text": "go on"},
    ]


@pytest.mark.parametrize("content", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_a_system_message_in_a_conversation_stays_where_it_is(content: object) -> None:
    turns = [*HELLO["messages"], {"role": "system", "content": content}]
    exchange = plan(HELLO | {"system": "Be kind.", "messages": turns})
    body = msgspec.json.decode(exchange.upstream.body)
    assert exchange.upstream.wire is Wire.CHAT
    assert [message["role"] for message in body["messages"]] == ["system", "user", "system"]
    assert body["messages"][-1]["content"] == "Be brief."


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "messages[0].content[0].tool_use_id"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f"}]}]}, "messages"),
        ({"system": 5}, "system"),
        ({"temperature": 1.5}, "temperature"),
        ({"top_k": -1}, "top_k"),
        ({"stop_sequences": [""]}, "stop_sequences"),
        ({"stream": 1}, "stream"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tools": [WEATHER], "tool_choice": "any"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "all"}}, "tool_choice.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "g"}}, "tool_choice"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ],
)
def test_wrong_field_is_named(wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan(HELLO | wrong)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("beyond", "param"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "document"}]}]}, "messages[0].content[0]"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": "1", "content": [{"type": "image"}]}],
                    }
                ]
            },
            "messages[0].content[0].content[0]",
        ),
        ({"system": [{"type": "image"}]}, "system[0]"),
        ({"messages": [{"role": "system", "content": [{"type": "image"}]}]}, "messages[0].content[0]"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools[0].type"),
        ({"mcp_servers": [{"url": "x"}]}, "mcp_servers"),
        ({"container": "c"}, "container"),
    ],
)
def test_what_no_model_here_can_do_is_refused_by_name(beyond: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(HELLO | beyond)
    assert caught.value.param == param


@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.COUNT_TOKENS])
@pytest.mark.parametrize("choice", [{"type": "auto"}, {"type": "any"}])
def test_model_without_tools_refuses_them(choice: dict[str, str], operation: Operation) -> None:
    request = CODEC.parse(operation, msgspec.json.encode(HELLO | {"tools": [WEATHER], "tool_choice": choice}))
    with pytest.raises(Unsupported, match="tools: the chat template"):
        CODEC.exchange(request, replace(BACKEND, tools=False))


# What the hub is told

IMAGE: dict[str, Any] = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
PICTURE: dict[str, Any] = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
LOOK: list[dict[str, Any]] = [{"type": "text", "text": "Look"}, IMAGE]


def result(**block: object) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", **block}]}


def test_images_are_put_into_the_hub_also_those_of_results() -> None:
    linked = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    turns = [{"role": "user", "content": [*LOOK, linked]}, result(content=[IMAGE], is_error=True)]
    messages = hub_of(Dialect.ANTHROPIC, HELLO | {"messages": turns}).body["messages"]
    there = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    assert messages == [
        {"role": "user", "content": [{"type": "text", "text": "Look"}, PICTURE, there]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "Error: "}, PICTURE]},
    ]


def test_image_in_a_store_of_anthropics_is_no_image_of_the_hub() -> None:
    stored = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    request = hub_of(Dialect.ANTHROPIC, HELLO | {"messages": [{"role": "user", "content": [stored]}]})
    assert [(extra.name, extra.param) for extra in request.extras] == [("other_image", "messages[0].content[0]")]


@pytest.mark.parametrize(
    ("asked", "effort", "called"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low", "thinking"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4096}}, "medium", "thinking"),
        ({"thinking": {"type": "enabled", "budget_tokens": 32000}}, "high", "thinking"),
        ({"thinking": {"type": "adaptive"}}, "high", "thinking"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, "low", "output_config.effort"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, "none", "thinking"),
        ({"output_config": {"effort": "max"}}, "xhigh", "output_config.effort"),
    ],
)
def test_thinking_is_an_effort_of_the_hub(asked: dict[str, Any], effort: str, called: str) -> None:
    request = hub_of(Dialect.ANTHROPIC, HELLO | asked)
    assert (request.body["reasoning_effort"], request.called["reasoning_effort"]) == (effort, called)
    assert set(names_of(request)) == {"reasoning_effort"}


def test_earlier_thoughts_and_whose_behalf_are_put_into_the_hub() -> None:
    thoughts = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "Hi"},
    ]
    turns = [*HELLO["messages"], {"role": "assistant", "content": thoughts}, *HELLO["messages"]]
    request = hub_of(Dialect.ANTHROPIC, HELLO | {"messages": turns, "metadata": {"user_id": "u"}})
    assert request.body["messages"][1] == {"role": "assistant", "content": "Hi", "reasoning_content": "hm"}
    assert (request.body["user"], request.called["user"]) == ("u", "metadata.user_id")
    assert [(extra.name, extra.harmless) for extra in request.extras] == [
        ("reasoning", True),
        ("reasoning", True),
        ("user", True),
    ]


def test_schema_for_the_answer_is_strict_and_called_by_where_it_stands() -> None:
    config = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    request = hub_of(Dialect.ANTHROPIC, HELLO | {"output_config": config})
    assert request.body["response_format"]["json_schema"]["strict"] is True
    assert request.called["response_format"] == "output_config.format"


def test_tool_that_runs_at_anthropic_may_be_chosen_and_is_noted() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    choice = {"type": "tool", "name": "web_search"}
    request = hub_of(Dialect.ANTHROPIC, HELLO | {"tools": [WEATHER, search], "tool_choice": choice})
    assert [(extra.name, extra.param) for extra in request.extras] == [
        ("web_search_20250305", "tools[1].type"),
        ("tool_choice", "tool_choice"),
    ]
    with pytest.raises(InvalidRequest):
        hub_of(Dialect.ANTHROPIC, HELLO | {"tools": [WEATHER], "tool_choice": choice})


def test_translation_carries_who_asked_and_what_may_be_let_go() -> None:
    read = CODEC.parse(Operation.CHAT, msgspec.json.encode(HELLO | {"messages": [{"role": "user", "content": LOOK}]}))
    request = structs.replace(read, id="call_7", at_unix=7, drop=frozenset({"image"}))
    assert isinstance(request, MessagesRequest)
    chat = request.chat_request()
    assert (chat.id, chat.at_unix, chat.drop, chat.extras) == ("call_7", 7, frozenset({"image"}), request.extras)


# What an engine is not told


@pytest.mark.parametrize("choice", [{"type": "auto"}, {"type": "any"}])
def test_image_that_the_service_lets_go_is_taken_out_on_both_wires(choice: dict[str, str]) -> None:
    turns = [{"role": "user", "content": LOOK}, result(content=[{"type": "text", "text": "x"}, IMAGE])]
    body = HELLO | {"messages": turns, "tools": [WEATHER], "tool_choice": choice}
    reached, dropped = engine_takes(Dialect.ANTHROPIC, body, "image")
    assert "image" not in str(reached["messages"])
    assert "Look" in str(reached["messages"])
    assert dropped == ("image",)


def test_what_was_passed_over_is_said() -> None:
    body = HELLO | {
        "thinking": {"type": "adaptive"},
        "metadata": {"user_id": "u"},
        "context_management": {"edits": [1]},
        "inference_geo": "us",
        "system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}],
    }
    reached, dropped = engine_takes(Dialect.ANTHROPIC, body)
    assert reached.keys() == {"model", "stream", "system", "messages", "max_tokens"}
    assert set(dropped) == {"reasoning_effort", "user", "context_management", "inference_geo", "cache_control"}


# Who gets it


def test_api_that_speaks_messages_gets_the_callers_own_words() -> None:
    body = HELLO | {"mcp_servers": [{"url": "x"}], "thinking": {"type": "adaptive"}, "system": BILLING}
    request = CODEC.parse(Operation.CHAT, msgspec.json.encode(body))
    reached = msgspec.json.decode(CODEC.exchange(request, foreign(Wire.CHAT, Wire.MESSAGES)).upstream.body)
    assert {name: reached[name] for name in body} == body | {"model": "theirs"}
    with pytest.raises(Unsupported) as caught:
        CODEC.exchange(request, foreign(Wire.CHAT))
    assert caught.value.param == "mcp_servers"


def test_tokens_are_counted_only_by_whoever_offers_it() -> None:
    request = CODEC.parse(Operation.COUNT_TOKENS, msgspec.json.encode(HELLO))
    assert CODEC.exchange(request, foreign(Wire.MESSAGES, Wire.COUNT_TOKENS)).upstream.wire is Wire.COUNT_TOKENS
    for backend in (foreign(Wire.MESSAGES), foreign(Wire.CHAT)):
        with pytest.raises(Unsupported, match="does not offer"):
            CODEC.exchange(request, backend)


# What comes back


def test_stream_is_forwarded_byte_for_byte() -> None:
    exchange = plan(HELLO | {"stream": True})
    assert drive(exchange, asset("messages.sse")) == asset("messages.sse")
    assert exchange.tally == Tally(11, 4, "max_tokens", model=ANSWERED, finished=True)


def test_whole_answer_is_forwarded_byte_for_byte() -> None:
    exchange = plan(HELLO)
    assert drive(exchange, asset("messages.json")) == asset("messages.json")
    assert exchange.tally == Tally(11, 4, "max_tokens", model=ANSWERED, finished=True)


def test_sdk_sees_which_stop_sequence_ended_the_answer(replay: Replay) -> None:
    whole = replay(Dialect.ANTHROPIC, "messages-stop.json").anthropic().messages.create(**HELLO, stop_sequences=[" "])
    with (
        replay(Dialect.ANTHROPIC, "messages-stop.sse")
        .anthropic()
        .messages.stream(**HELLO, stop_sequences=[" "]) as stream
    ):
        streamed = stream.get_final_message()
    for message in (whole, streamed):
        assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", " ")
        assert message.usage.output_tokens == 3


def test_prefill_is_not_repeated() -> None:
    prefill = {
        "role": "assistant",
        "content": [{"type": "text", "text": "Hello, I "}, {"type": "text", "text": "am PRE"}],
    }
    exchange = plan(HELLO | {"messages": [*HELLO["messages"], prefill]})
    assert msgspec.json.decode(exchange.upstream.body)["messages"][1]["content"] == "Hello, I am PRE"
    written = msgspec.json.decode(exchange.whole(asset("messages-prefill.json")))
    assert written["content"] == [{"type": "text", "text": "CIOUS!"}]


def test_tool_use_of_a_stream_begins_with_an_input(replay: Replay) -> None:
    desk = replay(Dialect.ANTHROPIC, "messages-tool-use.sse")
    with desk.anthropic().messages.stream(**HELLO, tools=[WEATHER]) as stream:
        message = stream.get_final_message()
    (block,) = message.content
    assert block.type == "tool_use"
    assert (block.name, block.input) == ("get_weather", {"city": "Paris"})
    for event in Splitter().feed(desk.sent):
        assert EVENTS.validate_json(event.data).type == event.name
    assert desk.exchange
    assert desk.exchange.tally == Tally(541, 31, "tool_use", model=ANSWERED, finished=True)


def test_stream_that_the_engine_opened_in_the_middle_is_opened_for_the_sdk(replay: Replay) -> None:
    desk = replay(Dialect.ANTHROPIC, "messages-no-start.sse")
    with desk.anthropic().messages.stream(**HELLO) as stream:
        message = stream.get_final_message()
    assert (message.model, message.usage.output_tokens) == (BACKEND.model, 6)
    assert desk.sent.endswith(asset("messages-no-start.sse"))


def test_tokens_are_counted(replay: Replay) -> None:
    desk = replay(Dialect.ANTHROPIC, "count-tokens.json")
    counted = desk.anthropic().messages.count_tokens(model="claude-x", messages=HELLO["messages"])
    assert counted.input_tokens == 11
    assert desk.exchange
    assert desk.exchange.upstream.wire is Wire.COUNT_TOKENS
    assert desk.exchange.tally == Tally(11, finished=True)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"{}", b'{"error":{}}', b'{"input_tokens":"x"}', b'{"usage":{},"content":[1]}']
)
@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.COUNT_TOKENS])
def test_answer_that_is_not_the_protocol_is_the_engines_fault(body: bytes, operation: Operation) -> None:
    with pytest.raises(BackendBroke, match="the backend"):
        plan(HELLO, operation).whole(body)


def test_error_in_mid_stream_is_the_engines_fault() -> None:
    with pytest.raises(BackendBroke, match="failed while it answered"):
        drive(plan(HELLO | {"stream": True, "tools": [WEATHER]}), asset("messages-breaks.sse"))


def test_sdk_raises_for_a_stream_that_broke_off() -> None:
    desk = Desk(Dialect.ANTHROPIC, lambda _: asset("messages.sse")[:700])
    with pytest.raises(anthropic.APIStatusError, match="broke off"):
        list(desk.anthropic().messages.create(**HELLO, stream=True))
    assert b"message_stop" not in desk.sent


# Over the chat wire: what the engine's own messages lack


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_sdk_reads_a_forced_call_whole_and_streamed(choice: Any, replay: Replay) -> None:
    asked: dict[str, Any] = HELLO | {"tools": [WEATHER], "tool_choice": choice}
    whole = replay(Dialect.ANTHROPIC, "forced.json").anthropic().messages.create(**asked)
    desk = replay(Dialect.ANTHROPIC, "forced.sse")
    with desk.anthropic().messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    for message in (whole, streamed):
        (block,) = message.content
        assert block.type == "tool_use"
        assert (block.name, block.input, message.stop_reason) == ("get_weather", {"city": "Paris"}, "tool_use")
        usage = message.usage
        assert (usage.input_tokens + usage.cache_read_input_tokens, usage.output_tokens) == (183, 33)
    for event in Splitter().feed(desk.sent):
        assert EVENTS.validate_json(event.data).type == event.name


def test_forced_call_that_was_cut_short_is_no_call(replay: Replay) -> None:
    asked: dict[str, Any] = HELLO | {"tools": [WEATHER], "tool_choice": {"type": "any"}}
    message = replay(Dialect.ANTHROPIC, "forced-cut.json").anthropic().messages.create(**asked)
    assert (message.content, message.stop_reason) == ([], "max_tokens")


def test_choice_of_no_tool_is_kept_to() -> None:
    body = sent(HELLO | {"tools": [WEATHER], "tool_choice": {"type": "none"}})
    assert body["tool_choice"] == "none"


def test_conversation_is_put_into_the_chat_wires_messages() -> None:
    turns = [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "let me"},
                {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "1", "content": "ok"}, {"type": "text", "text": "and?"}],
        },
    ]
    asked = {
        "system": "Be kind.",
        "messages": HELLO["messages"] + turns,
        "tools": [WEATHER],
        "tool_choice": {"type": "any"},
    }
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    assert sent(HELLO | asked)["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Say hi"},
        {"role": "assistant", "content": "let me", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
        {"role": "user", "content": "and?"},
    ]


@pytest.mark.parametrize("name", ["output_config", "output_format"])
def test_schema_for_the_answer_reaches_the_engine(name: str) -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    body = sent(HELLO | {name: {"format": wanted} if name == "output_config" else wanted})
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


CHAT_ONLY = replace(BACKEND, wires=frozenset({Wire.CHAT}))


def test_backend_without_messages_is_reached_over_chat() -> None:
    whole = Desk(Dialect.ANTHROPIC, lambda _: asset("chat.json"), CHAT_ONLY).anthropic().messages.create(**HELLO)
    with Desk(Dialect.ANTHROPIC, lambda _: asset("chat.sse"), CHAT_ONLY).anthropic().messages.stream(**HELLO) as stream:
        streamed = stream.get_final_message()
    for message in (whole, streamed):
        (block,) = message.content
        assert (block.text, message.stop_reason, message.usage.output_tokens) == ("I'm glad to", "max_tokens", 4)


def test_tool_call_of_the_chat_wire_grows_in_a_block() -> None:
    desk = Desk(Dialect.ANTHROPIC, lambda _: asset("chat-tool-call.sse"), CHAT_ONLY)
    with desk.anthropic().messages.stream(**HELLO, tools=[WEATHER]) as stream:
        (block,) = stream.get_final_message().content
    assert (block.type, block.name, block.input) == ("tool_use", "get_weather", {"city": "Paris"})


def test_arguments_that_are_not_an_object_are_the_engines_fault() -> None:
    exchange = CODEC.exchange(CODEC.parse(Operation.CHAT, msgspec.json.encode(HELLO | {"tools": [WEATHER]})), CHAT_ONLY)
    cut = asset("chat-tool-call.json").replace(b'{\\"city\\": \\"Paris\\"}', b'{\\"city\\"')
    with pytest.raises(BackendBroke, match="not an object"):
        exchange.whole(cut)


def test_models_are_in_anthropics_shape(replay: Replay) -> None:
    body = msgspec.json.decode(CODEC.models(["default", "support"], 1_795_000_000))
    assert [ModelInfo.model_validate(card, strict=False).id for card in body.pop("data")] == ["default", "support"]
    assert body == {"has_more": False, "first_id": "default", "last_id": "support"}
    assert ModelInfo.model_validate_json(CODEC.model("default", 0)).created_at.year == 1970
    assert msgspec.json.decode(CODEC.models([], 0)) == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


def test_a_tools_schema_that_refers_to_itself_or_says_true_is_put_so_that_the_engine_reads_it() -> None:
    schema = {"type": "object", "properties": {"value": True, "next": {"$ref": "#"}}}
    tool = sent(HELLO | {"tools": [{"name": "f", "input_schema": schema}]})["tools"][0]
    whole = {"type": "object", "properties": {"value": {}, "next": {"$ref": "#/$defs/whole"}}}
    assert tool["input_schema"] == {"$defs": {"whole": whole}, "$ref": "#/$defs/whole"}
