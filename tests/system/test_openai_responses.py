# SPDX-License-Identifier: Apache-2.0
"""OpenAI's own SDK against ``/v1/responses``: stateless, whole and streamed."""

import json

import pytest
from openai import BadRequestError, OpenAI
from tests.system.estates import MODEL

QUESTION = "Name three colours."


def test_a_response_has_the_text_the_model_and_the_usage(openai: OpenAI) -> None:
    response = openai.responses.create(model="gpt-5", input=QUESTION, max_output_tokens=16)
    assert response.model == MODEL
    assert response.output_text
    assert response.usage is not None
    assert response.usage.output_tokens <= 16
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_a_response_that_was_cut_off_says_why(openai: OpenAI) -> None:
    response = openai.responses.create(model="gpt-5", input="Count to a thousand.", max_output_tokens=2, temperature=0)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


def test_instructions_and_earlier_turns_are_part_of_the_prompt(openai: OpenAI) -> None:
    short = openai.responses.create(model="gpt-5", input=QUESTION, max_output_tokens=16)
    long = openai.responses.create(
        model="gpt-5",
        instructions="Answer like a pirate who has seen many seas and many ships.",
        max_output_tokens=16,
        input=[
            {"role": "user", "content": "Hello, my name is Ada and I like engines."},
            {"role": "assistant", "content": "Hello Ada."},
            {"role": "user", "content": QUESTION},
        ],
    )
    assert short.usage is not None
    assert long.usage is not None
    assert long.usage.input_tokens > short.usage.input_tokens + 20


def test_the_events_of_a_stream_add_up_to_the_final_response(openai: OpenAI) -> None:
    stream = openai.responses.create(model="gpt-5", input=QUESTION, max_output_tokens=16, temperature=0, stream=True)
    events = list(stream)
    assert events[0].type == "response.created"
    last = events[-1]
    assert last.type in {"response.completed", "response.incomplete"}
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert last.type in {"response.completed", "response.incomplete"}
    assert text == last.response.output_text
    assert sum(event.type == "response.output_text.delta" for event in events) > 6
    whole = openai.responses.create(model="gpt-5", input=QUESTION, max_output_tokens=16, temperature=0)
    assert whole.output_text == text


def test_the_stream_helper_gives_the_final_response(openai: OpenAI) -> None:
    with openai.responses.stream(model="gpt-5", input="Say only: yes", max_output_tokens=64, temperature=0) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert final.status == "completed"
    assert final.output_text == text
    assert final.usage is not None


def test_a_json_schema_is_obeyed(openai: OpenAI) -> None:
    response = openai.responses.create(
        model="gpt-5",
        input="Is Paris a capital?",
        max_output_tokens=40,
        text={
            "format": {
                "type": "json_schema",
                "name": "answer",
                "schema": {
                    "type": "object",
                    "properties": {"capital": {"type": "boolean"}},
                    "required": ["capital"],
                    "additionalProperties": False,
                },
            }
        },
    )
    assert isinstance(json.loads(response.output_text)["capital"], bool)


def test_a_previous_response_is_refused_because_nothing_is_kept(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="previous_response_id") as caught:
        openai.responses.create(model="gpt-5", input=QUESTION, previous_response_id="resp_1")
    assert caught.value.param == "previous_response_id"


def test_keeping_a_response_is_refused_because_nothing_is_kept(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="store") as caught:
        openai.responses.create(model="gpt-5", input=QUESTION, store=True)
    assert caught.value.param == "store"


def test_a_response_says_that_it_is_not_kept(openai: OpenAI) -> None:
    response = openai.responses.create(model="gpt-5", input=QUESTION, max_output_tokens=16, store=False)
    assert response.to_dict()["store"] is False
