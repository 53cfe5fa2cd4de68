# SPDX-License-Identifier: Apache-2.0
"""OpenAI's own SDK, unmodified but for the base URL: chat completions, completions and models."""

import json
import math

import pytest
from openai import NotFoundError, OpenAI
from tests.system import clients
from tests.system.estates import MODEL, Estate

QUESTION = "Name three colours."


@pytest.mark.parametrize("asked", ["default", "gpt-4o", "gpt-5.1-mini", "o3", MODEL])
def test_a_vendors_model_name_is_answered_and_the_owned_model_named(openai: OpenAI, asked: str) -> None:
    answer = openai.chat.completions.create(model=asked, max_tokens=4, messages=[{"role": "user", "content": QUESTION}])
    assert answer.model == MODEL
    assert answer.choices[0].message.content
    assert answer.choices[0].message.role == "assistant"


def test_an_answer_says_where_its_receipt_is_and_who_gave_it(openai: OpenAI) -> None:
    raw = openai.chat.completions.with_raw_response.create(
        model="gpt-4o", max_tokens=2, messages=[{"role": "user", "content": QUESTION}]
    )
    origin, _, index = raw.headers["freehold-receipt"].rpartition("/")
    assert origin
    assert index.isdecimal()
    assert raw.headers["freehold-target"] == "local"
    assert raw.headers["freehold-decision"]
    assert raw.headers["x-request-id"]


def test_a_streamed_answer_says_where_its_receipt_is_before_its_first_event(openai: OpenAI) -> None:
    with openai.chat.completions.with_streaming_response.create(
        model="gpt-4o", max_tokens=2, stream=True, messages=[{"role": "user", "content": QUESTION}]
    ) as raw:
        assert raw.headers["freehold-receipt"]
        assert raw.headers["content-type"].startswith("text/event-stream")


def test_a_streamed_answer_is_the_same_as_a_whole_one(openai: OpenAI) -> None:
    whole = openai.chat.completions.create(
        model="gpt-4o", max_tokens=12, temperature=0, messages=[{"role": "user", "content": QUESTION}]
    )
    stream = openai.chat.completions.create(
        model="gpt-4o", max_tokens=12, temperature=0, stream=True, messages=[{"role": "user", "content": QUESTION}]
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason == "length"
    assert len(chunks) > 6, "the answer did not come in pieces"
    assert {chunk.model for chunk in chunks} == {MODEL}
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks), "nobody asked for usage"


def test_usage_comes_last_where_it_is_asked_for(openai: OpenAI) -> None:
    stream = openai.chat.completions.create(
        model="gpt-4o",
        max_tokens=5,
        stream=True,
        stream_options={"include_usage": True},
        messages=[{"role": "user", "content": QUESTION}],
    )
    *chunks, last = list(stream)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 5
    assert last.usage.total_tokens == last.usage.prompt_tokens + 5
    assert all(chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize("bound", ["max_tokens", "max_completion_tokens"])
def test_the_bound_on_the_answer_holds_and_is_named_as_the_reason(openai: OpenAI, bound: str) -> None:
    answer = openai.chat.completions.create(
        model="gpt-4o",
        temperature=0,
        messages=[{"role": "user", "content": "Count to a hundred."}],
        extra_body={bound: 3},
    )
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


def test_an_answer_that_ends_by_itself_says_so(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(
        model="gpt-4o", temperature=0, max_tokens=200, messages=[{"role": "user", "content": "Say only: yes"}]
    )
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens < 200


def test_two_choices_are_two_answers_and_both_are_counted(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(
        model="gpt-4o", n=2, seed=7, temperature=1.5, max_tokens=6, messages=[{"role": "user", "content": QUESTION}]
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.message.content for choice in answer.choices)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 12
    assert all(choice.logprobs is None for choice in answer.choices), "nobody asked for logprobs"


def test_two_choices_are_streamed_side_by_side(openai: OpenAI) -> None:
    stream = openai.chat.completions.create(
        model="gpt-4o",
        n=2,
        max_tokens=6,
        stream=True,
        stream_options={"include_usage": True},
        messages=[{"role": "user", "content": QUESTION}],
    )
    chunks = list(stream)
    ends = {choice.index: choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason}
    said = {choice.index for chunk in chunks for choice in chunk.choices if choice.delta.content}
    assert set(ends) == said == {0, 1}
    assert chunks[-1].usage is not None
    assert 0 < chunks[-1].usage.completion_tokens <= 12


def test_the_same_seed_gives_the_same_answer(openai: OpenAI) -> None:
    texts = [
        openai.chat.completions.create(
            model="gpt-4o", seed=seed, temperature=1.2, max_tokens=12, messages=[{"role": "user", "content": QUESTION}]
        )
        .choices[0]
        .message.content
        for seed in (11, 11, 12, 13)
    ]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 1, "the seed has no effect"


def test_a_stop_word_ends_the_answer_and_is_not_in_it(openai: OpenAI) -> None:
    asked = "Repeat exactly: alpha beta gamma delta"
    plain = openai.chat.completions.create(
        model="gpt-4o", temperature=0, max_tokens=16, messages=[{"role": "user", "content": asked}]
    )
    text = plain.choices[0].message.content or ""
    word = text.split()[1]
    stopped = openai.chat.completions.create(
        model="gpt-4o", temperature=0, max_tokens=16, stop=[word], messages=[{"role": "user", "content": asked}]
    )
    assert stopped.choices[0].message.content == text[: text.index(word)]
    assert stopped.choices[0].finish_reason == "stop"


def test_logprobs_come_with_the_alternatives_that_were_asked_for(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(
        model="gpt-4o",
        max_tokens=4,
        logprobs=True,
        top_logprobs=3,
        temperature=0,
        messages=[{"role": "user", "content": QUESTION}],
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert len(logprobs.content) == 4
    assert "".join(token.token for token in logprobs.content) == answer.choices[0].message.content
    for token in logprobs.content:
        assert len(token.top_logprobs) == 3
        assert token.logprob <= 0
        assert math.isclose(token.logprob, token.top_logprobs[0].logprob, abs_tol=1e-4), "greedy takes the likeliest"


def test_logprobs_are_streamed(openai: OpenAI) -> None:
    stream = openai.chat.completions.create(
        model="gpt-4o",
        max_tokens=4,
        logprobs=True,
        top_logprobs=2,
        stream=True,
        messages=[{"role": "user", "content": QUESTION}],
    )
    tokens = [
        token
        for chunk in stream
        for choice in chunk.choices
        if choice.logprobs is not None
        for token in choice.logprobs.content or ()
    ]
    assert len(tokens) == 4
    assert all(len(token.top_logprobs) == 2 for token in tokens)


def test_a_json_schema_is_obeyed_even_by_a_small_model(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(
        model="gpt-4o",
        max_tokens=200,
        temperature=0,
        messages=[{"role": "user", "content": "Describe Paris."}],
        response_format={
            "type": "json_schema",
            "json_schema": {
                "name": "city",
                "strict": True,
                "schema": {
                    "type": "object",
                    "properties": {"size": {"enum": ["small", "large"]}, "capital": {"type": "boolean"}},
                    "required": ["size", "capital"],
                    "additionalProperties": False,
                },
            },
        },
    )
    city = json.loads(answer.choices[0].message.content or "")
    assert set(city) == {"size", "capital"}
    assert city["size"] in {"small", "large"}
    assert isinstance(city["capital"], bool)


async def test_the_asynchronous_client_is_answered_whole_and_streamed(estate: Estate) -> None:
    async with clients.async_openai(estate) as client:
        whole = await client.chat.completions.create(
            model="gpt-4o", temperature=0, max_tokens=6, messages=[{"role": "user", "content": QUESTION}]
        )
        stream = await client.chat.completions.create(
            model="gpt-4o", temperature=0, max_tokens=6, stream=True, messages=[{"role": "user", "content": QUESTION}]
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == whole.choices[0].message.content


def test_the_models_are_listed_with_the_names_that_may_be_asked_for(openai: OpenAI) -> None:
    models = openai.models.list().data
    assert "default" in {model.id for model in models}
    assert all(model.created > 0 and model.owned_by for model in models)


def test_a_model_is_retrieved_by_any_name_that_is_answered(openai: OpenAI) -> None:
    assert openai.models.retrieve("default").id == "default"
    assert openai.models.retrieve("gpt-4o").id == "gpt-4o"
    with pytest.raises(NotFoundError) as caught:
        openai.models.retrieve("llama-unknown")
    assert caught.value.code == "model_not_found"


def test_completions_answer_whole_and_streamed_alike(openai: OpenAI) -> None:
    whole = openai.completions.create(model="gpt-3.5-turbo-instruct", prompt="One, two,", temperature=0, max_tokens=6)
    stream = openai.completions.create(
        model="gpt-3.5-turbo-instruct",
        prompt="One, two,",
        temperature=0,
        max_tokens=6,
        stream=True,
        stream_options={"include_usage": True},
    )
    *chunks, last = list(stream)
    assert whole.object == "text_completion"
    assert whole.model == MODEL
    assert whole.choices[0].finish_reason == "length"
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole.choices[0].text
    assert last.usage is not None
    assert whole.usage is not None
    assert last.usage.completion_tokens == whole.usage.completion_tokens == 6


def test_completions_have_logprobs_in_their_old_shape(openai: OpenAI) -> None:
    answer = openai.completions.create(model="default", prompt="One, two,", max_tokens=3, logprobs=2, temperature=0)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert "".join(logprobs.tokens or []) == answer.choices[0].text
    assert logprobs.token_logprobs is not None
    assert logprobs.top_logprobs is not None
    assert logprobs.text_offset is not None
    assert len(logprobs.token_logprobs) == len(logprobs.top_logprobs) == len(logprobs.text_offset) == 3
    assert all(1 <= len(top) <= 3 for top in logprobs.top_logprobs)
