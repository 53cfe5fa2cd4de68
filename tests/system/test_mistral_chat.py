# SPDX-License-Identifier: Apache-2.0
"""Mistral's own SDK, unmodified but for the server URL."""

import json

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import SDKError
from mistralai.client.models import AssistantMessage, ChatCompletionResponse, SystemMessage, ToolMessage, UserMessage
from tests.system import clients
from tests.system.estates import MODEL, Estate

Turn = AssistantMessage | SystemMessage | ToolMessage | UserMessage
QUESTION = UserMessage(content="Name three colours.")


def text_of(answer: ChatCompletionResponse) -> str:
    message = answer.choices[0].message
    assert message is not None
    assert isinstance(message.content, str)
    return message.content


@pytest.mark.parametrize("asked", ["mistral-large-latest", "ministral-8b-latest", "default"])
def test_a_vendors_model_name_is_answered_and_the_owned_model_named(mistral: Mistral, asked: str) -> None:
    answer = mistral.chat.complete(model=asked, max_tokens=4, messages=[QUESTION])
    assert answer.model == MODEL
    assert text_of(answer)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 4


def test_the_same_random_seed_gives_the_same_answer(mistral: Mistral) -> None:
    texts = [
        text_of(
            mistral.chat.complete(
                model="mistral-small-latest", random_seed=seed, temperature=1.2, max_tokens=12, messages=[QUESTION]
            )
        )
        for seed in (5, 5, 6, 7)
    ]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 1, "the seed has no effect"


def test_a_streamed_answer_is_the_same_as_a_whole_one(mistral: Mistral) -> None:
    whole = mistral.chat.complete(model="mistral-small-latest", temperature=0, max_tokens=12, messages=[QUESTION])
    with mistral.chat.stream(model="mistral-small-latest", temperature=0, max_tokens=12, messages=[QUESTION]) as stream:
        chunks = [event.data for event in stream]
    text = "".join(str(choice.delta.content or "") for chunk in chunks for choice in chunk.choices)
    assert text == text_of(whole)
    assert chunks[-1].choices[0].finish_reason == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 12
    assert {chunk.model for chunk in chunks} == {MODEL}


async def test_the_asynchronous_client_is_answered(estate: Estate) -> None:
    async with clients.mistral(estate) as client:
        answer = await client.chat.complete_async(model="mistral-small-latest", max_tokens=4, messages=[QUESTION])
        assert text_of(answer)


def test_a_safe_prompt_is_put_before_the_conversation(mistral: Mistral) -> None:
    with_system: list[Turn] = [SystemMessage(content="Be brief."), QUESTION]
    plain, safe = (
        mistral.chat.complete(
            model="mistral-small-latest",
            max_tokens=1,
            messages=with_system,
            safe_prompt=safe_prompt,
        )
        for safe_prompt in (False, True)
    )
    assert (safe.usage.prompt_tokens or 0) > (plain.usage.prompt_tokens or 0) + 10


def test_a_prefix_begins_the_answer_once(mistral: Mistral) -> None:
    prefix = "1. Paris\n2. Ber"
    turns: list[Turn] = [
        UserMessage(content="List three capitals of Europe."),
        AssistantMessage(content=prefix, prefix=True),
    ]
    answer = mistral.chat.complete(
        model="mistral-small-latest",
        max_tokens=8,
        temperature=0,
        messages=turns,
    )
    assert text_of(answer).startswith("1. Paris\n2. Berlin")
    assert text_of(answer).count("Paris") == 1


def test_a_json_object_is_a_json_object(mistral: Mistral) -> None:
    answer = mistral.chat.complete(
        model="mistral-small-latest",
        max_tokens=80,
        temperature=0,
        response_format={
            "type": "json_schema",
            "json_schema": {
                "name": "answer",
                "schema_definition": {
                    "type": "object",
                    "properties": {"yes": {"type": "boolean"}},
                    "required": ["yes"],
                    "additionalProperties": False,
                },
            },
        },
        messages=[UserMessage(content="Is Paris a capital?")],
    )
    assert isinstance(json.loads(text_of(answer))["yes"], bool)


def test_filling_in_the_middle_is_refused_by_a_model_that_cannot(mistral: Mistral) -> None:
    with pytest.raises(SDKError) as caught:
        mistral.fim.complete(model="codestral-latest", prompt="def add(", suffix="return a + b", max_tokens=4)
    assert caught.value.status_code == 400
    said = json.loads(caught.value.body)
    assert said["object"] == "error"
    assert "fill" in said["message"].lower() or "fim" in said["message"].lower()


def test_the_models_are_listed(mistral: Mistral) -> None:
    models = mistral.models.list().data
    assert models is not None
    assert "default" in {getattr(model, "id", "") for model in models}
