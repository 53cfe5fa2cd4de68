# SPDX-License-Identifier: Apache-2.0
"""What a provider gets: the caller's words, the estate's own headers, and nothing else. What comes back untouched."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.simulator.faults import Play
from tests.simulator.server import KEY, Simulator
from tests.system import foreign
from tests.system.estates import Estate
from tests.system.simulated import ASK, CITY
from tests.system.wire import CHAT, COMPLETIONS, FIM, MESSAGES, RESPONSES, Answer, post

COUNT = f"{MESSAGES}/count_tokens"
BETA = "context-1m-2025-08-07"
OF_HTTP = {"host", "content-type", "content-length", "accept", "accept-encoding", "user-agent"}
AUTHORISED = {"anthropic": ("x-api-key", KEY), "azure-openai": ("api-key", KEY)}
USER_AGENT = {"mistral": "mistral-client-python/3.7.0"}
KEEPERS = {"openai", "azure-openai", "responses"}  # who would keep what they are sent, if not told
# What nobody but the vendor of the dialect would take, and what is kept of it where it goes on to that vendor.
CHAT_BODY = {"messages": ASK, "max_tokens": 20, "seed": 3, "logit_bias": {"42": 1}, "user": "ada", "temperature": 0.5}
RESPONSES_BODY = {"input": "What now?", "max_output_tokens": 20, "truncation": "disabled", "metadata": {"a": "b"}}
MESSAGES_BODY = {"messages": ASK, "max_tokens": 20, "top_k": 5, "metadata": {"user_id": "ada"}, "stop_sequences": ["x"]}
MISTRAL_BODY = {"messages": ASK, "max_tokens": 9, "random_seed": 3, "safe_prompt": True, "temperature": 0.5}
SAME: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "openai": ("openai", CHAT, CHAT_BODY),
    "compatible": ("compatible", CHAT, CHAT_BODY),
    "azure": ("azure-openai", CHAT, CHAT_BODY),
    "completions": ("openai", COMPLETIONS, {"prompt": "Once", "max_tokens": 9, "best_of": 1}),
    "responses": ("responses", RESPONSES, RESPONSES_BODY),
    "messages": ("anthropic", MESSAGES, MESSAGES_BODY),
    "mistral": ("mistral", CHAT, MISTRAL_BODY),
    "fim": ("mistral", FIM, {"prompt": "def f(", "suffix": "return 1", "random_seed": 3, "max_tokens": 9}),
}


@pytest.mark.parametrize("provider", foreign.NAMES)
@pytest.mark.parametrize(("path", "body"), [(CHAT, CHAT_BODY), (MESSAGES, MESSAGES_BODY)], ids=["chat", "messages"])
def test_no_header_of_the_caller_goes_on_and_the_estates_key_is_sent(
    provided: Estate, simulator: Simulator, provider: str, path: str, body: dict[str, Any]
) -> None:
    secrets = {"cookie": "session=of-a-caller", "x_forwarded_for": "10.1.2.3", "x_custom": "of-a-caller"}
    vendors = {"openai_organization": "org-caller", "anthropic_beta": BETA, "api_key": "of-a-caller"}
    answer = post(provided, path, body | {"model": f"{provider}-lax"}, **secrets, **vendors)
    assert answer.status == 200, answer
    (heard,) = simulator.requests
    name, value = AUTHORISED.get(provider, ("authorization", f"Bearer {KEY}"))
    expected = OF_HTTP | {name} | ({"anthropic-version"} if provider == "anthropic" else set())
    if provider == "anthropic" and path == MESSAGES:  # the one that is a part of the request, to the one who knows it
        expected |= {"anthropic-beta"}
        assert heard.header("anthropic-beta") == BETA
    assert {header.lower() for header, _ in heard.headers} <= expected
    assert heard.header(name) == value
    everything = str(heard.headers) + heard.path + heard.body
    assert provided.key not in everything
    assert "caller" not in everything
    assert "10.1.2.3" not in everything


@pytest.mark.parametrize("which", SAME)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_same_dialect_is_handed_on_byte_for_byte(
    provided: Estate, simulator: Simulator, which: str, stream: bool
) -> None:
    provider, path, body = SAME[which]
    asked = {"model": provider, **body, **({"stream": True} if stream else {})}
    if stream and path in {CHAT, COMPLETIONS} and provider != "mistral":
        asked["stream_options"] = {"include_usage": True}
    answer = _post(provided, provider, path, asked)
    assert answer.status == 200, answer
    (heard,) = simulator.requests
    assert answer.body == heard.sent
    forced = {"store": False} if path in {CHAT, RESPONSES} and provider in KEEPERS else {}
    assert {"model": "sim", **heard.fields} == asked | {"model": "sim"} | forced


def test_what_was_not_asked_for_is_not_shown(provided: Estate, simulator: Simulator) -> None:
    """The usage of a stream is asked for, so that it can be counted; a caller who did not ask does not get it."""
    answer = post(provided, CHAT, {"model": "openai", "messages": ASK, "stream": True})
    (heard,) = simulator.requests
    assert heard.fields["stream_options"]["include_usage"] is True
    chunks = [json.loads(line[6:]) for line in answer.body.split(b"\n\n") if line and line != b"data: [DONE]"]
    assert all(chunk["choices"] for chunk in chunks)
    assert not any(chunk.get("usage") for chunk in chunks)
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_a_schema_of_a_tool_arrives_as_it_was_sent(provided: Estate, simulator: Simulator) -> None:
    tool = {"type": "function", "function": {"name": "weather", "description": "x", "parameters": CITY}}
    for provider in foreign.NAMES:
        assert post(provided, CHAT, {"model": provider, "messages": ASK, "tools": [tool]}).status == 200
        (given,) = simulator.requests[-1].fields["tools"]
        given = given.get("function", given)
        assert given["name"] == "weather"
        assert given.get("parameters", given.get("input_schema")) == CITY


@pytest.mark.parametrize(("path", "body"), [(CHAT, CHAT_BODY), (MESSAGES, MESSAGES_BODY)], ids=["chat", "messages"])
def test_nothing_is_kept_at_a_provider_that_would_keep_it(
    provided: Estate, simulator: Simulator, path: str, body: dict[str, Any]
) -> None:
    assert post(provided, path, body | {"model": "responses-lax"}).status == 200
    assert simulator.requests[0].fields["store"] is False


def test_what_has_no_place_is_refused_before_anything_is_sent(provided: Estate, simulator: Simulator) -> None:
    answer = post(provided, CHAT, {"model": "anthropic", "messages": ASK, "seed": 3})
    assert answer.status == 400
    assert answer.json["error"]["param"] == "seed"
    assert answer.json["error"]["code"] == "unsupported"
    assert simulator.record.counts.bytes == 0


def test_what_a_service_lets_go_is_named_in_the_answer(provided: Estate, simulator: Simulator) -> None:
    allowed = post(provided, CHAT, {"model": "anthropic-seed", "messages": ASK, "seed": 3})
    assert allowed.status == 200
    assert allowed.headers["freehold-dropped"] == "seed"
    assert "seed" not in simulator.requests[0].fields
    other = post(provided, CHAT, {"model": "anthropic-seed", "messages": ASK, "seed": 3, "logit_bias": {"42": 1}})
    assert other.status == 400
    assert other.json["error"]["param"] == "logit_bias"
    all_of_it = post(provided, CHAT, {"model": "anthropic-lax", "messages": ASK, "seed": 3, "logit_bias": {"42": 1}})
    assert set(all_of_it.headers["freehold-dropped"].split(", ")) == {"seed", "logit_bias"}
    streamed = post(provided, CHAT, {"model": "anthropic-seed", "messages": ASK, "seed": 3, "stream": True})
    assert streamed.headers["freehold-dropped"] == "seed"


@pytest.mark.parametrize("provider", [name for name in foreign.NAMES if name != "azure-openai"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_rate_limits_are_told_in_the_callers_words(
    provided: Estate, simulator: Simulator, provider: str, stream: bool
) -> None:
    body = {"model": provider, "messages": ASK, "max_tokens": 20, "stream": stream}
    chat = post(provided, CHAT, body).headers
    assert chat["x-ratelimit-limit-requests"] == "500"
    assert chat["x-ratelimit-remaining-requests"] == "499"
    messages = post(provided, MESSAGES, body).headers
    assert messages["anthropic-ratelimit-requests-remaining"] == "499"
    mistral = post(provided, CHAT, body, user_agent=USER_AGENT["mistral"]).headers
    assert mistral["x-ratelimit-remaining-req-minute"] == "499"
    assert not [name for name in mistral if name.startswith("anthropic-ratelimit")]


def test_tokens_are_counted_by_who_can_count_them(provided: Estate, simulator: Simulator) -> None:
    body = {"model": "anthropic", "messages": ASK}
    assert post(provided, COUNT, body).json == {"input_tokens": 41}
    assert simulator.requests[0].path == f"/anthropic{COUNT}"
    refused = post(provided, COUNT, body | {"model": "openai"})
    assert refused.status == 400
    assert len(simulator.requests) == 1


def test_an_answer_begun_goes_on_where_the_api_can(provided: Estate, simulator: Simulator) -> None:
    simulator.play(Play(script="prefill"))
    turns = [*ASK, {"role": "assistant", "content": "One, two,"}]
    body = {"model": "anthropic", "messages": turns, "max_tokens": 20}
    assert post(provided, MESSAGES, body).json["content"][0]["text"] == "after 9 characters."
    assert post(provided, MESSAGES, body | {"model": "mistral"}).status == 200
    assert simulator.requests[-1].fields["messages"][-1]["prefix"] is True
    assert post(provided, MESSAGES, body | {"model": "responses"}).status == 400


def _post(provided: Estate, provider: str, path: str, body: object) -> Answer:
    headers = {"user_agent": USER_AGENT[provider]} if provider in USER_AGENT else {}
    return post(provided, path, body, **headers)
