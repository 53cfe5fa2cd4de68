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


@pytest.mark.parametrize("field", [{"random_seed": 1}, {"safe_prompt": True}, {"prompt_mode": "reasoning"}])
def test_the_shared_path_is_mistrals_for_fields_that_only_mistral_has(field: dict[str, object]) -> None:
    assert dialect_of(CHAT, {}, json.dumps({"model": "m", **field}).encode()) is Dialect.MISTRAL


def test_a_prompt_that_quotes_such_a_field_changes_nothing() -> None:
    body = json.dumps({"messages": [{"role": "user", "content": 'What is "random_seed"? And "prefix": true?'}]})
    assert dialect_of(CHAT, {}, body.encode()) is Dialect.OPENAI


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
