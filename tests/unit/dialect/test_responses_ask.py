# SPDX-License-Identifier: Apache-2.0
"""What is asked of a provider that speaks Responses, for callers who speak something else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.contract.call import Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect.chatwire import EFFORTS, ChatRequest
from freehold.dialect.content import tool_call
from freehold.dialect.interface import Backend, Extra, Foreign, Wire
from freehold.dialect.losses import Losses
from freehold.dialect.responses.ask import ask_responses
from freehold.dialect.responses.request import read_request
from freehold.dialect.tools import Choice, ToolPlan
from freehold.errors import Unsupported

HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Say hi"}]
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}, "strict": True},
}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}


def provider(prefill: Prefill = Prefill.NONE, *, reasoning: bool = True) -> Backend:
    foreign = Foreign(preferred=Wire.RESPONSES, prefill=prefill, answer_tokens=4096, reasoning=reasoning)
    wires = frozenset({Wire.RESPONSES})
    return Backend(model="gpt-5.4-mini", wires=wires, context_tokens=0, tools=True, foreign=foreign)


def hub(
    messages: list[dict[str, Any]] | None = None,
    *,
    tools: ToolPlan | None = None,
    extras: tuple[Extra, ...] = (),
    drop: frozenset[str] = frozenset(),
    choices: int = 1,
    show_reasoning: bool = False,
    called: dict[str, str] | None = None,
    **body: object,
) -> ChatRequest:
    return ChatRequest(
        operation=Operation.CHAT,
        asked="support",
        stream=True,
        fields={},
        extras=extras,
        drop=drop,
        body={"messages": messages or HELLO, **body},
        tools=tools or ToolPlan(),
        choices=choices,
        show_reasoning=show_reasoning,
        called=called or {},
    )


def asked(request: ChatRequest, backend: Backend | None = None) -> dict[str, Any]:
    return ask_responses(request, backend or provider(), Losses(request))


def test_nothing_is_kept_and_only_what_was_asked_is_sent() -> None:
    assert asked(hub()) == {
        "model": "gpt-5.4-mini",
        "store": False,
        "stream": True,
        "input": [{"type": "message", "role": "user", "content": "Say hi"}],
    }


def test_first_system_message_instructs_and_later_ones_stay_where_they_are() -> None:
    later = {"role": "system", "content": "Be kind."}
    body = asked(hub([{"role": "system", "content": "Be brief."}, *HELLO, later]))
    assert body["instructions"] == "Be brief."
    assert [item["role"] for item in body["input"]] == ["user", "system"]


def test_a_system_message_alone_is_the_input() -> None:
    body = asked(hub([{"role": "system", "content": "Tell a joke."}]))
    assert "instructions" not in body
    assert body["input"] == [{"type": "message", "role": "system", "content": "Tell a joke."}]


def test_calls_and_their_results_are_items_with_images_in_them() -> None:
    turns = [
        *HELLO,
        {"role": "assistant", "content": "", "tool_calls": [tool_call("1", "see", "{}"), tool_call("2", "see", "{}")]},
        {"role": "tool", "tool_call_id": "1", "content": "nothing"},
        {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "this"}, IMAGE]},
    ]
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}
    assert asked(hub(turns))["input"][1:] == [
        {"type": "function_call", "call_id": "1", "name": "see", "arguments": "{}"},
        {"type": "function_call", "call_id": "2", "name": "see", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "nothing"},
        {"type": "function_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "this"}, image]},
    ]


def test_call_without_an_id_is_refused() -> None:
    turns = [*HELLO, {"role": "assistant", "content": "", "tool_calls": [tool_call("", "see", "{}")]}, *HELLO]
    with pytest.raises(Unsupported, match="needs an id"):
        asked(hub(turns))


@pytest.mark.parametrize(
    ("plan", "choice"),
    [
        (ToolPlan(tools=(WEATHER,)), None),
        (ToolPlan(tools=(WEATHER,), choice=Choice.NONE), "none"),
        (ToolPlan(tools=(WEATHER,), choice=Choice.FORCED), "required"),
        (
            ToolPlan(tools=(WEATHER,), choice=Choice.FORCED, only="get_weather"),
            {"type": "function", "name": "get_weather"},
        ),
    ],
)
def test_tools_are_flat_and_the_choice_is_carried(plan: ToolPlan, choice: object) -> None:
    body = asked(hub(tools=plan))
    assert body["tools"] == [{"type": "function", **WEATHER["function"]}]  # type: ignore[dict-item]  # it is a mapping
    assert body.get("tool_choice") == choice


def test_tool_is_not_strict_unless_that_was_asked() -> None:
    plan = ToolPlan(tools=({"type": "function", "function": {"name": "now"}},), parallel=False)
    body = asked(hub(tools=plan))
    (tool,) = body["tools"]
    assert (tool["strict"], tool["parameters"]) == (False, {"type": "object", "properties": {}})
    assert body["parallel_tool_calls"] is False


def test_format_verbosity_effort_and_bounds_have_their_places() -> None:
    schema = {"name": "city", "schema": {"type": "object"}, "strict": True}
    body = asked(
        hub(
            response_format={"type": "json_schema", "json_schema": schema},
            verbosity="low",
            reasoning_effort="high",
            max_tokens=64,
            temperature=0.5,
            top_p=0.9,
            user="u1",
            extras=(
                Extra(name="reasoning_effort", param="reasoning_effort", why=""),
                Extra(name="verbosity", param="verbosity", why=""),
                Extra(name="user", param="user", why="", harmless=True),
            ),
        )
    )
    assert body["text"] == {"format": {"type": "json_schema", **schema}, "verbosity": "low"}
    assert body["reasoning"] == {"effort": "high"}
    assert (body["max_output_tokens"], body["temperature"], body["top_p"], body["user"]) == (64, 0.5, 0.9, "u1")


def test_logprobs_are_asked_for_by_this_apis_names() -> None:
    body = asked(hub(logprobs=True, top_logprobs=2))
    assert (body["include"], body["top_logprobs"]) == (["message.output_text.logprobs"], 2)
    assert "include" not in asked(hub(logprobs=False))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stop", ["\n"]),
        ("frequency_penalty", 0.5),
        ("presence_penalty", 0.5),
        ("repeat_penalty", 1.1),
        ("seed", 1),
        ("logit_bias", {"1": 1}),
        ("top_k", 40),
        ("min_p", 0.1),
        ("chat_template_kwargs", {"a": 1}),
    ],
)
def test_what_has_no_place_is_refused_by_the_callers_name_or_dropped_where_that_is_allowed(
    name: str, value: Any
) -> None:
    request = hub(called={name: "its_name"}, **{name: value})
    with pytest.raises(Unsupported) as caught:
        asked(request)
    assert caught.value.param == "its_name"
    request = hub(drop=frozenset({name}), **{name: value})
    losses = Losses(request)
    assert name not in ask_responses(request, provider(), losses)
    assert losses.names == (name,)


@pytest.mark.parametrize(
    ("name", "value"),
    [("frequency_penalty", 0), ("presence_penalty", 0.0), ("repeat_penalty", 1), ("top_k", 0), ("logit_bias", {})],
)
def test_a_value_that_asks_for_nothing_is_left_out_without_a_word(name: str, value: Any) -> None:
    assert name not in asked(hub(**{name: value}))


def test_long_ids_of_calls_are_shortened_alike_in_call_and_result() -> None:
    turns = [
        *HELLO,
        {"role": "assistant", "content": "", "tool_calls": [tool_call("c" * 65, "see", "{}")]},
        {"role": "tool", "tool_call_id": "c" * 65, "content": "nothing"},
    ]
    call, result = asked(hub(turns))["input"][1:]
    assert call["call_id"] == result["call_id"]
    assert len(call["call_id"]) <= 64


def test_a_summary_of_thoughts_is_asked_for_where_the_caller_would_see_it() -> None:
    assert asked(hub(reasoning_effort="low"))["reasoning"] == {"effort": "low"}
    shown = asked(hub(reasoning_effort="low", show_reasoning=True))
    assert shown["reasoning"] == {"effort": "low", "summary": "auto"}
    assert asked(hub(reasoning_effort="none", show_reasoning=True))["reasoning"] == {"effort": "none"}


def test_more_choices_than_one_are_refused() -> None:
    with pytest.raises(Unsupported) as caught:
        asked(hub(choices=2))
    assert caught.value.param == "n"


def test_extra_that_has_no_place_here_is_refused_and_harmless_ones_are_named() -> None:
    with pytest.raises(Unsupported, match="no audio"):
        asked(hub(extras=(Extra(name="audio", param="audio", why="no audio"),)))
    request = hub(extras=(Extra(name="reasoning", param="messages[1]", why="", harmless=True),))
    losses = Losses(request)
    ask_responses(request, provider(), losses)
    assert losses.names == ("reasoning",)


def test_effort_is_lost_where_the_model_cannot_be_told() -> None:
    effort = Extra(name="reasoning_effort", param="reasoning.effort", why="")
    with pytest.raises(Unsupported) as caught:
        asked(hub(reasoning_effort="low", extras=(effort,)), provider(reasoning=False))
    assert caught.value.param == "reasoning.effort"
    none = Extra(name="reasoning_effort", param="thinking", why="", harmless=True)
    assert "reasoning" not in asked(hub(reasoning_effort="none", extras=(none,)), provider(reasoning=False))


@pytest.mark.parametrize("prefill", [Prefill.NONE, Prefill.PREFIX])
def test_an_answer_cannot_be_continued_unless_the_provider_is_known_to(prefill: Prefill) -> None:
    begun = [*HELLO, {"role": "assistant", "content": "Hel"}]
    with pytest.raises(Unsupported, match="cannot go on"):
        asked(hub(begun), provider(prefill))
    assert asked(hub(begun), provider(Prefill.TEXT))["input"][-1]["content"] == "Hel"


_texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
_named = st.text("abcdefgh_1", min_size=1, max_size=6)
_arguments = st.dictionaries(_named, st.integers() | _texts, max_size=2).map(msgspec.json.encode)
_images = st.builds(
    lambda detail: {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": detail}},
    st.sampled_from(["auto", "low", "high"]),
)
_parts = st.lists(st.builds(lambda text: {"type": "text", "text": text}, _texts) | _images, min_size=1, max_size=3)
_contents = _texts | _parts.filter(lambda parts: any(part["type"] == "image_url" for part in parts))


@st.composite
def turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A conversation: whoever asks, then an answer, with calls and their results or without."""
    made: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 3))):
        made.append({"role": "user", "content": draw(_contents)})
        names = draw(st.lists(_named, max_size=2))
        calls = [tool_call(f"c{number}{k}", name, draw(_arguments).decode()) for k, name in enumerate(names)]
        content = draw(_texts if not calls else _texts | st.just(""))
        made.append({"role": "assistant", "content": content} | ({"tool_calls": calls} if calls else {}))
        made += [{"role": "tool", "content": draw(_contents), "tool_call_id": call["id"]} for call in calls]
    leading = draw(st.lists(_texts.map(lambda text: {"role": "system", "content": text}), max_size=2))
    return [*leading, *made, {"role": "user", "content": draw(_contents)}]


@st.composite
def plans(draw: st.DrawFn) -> ToolPlan:
    names = draw(st.lists(_named, max_size=2, unique=True))
    tools = tuple(
        {
            "type": "function",
            "function": {
                "name": name,
                "description": "d",
                "parameters": {"type": "object"},
                "strict": draw(st.booleans()),
            },
        }
        for name in names
    )
    choice = draw(st.sampled_from(Choice)) if tools else Choice.AUTO
    only = draw(st.sampled_from(["", *names])) if choice is Choice.FORCED else ""
    return ToolPlan(tools=tools, choice=choice, only=only, parallel=draw(st.none() | st.booleans()) if tools else None)


_bodies = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.integers(1, 1000),
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0, 1),
        "user": _named,
        "verbosity": st.sampled_from(["low", "medium", "high"]),
        "reasoning_effort": st.sampled_from(EFFORTS),
        "response_format": st.just({"type": "json_object"})
        | st.builds(
            lambda name, strict: {"type": "json_schema", "json_schema": {"name": name, "schema": {}, "strict": strict}},
            _named,
            st.booleans(),
        ),
    },
)


@given(turns(), plans(), _bodies)
def test_whatever_is_asked_is_read_back_as_the_same(
    messages: list[dict[str, Any]], plan: ToolPlan, body: dict[str, Any]
) -> None:
    sent = asked(hub(messages, tools=plan, **body))
    read = read_request(msgspec.json.decode(msgspec.json.encode(sent)))
    assert read.body == {"messages": messages, **body}
    assert read.tools == plan
    assert (read.asked, read.stream) == ("gpt-5.4-mini", True)
