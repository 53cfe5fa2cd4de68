# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from msgspec import structs
from tests.provider_builder import TARGET, endpoint, upstream

from freehold.contract.call import Dialect
from freehold.contract.endpoint import Endpoint, Prefill
from freehold.dialect.interface import Wire
from freehold.provider.asking import backend_at, headers_of, path_of

OPENAI = (Dialect.OPENAI, Dialect.RESPONSES)


def azure(base_url: str, api_version: str = "") -> Endpoint:
    return endpoint(base_url, dialects=OPENAI, provider="azure-openai", api_version=api_version)


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        (Wire.CHAT, "/chat/completions"),
        (Wire.COMPLETIONS, "/completions"),
        (Wire.RESPONSES, "/responses"),
        (Wire.MESSAGES, "/messages"),
        (Wire.COUNT_TOKENS, "/messages/count_tokens"),
        (Wire.MISTRAL_CHAT, "/chat/completions"),
        (Wire.FIM, "/fim/completions"),
    ],
)
def test_a_wire_lies_below_a_base_url_with_its_version(wire: Wire, path: str) -> None:
    assert path_of(endpoint("https://llm.example.fr/v1"), wire, "m") == path


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        (Wire.MESSAGES, "/v1/messages"),
        (Wire.MISTRAL_CHAT, "/v1/chat/completions"),
        (Wire.CHAT, "/chat/completions"),
    ],
)
def test_a_version_is_added_where_vendors_publish_their_base_url_without_one(wire: Wire, path: str) -> None:
    assert path_of(endpoint("https://llm.example.fr"), wire, "m") == path


@pytest.mark.parametrize(
    ("base_url", "api_version", "wire", "path"),
    [
        ("https://r.openai.azure.com/openai/v1", "", Wire.CHAT, "/chat/completions"),
        ("https://r.openai.azure.com/openai/v1", "preview", Wire.RESPONSES, "/responses?api-version=preview"),
        ("https://r.openai.azure.com", "", Wire.CHAT, "/openai/v1/chat/completions"),
        (
            "https://r.openai.azure.com",
            "2024-10-21",
            Wire.CHAT,
            "/openai/deployments/my%2Fmodel/chat/completions?api-version=2024-10-21",
        ),
        (
            "https://r.openai.azure.com/openai",
            "2024-10-21",
            Wire.COMPLETIONS,
            "/deployments/my%2Fmodel/completions?api-version=2024-10-21",
        ),
        ("https://r.openai.azure.com", "2025-03-01", Wire.RESPONSES, "/openai/responses?api-version=2025-03-01"),
    ],
)
def test_azure_is_asked_below_its_own_paths(base_url: str, api_version: str, wire: Wire, path: str) -> None:
    assert path_of(azure(base_url, api_version), wire, "my/model") == path


def test_each_api_gets_the_key_in_its_own_header() -> None:
    found = {
        name: headers_of(at, upstream(wire), "k")
        for name, at, wire in (
            ("openai", endpoint("https://a.example/v1"), Wire.CHAT),
            ("mistral", endpoint("https://a.example/v1"), Wire.FIM),
            ("anthropic", endpoint("https://a.example/v1"), Wire.MESSAGES),
            ("azure", azure("https://r.openai.azure.com"), Wire.CHAT),
        )
    }
    usual = {"Content-Type": "application/json", "Accept": "application/json"}
    assert found == {
        "openai": usual | {"Authorization": "Bearer k"},
        "mistral": usual | {"Authorization": "Bearer k"},
        "anthropic": usual | {"anthropic-version": "2023-06-01", "x-api-key": "k"},
        "azure": usual | {"api-key": "k"},
    }


def test_without_a_key_none_is_sent() -> None:
    assert headers_of(endpoint("https://a.example/v1"), upstream(stream=True), "") == {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
    }


def test_the_preferred_wire_is_that_of_the_first_dialect() -> None:
    both = backend_at(endpoint("https://a.example/v1", dialects=(Dialect.RESPONSES, Dialect.OPENAI)), TARGET)
    assert both.foreign is not None
    assert both.foreign.preferred is Wire.RESPONSES
    assert both.wires == {Wire.RESPONSES, Wire.CHAT, Wire.COMPLETIONS, Wire.EMBEDDINGS}


def test_a_backend_has_what_the_settings_say_of_it() -> None:
    at = endpoint("https://a.example/v1", dialects=(Dialect.MISTRAL,), prefill=Prefill.PREFIX)
    found = backend_at(at, replace(TARGET, reasoning=False, answer_tokens=7))
    assert found.foreign is not None
    assert (found.model, found.fim, found.context_tokens) == ("m-1", True, 0)
    assert (found.foreign.prefill, found.foreign.reasoning, found.foreign.answer_tokens) == (Prefill.PREFIX, False, 7)


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (endpoint("https://a.example/v1"), "max_tokens"),
        (endpoint("https://eu.api.openai.com/v1"), "max_completion_tokens"),
        (azure("https://r.openai.azure.com"), "max_completion_tokens"),
    ],
)
def test_openai_itself_has_another_name_for_the_bound_on_an_answer(at: Endpoint, name: str) -> None:
    found = backend_at(at, TARGET)
    assert found.foreign is not None
    assert found.foreign.max_tokens_name == name


def test_the_features_that_a_callers_fields_need_are_named_to_anthropic_alone() -> None:
    asked = upstream(Wire.MESSAGES)
    needing = structs.replace(asked, betas="context-management-2025-06-27")
    elsewhere = structs.replace(needing, wire=Wire.CHAT)
    assert headers_of(endpoint("https://a.example"), needing, "")["anthropic-beta"] == "context-management-2025-06-27"
    assert "anthropic-beta" not in headers_of(endpoint("https://a.example"), asked, "")
    assert "anthropic-beta" not in headers_of(endpoint("https://a.example"), elsewhere, "")
