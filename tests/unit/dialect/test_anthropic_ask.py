# SPDX-License-Identifier: Apache-2.0
"""Anthropic's messages as a provider's API: what it is asked, what is refused, and that nothing is lost on the way."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from freehold.contract.call import Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect.anthropic.ask import ask_messages
from freehold.dialect.anthropic.request import read_request
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.interface import Backend, Extra, Foreign, Wire
from freehold.dialect.losses import Losses
from freehold.dialect.tools import Choice, ToolPlan
from freehold.errors import InvalidRequest, Unsupported

WHOLE = TypeAdapter(MessageCreateParamsNonStreaming)
STREAMED = TypeAdapter(MessageCreateParamsStreaming)
HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Now", "parameters": PARAMETERS}}
PNG = "data:image/png;base64,iVBORw0KGgo="


def hub(messages: list[dict[str, Any]] = HI, **asked: Any) -> ChatRequest:
    """A request in the chat wire's words. What is not one of its fields stands in its body."""
    names = {"tools", "choices", "called", "extras", "drop", "stream"} & asked.keys()
    named: dict[str, Any] = {"tools": ToolPlan(), "stream": False} | {name: asked.pop(name) for name in names}
    return ChatRequest(
        operation=Operation.CHAT, asked="support", fields={}, body={"messages": messages, **asked}, **named
    )


def provider(*, prefill: Prefill = Prefill.TEXT, reasoning: bool = True) -> Backend:
    return Backend(
        model="claude-opus-4-8",
        wires=frozenset({Wire.MESSAGES, Wire.COUNT_TOKENS}),
        context_tokens=0,
        tools=True,
        foreign=Foreign(preferred=Wire.MESSAGES, prefill=prefill, answer_tokens=8192, reasoning=reasoning),
    )


def asked(request: ChatRequest, backend: Backend | None = None, losses: Losses | None = None) -> dict[str, Any]:
    """The body as the provider reads it. It is one that Anthropic's SDK could have written."""
    body = ask_messages(request, backend or provider(), losses or Losses(request))
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    (STREAMED if document["stream"] else WHOLE).validate_python(document)
    return document


def turns(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = asked(hub(list(messages)))["messages"]
    return written


def call(identity: str, arguments: str = '{"city":"Paris"}', name: str = "weather") -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


# Fields


def test_least_that_is_asked() -> None:
    assert asked(hub()) == {"model": "claude-opus-4-8", "max_tokens": 8192, "messages": HI, "stream": False}


def test_fields_of_the_hub_have_their_places() -> None:
    request = hub(
        [{"role": "system", "content": "Be kind."}, *HI, {"role": "system", "content": "Be short."}],
        max_tokens=5,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop=["END"],
        user="u1",
        stream=True,
    )
    assert asked(request) == {
        "model": "claude-opus-4-8",
        "max_tokens": 5,
        "system": "Be kind.\n\nBe short.",
        "messages": HI,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u1"},
        "stream": True,
    }


@pytest.mark.parametrize(
    ("plan", "choice"),
    [
        ({}, None),
        ({"parallel": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"choice": Choice.NONE, "parallel": False}, {"type": "none"}),
        ({"choice": Choice.FORCED}, {"type": "any"}),
        ({"choice": Choice.FORCED, "parallel": True}, {"type": "any", "disable_parallel_tool_use": False}),
        (
            {"choice": Choice.FORCED, "only": "weather", "parallel": False},
            {"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_tools_and_the_freedom_to_call_them(plan: dict[str, Any], choice: dict[str, Any] | None) -> None:
    strict = {"type": "function", "function": {"name": "now", "strict": True}}
    body = asked(hub(tools=ToolPlan(tools=(WEATHER, strict), **plan)))
    assert body["tools"] == [
        {"name": "weather", "description": "Now", "input_schema": PARAMETERS},
        {"name": "now", "input_schema": {"type": "object", "properties": {}}, "strict": True},
    ]
    assert body.get("tool_choice") == choice


def test_schema_of_the_answer_has_its_place() -> None:
    described = {"name": "answer", "description": "A city", "schema": PARAMETERS, "strict": True}
    body = asked(hub(response_format={"type": "json_schema", "json_schema": described}))
    assert body["output_config"] == {
        "format": {"type": "json_schema", "schema": {"description": "A city", **PARAMETERS}}
    }


@pytest.mark.parametrize(
    ("effort", "written"),
    [("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("xhigh", "xhigh")],
)
def test_effort_is_the_apis_own_beside_adaptive_thinking(effort: str, written: str) -> None:
    body = asked(hub(reasoning_effort=effort))
    assert body["output_config"] == {"effort": written}
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}


def test_no_effort_at_all_turns_thinking_off() -> None:
    body = asked(hub(reasoning_effort="none"))
    assert body["thinking"] == {"type": "disabled"}
    assert "output_config" not in body


@pytest.mark.parametrize(
    "beside",
    [
        {"temperature": 0.2},
        {"top_k": 5},
        {"top_p": 0.5},
        {"tools": ToolPlan(tools=(WEATHER,), choice=Choice.FORCED)},
        {"messages": [*HI, {"role": "assistant", "content": "Well"}]},
    ],
)
def test_effort_goes_alone_where_the_api_refuses_thinking(beside: dict[str, Any]) -> None:
    body = asked(hub(**({"reasoning_effort": "high"} | beside)))
    assert body["output_config"] == {"effort": "high"}
    assert "thinking" not in body


def test_effort_and_schema_stand_side_by_side() -> None:
    described = {"name": "answer", "schema": PARAMETERS}
    wanted = {"type": "json_schema", "json_schema": described}
    body = asked(hub(reasoning_effort="low", temperature=1, response_format=wanted))
    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": PARAMETERS}}
    assert body["thinking"]["type"] == "adaptive"


# What has no place


EFFORT = Extra(name="reasoning_effort", param="reasoning.effort", why="it cannot be told how much to reason")


@pytest.mark.parametrize(
    ("beyond", "name"),
    [
        ({"temperature": 1.5}, "temperature"),
        ({"frequency_penalty": 0.1}, "frequency_penalty"),
        ({"presence_penalty": -1}, "presence_penalty"),
        ({"repeat_penalty": 1.1}, "repeat_penalty"),
        ({"min_p": 0.1}, "min_p"),
        ({"seed": 0}, "seed"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"logprobs": True, "top_logprobs": 3}, "logprobs"),
        ({"chat_template_kwargs": {"a": 1}}, "chat_template_kwargs"),
        ({"choices": 2}, "n"),
        ({"stop": ["\n"]}, "stop"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
    ],
)
def test_what_has_no_place_is_refused_by_the_callers_name_or_dropped(beyond: dict[str, Any], name: str) -> None:
    request = hub(**beyond, called={name: "theirs"})
    with pytest.raises(Unsupported, match="theirs: the target's API") as caught:
        asked(request)
    assert caught.value.param == "theirs"
    allowed = hub(**beyond, drop=frozenset({name}))
    losses = Losses(allowed)
    assert asked(allowed, losses=losses) == asked(hub())
    assert losses.names == (name,)


@pytest.mark.parametrize("name", ["verbosity", "reasoning", "audio"])
def test_extra_that_is_not_carried_is_refused(name: str) -> None:
    extra = Extra(name=name, param="there", why="it has no place")
    with pytest.raises(Unsupported, match="there: it has no place"):
        asked(hub(extras=(extra,)))


def test_effort_is_refused_for_a_model_that_cannot_be_told() -> None:
    request = hub(reasoning_effort="low", extras=(EFFORT,))
    assert asked(request)["output_config"] == {"effort": "low"}
    with pytest.raises(Unsupported, match=r"reasoning\.effort: it cannot"):
        asked(request, provider(reasoning=False))
    dropping = hub(reasoning_effort="low", extras=(EFFORT,), drop=frozenset({"*"}))
    assert asked(dropping, provider(reasoning=False)) == asked(hub())


def test_values_that_ask_for_nothing_are_no_loss() -> None:
    idle: dict[str, Any] = {"frequency_penalty": 0.0, "presence_penalty": 0, "repeat_penalty": 1.0, "min_p": 0}
    request = hub(**idle, logit_bias={})
    losses = Losses(request)
    assert asked(request, losses=losses) == asked(hub())
    assert losses.names == ()


# Messages


def test_parallel_calls_and_their_results_stand_in_one_turn_each() -> None:
    assert turns(
        *HI,
        {"role": "assistant", "content": "Let me see.", "tool_calls": [call("c1"), call("c2", "{}", "now")]},
        {"role": "tool", "tool_call_id": "c1", "content": "20 °C"},
        {"role": "tool", "tool_call_id": "c2", "content": ""},
        {"role": "user", "content": "And?"},
    )[1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}},
                {"type": "tool_use", "id": "c2", "name": "now", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "20 °C"},
                {"type": "tool_result", "tool_use_id": "c2", "content": ""},
                {"type": "text", "text": "And?"},
            ],
        },
    ]


def test_results_come_first_and_roles_alternate() -> None:
    written = turns(
        *HI,
        {"role": "user", "content": "there"},
        {"role": "assistant", "content": "", "tool_calls": [call("c1")]},
        {"role": "user", "content": "wait"},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
    )
    assert [turn["role"] for turn in written] == ["user", "assistant", "user"]
    assert [block["type"] for block in written[2]["content"]] == ["tool_result", "text"]
    assert written[0]["content"] == [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"}]


def test_what_says_nothing_is_left_out() -> None:
    blank = [{"role": "user", "content": " \n"}, {"role": "assistant", "content": ""}]
    assert turns(*blank, *HI, {"role": "assistant", "content": ""}) == HI


@pytest.mark.parametrize("messages", [[{"role": "system", "content": "Be kind."}], [{"role": "user", "content": ""}]])
def test_conversation_that_says_nothing_is_refused(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(Unsupported, match="input: the target's API needs a message") as caught:
        asked(hub(messages, called={"messages": "input"}))
    assert caught.value.param == "input"


def test_images_are_sent_as_data_or_by_their_address() -> None:
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PNG, "detail": "auto"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.gif"}},
    ]
    image = Extra(name="image", param="messages[0].content[1]", why="no images")
    body = asked(hub([{"role": "user", "content": parts}], extras=(image,)))
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.gif"}},
    ]


def test_image_may_be_the_result_of_a_tool() -> None:
    result = {"role": "tool", "tool_call_id": "c1", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}
    written = turns(*HI, {"role": "assistant", "content": "", "tool_calls": [call("c1")]}, result)
    assert written[2]["content"][0]["content"][0]["source"]["media_type"] == "image/png"


def test_detail_of_an_image_is_left_out_and_said() -> None:
    parts = [{"type": "image_url", "image_url": {"url": PNG, "detail": "high"}}]
    request = hub([{"role": "user", "content": parts}])
    losses = Losses(request)
    asked(request, losses=losses)
    assert losses.names == ("detail",)


@pytest.mark.parametrize("url", ["data:image/tiff;base64,AA", "data:image/png,AA", "data:,"])
def test_image_that_the_api_does_not_take_is_named(url: str) -> None:
    parts = [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": url}}]
    with pytest.raises(InvalidRequest, match="base64") as caught:
        turns({"role": "user", "content": parts})
    assert caught.value.param == "messages[0].content[1]"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "assistant", "content": "", "tool_calls": [call("1", '"text"')]}, "tool_calls[0].function.arguments"),
        ({"role": "assistant", "content": "", "tool_calls": [call("1", "[1]")]}, "tool_calls[0].function.arguments"),
        ({"role": "assistant", "content": "", "tool_calls": [call("")]}, "tool_calls[0].id"),
        ({"role": "tool", "content": "x"}, "tool_call_id"),
    ],
)
def test_call_that_the_api_cannot_take_is_named_by_its_path(message: dict[str, Any], param: str) -> None:
    messages = [*HI, message, {"role": "user", "content": "?"}]
    for called, path in (({}, f"messages[1].{param}"), ({"messages": "input"}, "input")):
        with pytest.raises(InvalidRequest) as caught:
            asked(hub(messages, called=called))
        assert caught.value.param == path


def test_id_that_the_api_would_refuse_is_the_same_in_call_and_result() -> None:
    assistant, user = turns(
        *HI,
        {"role": "assistant", "content": "", "tool_calls": [call("functions.weather:0")]},
        {"role": "tool", "tool_call_id": "functions.weather:0", "content": "ok"},
    )[1:]
    identity = assistant["content"][0]["id"]
    assert identity == user["content"][0]["tool_use_id"]
    assert identity.startswith("toolu_")


def test_answer_that_has_begun_is_the_last_turn() -> None:
    assert turns(*HI, {"role": "assistant", "content": "Well"})[-1] == {"role": "assistant", "content": "Well"}


@pytest.mark.parametrize(
    ("last", "prefill"),
    [
        ({"role": "assistant", "content": "Well"}, Prefill.NONE),
        ({"role": "assistant", "content": "Well "}, Prefill.TEXT),
        ({"role": "assistant", "content": "", "tool_calls": [call("c1")]}, Prefill.TEXT),
    ],
)
def test_answer_that_cannot_be_gone_on_with_is_refused(last: dict[str, Any], prefill: Prefill) -> None:
    with pytest.raises(Unsupported, match="messages: the") as caught:
        asked(hub([*HI, last]), provider(prefill=prefill))
    assert caught.value.param == "messages"


# There and back


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.text(max_size=5), JSON, max_size=3).map(
    lambda value: msgspec.json.encode(value).decode()
)
IMAGES = st.sampled_from([PNG, "https://example.org/a.png"]).map(
    lambda url: {"type": "image_url", "image_url": {"url": url}}
)


@st.composite
def rounds(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The user says something, and the assistant answers, perhaps after calls that were answered."""
    messages: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 3))):
        parts = [{"type": "text", "text": draw(TEXT)}, draw(IMAGES), {"type": "text", "text": draw(TEXT)}]
        messages.append({"role": "user", "content": draw(TEXT | st.just(parts))})
        calls = [
            call(f"call_{number}_{index}", draw(ARGUMENTS), draw(st.sampled_from(["weather", "now"])))
            for index in range(draw(st.integers(0, 3)))
        ]
        if calls:
            said = draw(st.just("") | TEXT)
            messages.append({"role": "assistant", "content": said, "tool_calls": calls})
            messages += [{"role": "tool", "tool_call_id": one["id"], "content": draw(st.text())} for one in calls]
        messages.append({"role": "assistant", "content": draw(TEXT)})
    return [*messages, {"role": "user", "content": draw(TEXT)}]


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    each: Mapping[str, st.SearchStrategy[Any]] = {
        "max_tokens": st.integers(1, 10_000),
        "temperature": st.floats(0, 1),
        "top_p": st.floats(0, 1),
        "top_k": st.integers(0, 100),
        "stop": st.lists(TEXT, min_size=1, max_size=3),
        "reasoning_effort": st.sampled_from(["low", "medium", "high", "xhigh"]),
        "user": TEXT,
    }
    return draw(st.fixed_dictionaries({}, optional=each))


@st.composite
def plans(draw: st.DrawFn) -> ToolPlan:
    choice = draw(st.sampled_from(Choice))
    only = draw(st.sampled_from(["", "weather"])) if choice is Choice.FORCED else ""
    parallel = draw(st.none() | st.booleans()) if choice is not Choice.NONE else None
    return ToolPlan(tools=(WEATHER,), choice=choice, only=only, parallel=parallel)


@settings(deadline=None)
@given(
    messages=rounds(), system=st.none() | TEXT, more=fields(), tools=st.just(ToolPlan()) | plans(), stream=st.booleans()
)
def test_request_comes_back_from_anthropics_words_as_it_was(
    messages: list[dict[str, Any]], system: str | None, more: dict[str, Any], tools: ToolPlan, stream: bool
) -> None:
    told = [{"role": "system", "content": system}, *messages] if system else messages
    request = hub(told, tools=tools, stream=stream, **({"max_tokens": 9} | more))
    back = read_request(Operation.CHAT, asked(request)).chat_request()
    assert back.body == request.body
    assert back.tools == request.tools
    assert (back.stream, back.asked) == (stream, "claude-opus-4-8")
