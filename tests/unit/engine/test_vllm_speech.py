# SPDX-License-Identifier: Apache-2.0
"""vLLM's words put into llama.cpp's, and the other way round."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.engine_fakes import engine_status

from freehold.contract.backend import EngineState
from freehold.dialect.interface import Event, Upstream, Wire
from freehold.engine.speech import Asked
from freehold.engine.vllm_speech import VllmSpeech
from freehold.errors import (
    ContextExceeded,
    EngineBroke,
    EngineUnavailable,
    FreeholdError,
    InvalidRequest,
    Unsupported,
)

STATUS = replace(engine_status(EngineState.READY, Path("/nowhere")), engine="vllm", context_tokens=512)
USER = {"role": "user", "content": "hello"}


def ask(wire: Wire = Wire.CHAT, **body: Any) -> Asked:
    body = {"model": "small", **({"messages": [USER]} if wire is Wire.CHAT else {}), **body}
    return VllmSpeech().ask(Upstream(wire=wire, body=msgspec.json.encode(body), stream=False), STATUS)


def sent(asked: Asked) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(asked.body)
    return body


def whole(asked: Asked, **answer: Any) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(asked.whole(msgspec.json.encode(answer)))
    return document


def event(**data: Any) -> Event:
    encoded = msgspec.json.encode(data)
    return Event(b"data: " + encoded + b"\n\n", "", encoded)


def test_an_answer_is_gone_on_with_only_where_it_was_begun() -> None:
    begun = sent(ask(messages=[USER, {"role": "assistant", "content": "One"}]))
    assert (begun["continue_final_message"], begun["add_generation_prompt"]) == (True, False)
    assert "continue_final_message" not in sent(ask())
    called = {"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]}
    assert "continue_final_message" not in sent(ask(messages=[USER, called]))


def test_a_whole_answer_repeats_what_it_goes_on_from() -> None:
    asked = ask(messages=[USER, {"role": "assistant", "content": "One"}])
    answer = whole(asked, choices=[{"index": 0, "message": {"role": "assistant", "content": " house"}}], usage={})
    assert answer["choices"][0]["message"]["content"] == "One house"


def test_the_penalty_has_its_other_name_and_the_limit_is_at_most_the_context() -> None:
    body = sent(ask(repeat_penalty=1.1, max_tokens=4096))
    assert (body["repetition_penalty"], body["max_tokens"]) == (1.1, 512)
    assert "repeat_penalty" not in body


def test_tools_are_shown_and_not_looked_for_where_the_answer_follows_a_schema() -> None:
    assert sent(ask(tools=[{}], response_format={"type": "json_schema"}))["tool_choice"] == "none"
    assert "tool_choice" not in sent(ask(tools=[{}]))


def test_nulls_that_no_vendor_sends_are_left_out() -> None:
    choice = {"index": 0, "message": {"content": None, "audio": None}, "stop_reason": None, "logprobs": None}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": None}
    answer = whole(ask(), choices=[choice], usage=usage, prompt_logprobs=None)
    assert answer == {
        "choices": [{"index": 0, "message": {"content": None}, "logprobs": None}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }


def test_reasoning_has_llama_cpps_name_whole_and_streamed() -> None:
    said = {"index": 0, "message": {"content": "x", "reasoning": "so"}}
    assert whole(ask(), choices=[said], usage={})["choices"][0]["message"]["reasoning_content"] == "so"
    changed = ask().event(event(choices=[{"index": 0, "delta": {"reasoning": "so"}}]))
    assert msgspec.json.decode(changed.data)["choices"][0]["delta"] == {"reasoning_content": "so"}
    assert changed.raw == b"data: " + changed.data + b"\n\n"


def test_an_event_without_any_of_that_is_handed_on_untouched() -> None:
    given = event(choices=[{"index": 0, "delta": {"content": 'the "reasoning":"'}}])
    assert ask().event(given) is given


def test_logprobs_of_completions_have_llama_cpps_shape() -> None:
    legacy = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"a": -0.5, "b": -1.0}], "text_offset": [0]}
    answer = whole(ask(Wire.COMPLETIONS, prompt="x"), choices=[{"index": 0, "text": "a", "logprobs": legacy}], usage={})
    (token,) = answer["choices"][0]["logprobs"]["content"]
    assert (token["token"], token["logprob"], len(token["top_logprobs"])) == ("a", -0.5, 2)


def test_the_choices_after_the_first_are_not_counted_twice() -> None:
    logprobs = {"content": [{"token": "a", "logprob": 0.0}] * 3}
    choices = [{"index": index, "message": {"content": "aaa"}, "logprobs": logprobs} for index in range(2)]
    answer = whole(ask(n=2), choices=choices, usage={"prompt_tokens": 5, "completion_tokens": 6})
    assert answer["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(
    ("status", "param", "kind"),
    [
        (400, "input_tokens", ContextExceeded),
        (400, "input_text", ContextExceeded),
        (400, "temperature", InvalidRequest),
        (400, None, InvalidRequest),
        (422, None, InvalidRequest),
        (404, "model", Unsupported),
        (501, None, Unsupported),
        (503, None, EngineUnavailable),
        (500, None, EngineBroke),
    ],
)
def test_an_error_is_told_by_its_status_and_what_it_blames(
    status: int, param: str | None, kind: type[FreeholdError]
) -> None:
    body = msgspec.json.encode({"error": {"message": "a secret", "type": "x", "param": param, "code": status}})
    problem = ask().problem(status, body)
    assert type(problem) is kind
    assert "secret" not in problem.message


def test_what_is_no_error_in_its_words_is_told_by_the_status() -> None:
    assert type(ask().problem(404, b'{"detail":"Not Found"}')) is Unsupported
    assert type(ask().problem(502, b"<html>")) is EngineBroke


def test_how_long_a_prompt_is_can_be_asked_and_that_of_tokens_is_known() -> None:
    counting = ask(tools=[{"type": "function"}], max_tokens=3, temperature=0).counting
    assert counting is not None
    assert counting[0] == "/tokenize"
    assert set(msgspec.json.decode(counting[1])) == {"model", "messages", "tools"}
    tokens = ask(Wire.COMPLETIONS, prompt=[1] * 600)
    problem = tokens.problem(400, b'{"error":{"param":"input_tokens"}}')
    assert isinstance(problem, ContextExceeded)
    assert (problem.prompt_tokens, problem.context_tokens, tokens.counting) == (600, 512, None)
    assert ask().counted(b'{"count":2031}') == 2031
    assert ask().counted(b"nonsense") == 0


def test_an_answer_that_is_not_its_protocol_is_the_engines_fault() -> None:
    with pytest.raises(EngineBroke):
        ask().whole(b"<html>")


def test_what_is_no_request_is_left_for_the_engine_to_refuse() -> None:
    asked = VllmSpeech().ask(Upstream(wire=Wire.CHAT, body=b"{", stream=False), STATUS)
    assert asked.body == b"{"
