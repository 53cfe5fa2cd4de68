# SPDX-License-Identifier: Apache-2.0
"""Anthropic's own SDK, unmodified but for the base URL."""

import base64
import itertools
from typing import cast

import pytest
from anthropic import Anthropic, BadRequestError, NotFoundError
from anthropic.types import Message, MessageParam, TextBlockParam
from tests.system import clients
from tests.system.estates import MODEL, Estate

QUESTION: MessageParam = {"role": "user", "content": "Name three colours."}
ASKED = "claude-sonnet-4-5"
GREEDY = {"temperature": 0}  # the SDK has no word of its own for it any more
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
_build = itertools.count(1)


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.parametrize("asked", ["claude-sonnet-4-5", "claude-opus-4-8", "default"])
def test_a_vendors_model_name_is_answered_and_the_owned_model_named(anthropic: Anthropic, asked: str) -> None:
    message = anthropic.messages.create(model=asked, max_tokens=4, messages=[QUESTION])
    assert message.model == MODEL
    assert message.role == "assistant"
    assert text_of(message)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 4


def test_an_answer_says_where_its_receipt_is_and_who_gave_it(anthropic: Anthropic) -> None:
    raw = anthropic.messages.with_raw_response.create(model=ASKED, max_tokens=2, messages=[QUESTION])
    assert raw.headers["freehold-receipt"].rpartition("/")[2].isdecimal()
    assert raw.headers["freehold-target"] == "local"
    assert raw.headers["freehold-decision"]
    assert raw.headers["request-id"] == raw.parse()._request_id


def test_the_stream_helper_gives_the_text_and_the_final_message(anthropic: Anthropic) -> None:
    whole = anthropic.messages.create(model=ASKED, max_tokens=12, extra_body=GREEDY, messages=[QUESTION])
    with anthropic.messages.stream(model=ASKED, max_tokens=12, extra_body=GREEDY, messages=[QUESTION]) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(pieces) > 6, "the answer did not come in pieces"
    assert "".join(pieces) == text_of(final) == text_of(whole)
    assert final.stop_reason == "max_tokens"
    assert final.model == MODEL
    assert final.usage.output_tokens == 12
    assert prompt_tokens(final) == prompt_tokens(whole)


def test_a_stream_has_every_event_that_the_protocol_asks_for(anthropic: Anthropic) -> None:
    stream = anthropic.messages.create(model=ASKED, max_tokens=4, messages=[QUESTION], stream=True)
    kinds = [kind for kind, _ in itertools.groupby(str(event.type) for event in stream)]
    assert [kind for kind in kinds if kind != "ping"] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


async def test_the_asynchronous_client_is_answered(estate: Estate) -> None:
    async with clients.async_anthropic(estate) as client:
        message = await client.messages.create(
            model="claude-haiku-4-5", max_tokens=6, extra_body=GREEDY, messages=[QUESTION]
        )
        async with client.messages.stream(
            model="claude-haiku-4-5", max_tokens=6, extra_body=GREEDY, messages=[QUESTION]
        ) as stream:
            text = "".join([piece async for piece in stream.text_stream])
    assert text == text_of(message)


def test_system_blocks_are_part_of_the_prompt(anthropic: Anthropic) -> None:
    plain = anthropic.messages.create(model=ASKED, max_tokens=2, messages=[QUESTION], system="Be brief.")
    blocks: list[TextBlockParam] = [
        {"type": "text", "text": "Be brief."},
        {"type": "text", "text": "You know every colour that painters use, and their history."},
    ]
    longer = anthropic.messages.create(model=ASKED, max_tokens=2, messages=[QUESTION], system=blocks)
    assert prompt_tokens(longer) > prompt_tokens(plain) + 8


def test_a_stop_sequence_ends_the_answer_and_is_named(anthropic: Anthropic) -> None:
    asked: MessageParam = {"role": "user", "content": "Repeat exactly: alpha beta gamma delta"}
    text = text_of(anthropic.messages.create(model=ASKED, max_tokens=16, extra_body=GREEDY, messages=[asked]))
    word = text.split()[1]
    for stopped in (
        anthropic.messages.create(
            model=ASKED, max_tokens=16, extra_body=GREEDY, messages=[asked], stop_sequences=[word]
        ),
        _streamed(anthropic, asked, word),
    ):
        assert text_of(stopped) == text[: text.index(word)]
        assert stopped.stop_reason == "stop_sequence"
        assert stopped.stop_sequence == word


def test_an_image_is_refused_by_a_model_that_reads_only_text(anthropic: Anthropic) -> None:
    with pytest.raises(BadRequestError, match="image") as caught:
        anthropic.messages.create(
            model=ASKED,
            max_tokens=4,
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
                        {"type": "text", "text": "What is this?"},
                    ],
                }
            ],
        )
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id


def test_the_tokens_that_are_counted_are_those_that_are_used(anthropic: Anthropic) -> None:
    system = "You are a careful assistant."
    turns: list[MessageParam] = [
        QUESTION,
        {"role": "assistant", "content": "Red."},
        {"role": "user", "content": "Two!"},
    ]
    counted = anthropic.messages.count_tokens(model=ASKED, system=system, messages=turns)
    message = anthropic.messages.create(model=ASKED, max_tokens=1, system=system, messages=turns)
    assert counted.input_tokens == prompt_tokens(message) > 20


def test_a_changing_billing_line_does_not_destroy_the_prompt_cache(anthropic: Anthropic) -> None:
    rules = " ".join(f"Rule {number}: keep file {number} as it is." for number in range(40))
    first = anthropic.messages.create(
        model=ASKED,
        max_tokens=1,
        system=[_billing_line(), {"type": "text", "text": rules}],
        messages=[QUESTION],
    )
    second = anthropic.messages.create(
        model=ASKED,
        max_tokens=1,
        system=[_billing_line(), {"type": "text", "text": rules}],
        messages=[QUESTION],
    )
    assert prompt_tokens(second) == prompt_tokens(first) > 400
    assert (second.usage.cache_read_input_tokens or 0) >= prompt_tokens(second) - 8


def test_a_prefill_is_continued_and_not_repeated(anthropic: Anthropic) -> None:
    turns: list[MessageParam] = [
        {"role": "user", "content": "List three capitals of Europe."},
        {"role": "assistant", "content": "1. Paris\n2. Ber"},
    ]
    whole = anthropic.messages.create(model=ASKED, max_tokens=8, extra_body=GREEDY, messages=turns)
    with anthropic.messages.stream(model=ASKED, max_tokens=8, extra_body=GREEDY, messages=turns) as stream:
        streamed = "".join(stream.text_stream)
    assert text_of(whole).startswith("lin")
    assert streamed == text_of(whole)


def test_the_models_are_listed_in_anthropics_shape(anthropic: Anthropic) -> None:
    models = list(anthropic.models.list())
    assert "default" in {model.id for model in models}
    assert all(model.display_name and model.created_at for model in models)
    assert anthropic.models.retrieve("claude-sonnet-4-5").id == "claude-sonnet-4-5"
    with pytest.raises(NotFoundError) as caught:
        anthropic.models.retrieve("llama-unknown")
    assert caught.value.type == "not_found_error"


def test_an_unknown_role_is_named(anthropic: Anthropic) -> None:
    with pytest.raises(BadRequestError, match="role"):
        anthropic.messages.create(
            model=ASKED,
            max_tokens=1,
            messages=[cast("MessageParam", {"role": "wizard", "content": "hi"})],
        )


def prompt_tokens(message: Message) -> int:
    """Every token of the prompt: read anew, from the cache, or into it."""
    usage = message.usage
    return usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)


def _streamed(anthropic: Anthropic, asked: MessageParam, stop: str) -> Message:
    with anthropic.messages.stream(
        model=ASKED, max_tokens=16, extra_body=GREEDY, messages=[asked], stop_sequences=[stop]
    ) as stream:
        return stream.get_final_message()


def _billing_line() -> TextBlockParam:
    """What coding agents put before their system prompt: other words in every call."""
    build = next(_build)
    return {
        "type": "text",
        "text": f"x-anthropic-billing-header: cc_version=2.1.{build}.a{build}f; cc_entrypoint=cli; cch={build:05x};",
    }
