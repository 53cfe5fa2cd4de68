# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from freehold.api.doors import DOORS, dialect_of
from freehold.contract.call import Dialect

CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        (CHAT, Dialect.OPENAI),
        ("/v1/completions", Dialect.OPENAI),
        ("/v1/responses", Dialect.RESPONSES),
        ("/v1/messages", Dialect.ANTHROPIC),
        ("/v1/messages/count_tokens", Dialect.ANTHROPIC),
        ("/v1/fim/completions", Dialect.MISTRAL),
        ("/v1/models", Dialect.OPENAI),
        ("/nowhere", Dialect.OPENAI),
    ],
)
def test_a_path_says_which_dialect_its_caller_speaks(path: str, dialect: Dialect) -> None:
    assert dialect_of(path, {}) is dialect


def test_the_shared_path_is_mistrals_for_mistrals_client() -> None:
    assert dialect_of(CHAT, {"user-agent": "speakeasy-sdk/python 3.7.0 mistralai"}) is Dialect.MISTRAL
    assert dialect_of("/v1/models", {"user-agent": "mistral-client-python"}) is Dialect.MISTRAL


@pytest.mark.parametrize(
    "field",
    [
        {"random_seed": 1},
        {"safe_prompt": True},
        {"prompt_mode": "reasoning"},
        {"tool_choice": "any"},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "prefix": True}]},
    ],
)
def test_the_shared_path_is_mistrals_for_fields_that_only_mistral_has(field: dict[str, object]) -> None:
    assert dialect_of(CHAT, {}, json.dumps({"model": "m", **field}).encode()) is Dialect.MISTRAL


def test_a_prompt_that_quotes_such_a_field_changes_nothing() -> None:
    body = json.dumps({"messages": [{"role": "user", "content": 'What is "random_seed"? And "prefix": true?'}]})
    assert dialect_of(CHAT, {}, body.encode()) is Dialect.OPENAI


@pytest.mark.parametrize("word", ["random_seed", "safe_prompt", "prompt_mode", "output_dtype"])
def test_a_tool_with_such_an_argument_and_a_text_that_is_such_a_word_change_nothing(word: str) -> None:
    schema = {"type": "object", "properties": {word: {"type": "integer"}, "prefix": True}, "required": [word]}
    tool = {"type": "function", "function": {"name": "train", "parameters": schema}}
    body = json.dumps({"messages": [{"role": "user", "content": word}], "tools": [tool]})
    assert dialect_of(CHAT, {}, body.encode()) is Dialect.OPENAI


@pytest.mark.parametrize("body", [b'{"random_seed"', b'["random_seed"]', b'{"messages":[1],"a":{"random_seed":1}}'])
def test_what_cannot_be_read_says_nothing(body: bytes) -> None:
    assert dialect_of(CHAT, {}, body) is Dialect.OPENAI


def test_model_lists_are_anthropics_for_those_who_send_its_version() -> None:
    headers = {"anthropic-version": "2023-06-01"}
    assert dialect_of("/v1/models", headers) is Dialect.ANTHROPIC
    assert dialect_of("/v1/models/x", headers) is Dialect.ANTHROPIC
    assert dialect_of("/nowhere", headers) is Dialect.ANTHROPIC


def test_vectors_are_mistrals_for_mistrals_client_and_for_a_field_of_its_own() -> None:
    assert dialect_of(EMBEDDINGS, {}, b'{"input":"a","output_dimension":2}') is Dialect.MISTRAL
    assert dialect_of(EMBEDDINGS, {"user-agent": "mistral-client-python/2"}) is Dialect.MISTRAL
    assert dialect_of(EMBEDDINGS, {}, b'{"input":"a","dimensions":2}') is Dialect.OPENAI


def test_a_calls_own_path_beats_every_header() -> None:
    for path, door in DOORS.items():
        if path not in (CHAT, EMBEDDINGS):
            assert dialect_of(path, {"user-agent": "mistralai", "anthropic-version": "1"}) is door.dialect
