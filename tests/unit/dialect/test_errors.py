# SPDX-License-Identifier: Apache-2.0
"""Every problem in every dialect: a status, the vendor's words, the request's id, the exception of the vendor's SDK."""

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import msgspec
import openai
import pytest

from freehold import errors
from freehold.contract.call import Dialect
from freehold.dialect import codecs
from freehold.dialect.sse import Splitter
from freehold.errors import FreeholdError

PROBLEMS: list[tuple[FreeholdError, int]] = [
    (errors.PolicyDenied("no target may see this call", decision_id="dec_1"), 403),
    (errors.InvalidRequest("n must be 1", param="n"), 400),
    (errors.ContextExceeded(prompt_tokens=5010, context_tokens=2048), 400),
    (errors.Unsupported("tools: none", param="tools"), 400),
    (errors.InvalidKey(), 401),
    (errors.UnknownService("no service answers to 'x'"), 404),
    (errors.UnknownEndpoint("there is no endpoint"), 404),
    (errors.MethodNotAllowed("POST only"), 405),
    (errors.TooLarge("too large"), 413),
    (errors.RateLimited("slow down", retry_after_s=1), 429),
    (errors.EngineUnavailable("starting"), 503),
    (errors.EngineBusy("busy"), 503),
    (errors.EngineBroke("broke"), 502),
    (errors.NoTarget("none"), 503),
    (errors.LedgerUnavailable("no ledger"), 503),
    (errors.LedgerFull("full"), 503),
    (FreeholdError("an internal error"), 500),
]
CASES = [(dialect, problem, status) for dialect in Dialect for problem, status in PROBLEMS]


def inner(dialect: Dialect, document: dict[str, Any]) -> dict[str, Any]:
    """The object that says what is wrong."""
    error: dict[str, Any] = document if dialect is Dialect.MISTRAL else document["error"]
    return error


def concrete(kind: type[FreeholdError]) -> Iterator[type[FreeholdError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from concrete(below)


@pytest.mark.parametrize(("dialect", "problem", "status"), CASES)
def test_problem_has_its_status_and_says_what_and_where(dialect: Dialect, problem: FreeholdError, status: int) -> None:
    told, body = codecs[dialect].error(problem, "call_7")
    error = inner(dialect, msgspec.json.decode(body))
    assert told == status
    assert error["request_id"] == "call_7"
    assert error["type"]
    assert error["code"]
    assert error.get("param") == getattr(problem, "param", None) or isinstance(problem, errors.ContextExceeded)
    assert error.get("hint", "") == problem.advice


@pytest.mark.parametrize("dialect", Dialect)
def test_every_class_of_problem_has_an_answer(dialect: Dialect) -> None:
    for kind in concrete(FreeholdError):
        problem = kind.__new__(kind)
        FreeholdError.__init__(problem, "x")
        problem.__dict__.update(param=None, prompt_tokens=1, context_tokens=1, decision_id="d")
        status, _ = codecs[dialect].error(problem, "call_7")
        assert 400 <= status < 600


@pytest.mark.parametrize("dialect", Dialect)
def test_refusal_names_its_decision(dialect: Dialect) -> None:
    status, body = codecs[dialect].error(PROBLEMS[0][0], "call_7")
    error = inner(dialect, msgspec.json.decode(body))
    assert (status, error["code"], error["decision_id"]) == (403, "policy_denied", "dec_1")


@pytest.mark.parametrize(
    ("dialect", "code"),
    [
        (Dialect.OPENAI, "context_length_exceeded"),
        (Dialect.RESPONSES, "context_length_exceeded"),
        (Dialect.ANTHROPIC, "context_length_exceeded"),
        (Dialect.MISTRAL, "3051"),
    ],
)
def test_prompt_that_is_too_long_is_told_with_both_numbers(dialect: Dialect, code: str) -> None:
    status, body = codecs[dialect].error(errors.ContextExceeded(prompt_tokens=5010, context_tokens=2048), "call_7")
    error = inner(dialect, msgspec.json.decode(body))
    assert (status, error["code"], error["type"]) == (400, code, "invalid_request_error")
    assert "5010 tokens" in error["message"]
    assert "2048" in error["message"]


@pytest.mark.parametrize("dialect", Dialect)
def test_numbers_that_nobody_said_are_not_made_up(dialect: Dialect) -> None:
    _, body = codecs[dialect].error(errors.ContextExceeded(prompt_tokens=0, context_tokens=0), "call_7")
    message = inner(dialect, msgspec.json.decode(body))["message"]
    assert message.startswith("prompt is too long")  # which clients look for
    assert "0" not in message


def test_anthropics_wording_is_what_its_clients_look_for() -> None:
    _, body = codecs[Dialect.ANTHROPIC].error(errors.ContextExceeded(prompt_tokens=9, context_tokens=8), "call_7")
    assert msgspec.json.decode(body)["error"]["message"] == "prompt is too long: 9 tokens > 8 maximum"


@pytest.mark.parametrize("dialect", Dialect)
def test_event_that_ends_a_stream_says_the_same(dialect: Dialect) -> None:
    problem = errors.EngineBroke("broke")
    (event,) = Splitter().feed(codecs[dialect].error_event(problem, "call_7"))
    error = msgspec.json.decode(event.data)["error"]
    assert (error["message"], error["code"], error["request_id"]) == ("broke", "engine_failed", "call_7")
    assert event.name == ("error" if dialect in (Dialect.RESPONSES, Dialect.ANTHROPIC) else "")


@pytest.mark.parametrize(
    ("problem", "raised"),
    [
        (errors.InvalidKey(), openai.AuthenticationError),
        (PROBLEMS[0][0], openai.PermissionDeniedError),
        (errors.UnknownService("x"), openai.NotFoundError),
        (errors.RateLimited("x", retry_after_s=1), openai.RateLimitError),
        (errors.NoTarget("x"), openai.InternalServerError),
    ],
)
def test_openais_sdk_raises_its_own(problem: FreeholdError, raised: type[openai.APIStatusError]) -> None:
    status, body = codecs[Dialect.OPENAI].error(problem, "call_7")
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body))
    client = openai.OpenAI(
        base_url="http://gateway/v1", api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0
    )
    with pytest.raises(raised, match=problem.message) as caught:
        client.models.list()
    assert caught.value.code


@pytest.mark.parametrize(
    ("problem", "raised"),
    [
        (errors.InvalidKey(), anthropic.AuthenticationError),
        (PROBLEMS[0][0], anthropic.PermissionDeniedError),
        (errors.UnknownService("x"), anthropic.NotFoundError),
        (errors.RateLimited("x", retry_after_s=1), anthropic.RateLimitError),
        (errors.NoTarget("x"), anthropic.InternalServerError),
    ],
)
def test_anthropics_sdk_raises_its_own(problem: FreeholdError, raised: type[anthropic.APIStatusError]) -> None:
    status, body = codecs[Dialect.ANTHROPIC].error(problem, "call_7")
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body))
    client = anthropic.Anthropic(
        base_url="http://gateway", api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0
    )
    with pytest.raises(raised, match=problem.message):
        client.models.list()
