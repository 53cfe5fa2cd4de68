# SPDX-License-Identifier: Apache-2.0
"""The text of a call is all that it shows, in every dialect, and nothing that describes it."""

import base64
import json
from typing import Any

import pytest

from freehold.policy.detect.text import text_of

SECRET = "alice@example.fr"
MANY = 2**18
PICTURE = base64.b64encode(bytes(range(256)) * 40).decode()
ASKED = {"role": "user", "content": "Who is it?"}


@pytest.mark.parametrize(
    "fields",
    [
        # chat completions, and Mistral's
        {"messages": [{"role": "user", "content": SECRET}]},
        {"messages": [{"role": "system", "content": SECRET}, ASKED]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": SECRET}]}]},
        {"messages": [{"role": "assistant", "content": SECRET, "prefix": True}]},
        {"messages": [{"role": "assistant", "reasoning_content": SECRET}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": f'{{"to": "{SECRET}"}}'}}]}]},
        {"messages": [{"role": "tool", "tool_call_id": "1", "content": SECRET}]},
        {"messages": [{"role": "user", "name": SECRET, "content": "hi"}]},
        {"messages": [ASKED], "user": SECRET},
        {"messages": [ASKED], "metadata": {"customer": SECRET}},
        {"messages": [ASKED], "prediction": {"type": "content", "content": SECRET}},
        # completions and fill-in-the-middle
        {"prompt": SECRET},
        {"prompt": ["one", SECRET]},
        {"prompt": "def f():", "suffix": SECRET},
        # messages
        {"system": SECRET, "messages": [ASKED]},
        {"system": [{"type": "text", "text": SECRET}], "messages": [ASKED]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": SECRET}]}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"text": SECRET}]}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "input": {"to": [SECRET]}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "text", "data": SECRET}}]}]},
        # responses
        {"input": SECRET},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": SECRET}]}]},
        {"instructions": SECRET, "input": "hi"},
        {"input": [{"type": "function_call", "arguments": json.dumps({"to": SECRET})}]},
        {"input": [{"type": "function_call_output", "output": SECRET}]},
        # what no API has yet
        {"messages": [ASKED], "brand_new": {"deep": [{"er": SECRET}]}},
        # pictures that are not sent along, but named
        {"messages": [{"role": "user", "content": [{"image_url": {"url": f"https://x.example/{SECRET}.png"}}]}]},
        {"messages": [{"role": "user", "content": "data:text/plain," + SECRET}]},
    ],
)
def test_every_string_that_a_call_shows_is_text(fields: dict[str, Any]) -> None:
    text = text_of({"model": "default", **fields}, most=MANY)
    assert text is not None
    assert SECRET in text


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "function", "function": {"name": "mail", "description": SECRET}}]},
        {"functions": [{"name": "mail", "description": SECRET}]},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"description": SECRET}}}},
        {"text": {"format": {"type": "json_schema", "schema": {"description": SECRET}}}},
        {"model": SECRET},
        {"messages": [{"role": "user", "content": [{"image_url": {"url": f"data:image/png;base64,{PICTURE}"}}]}]},
        {"messages": [{"content": [{"source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}]}]},
        {"messages": [{"content": [{"input_audio": {"data": PICTURE, "format": "wav"}}]}]},
        {"input": [{"content": [{"type": "input_file", "file_data": f"data:application/pdf;base64,{PICTURE}"}]}]},
    ],
)
def test_schemas_and_pictures_are_not(fields: dict[str, Any]) -> None:
    text = text_of(fields, most=MANY)
    assert text is not None
    assert SECRET not in text
    assert len(text) < 200


def test_a_picture_of_any_size_counts_for_nothing() -> None:
    huge = {"messages": [{"content": [{"source": {"data": "QUJD" * 2**20}}, {"text": "hi"}]}]}
    assert text_of(huge, most=MANY) == "text: hi"


def test_text_far_behind_what_looks_like_a_picture_is_not_passed_over() -> None:
    assert text_of({"prompt": "QUJD" * 2**17 + f" {SECRET}"}, most=MANY) is None


def test_text_behind_what_looks_like_a_picture_is_read() -> None:
    text = text_of({"prompt": f"data:image/png;base64,{PICTURE} {SECRET}"}, most=MANY)
    assert text is not None
    assert SECRET in text


def test_numbers_are_read_behind_their_names() -> None:
    fields = {"messages": [{"content": [{"type": "tool_use", "input": {"phone": 33142685300, "ok": True}}]}]}
    assert text_of(fields, most=MANY) == "type: tool_use\nphone: 33142685300"


def test_what_is_escaped_in_a_tools_arguments_is_read_as_it_is_meant() -> None:
    arguments = '{"iban": "x\\nDE89 3704 0044 0532 0130 00", "to": "al\\u0069ce@example.fr"}'
    text = text_of({"messages": [{"tool_calls": [{"function": {"arguments": arguments}}]}]}, most=MANY)
    assert text == "iban: x\nDE89 3704 0044 0532 0130 00\nto: alice@example.fr"


def test_what_only_begins_like_json_is_read_as_it_stands() -> None:
    assert text_of({"prompt": "[link](x) {"}, most=MANY) == "prompt: [link](x) {"


def test_more_than_the_bound_is_no_text_at_all() -> None:
    assert text_of({"prompt": "a" * 90 + " "}, most=100) is not None
    assert text_of({"prompt": "a " * 60}, most=100) is None
    assert text_of({"messages": ["a b"] * 60}, most=100) is None


def test_depth_is_no_way_round() -> None:
    deep: Any = SECRET
    for _ in range(5000):
        deep = [deep]
    assert text_of({"input": deep}, most=MANY) == f"input: {SECRET}"
