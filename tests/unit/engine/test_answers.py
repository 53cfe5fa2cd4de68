# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.dialect.interface import Event, Wire
from freehold.engine.answers import closes, problem
from freehold.errors import ContextExceeded, EngineBroke, EngineUnavailable, FreeholdError, InvalidRequest, Unsupported


def event(data: bytes, name: str = "") -> Event:
    return Event(b"", name, data)


def body(kind: str, **more: int) -> bytes:
    numbers = "".join(f',"{name}":{value}' for name, value in more.items())
    return f'{{"error":{{"code":1,"message":"a secret at /srv/vault","type":"{kind}"{numbers}}}}}'.encode()


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, "invalid_request_error", InvalidRequest),
        (501, "not_supported_error", Unsupported),
        (503, "unavailable_error", EngineUnavailable),
        (500, "server_error", EngineBroke),
        (404, "not_found_error", EngineBroke),
    ],
)
def test_an_error_is_told_by_status_and_type_and_its_text_is_not_passed_on(
    status: int, kind: str, expected: type[FreeholdError]
) -> None:
    found = problem(status, body(kind), 256)
    assert type(found) is expected
    assert "secret" not in found.message + found.advice


def test_a_schema_that_no_grammar_can_be_made_of_is_told_as_one() -> None:
    said = "Unable to generate parser for this template. JSON schema error at #: a secret"
    found = problem(400, b'{"error":{"code":400,"message":"%b","type":"invalid_request_error"}}' % said.encode(), 256)
    assert type(found) is InvalidRequest
    assert "no grammar of a JSON schema" in found.message
    assert "secret" not in found.message + found.advice


def test_a_prompt_that_is_too_long_is_told_with_both_numbers() -> None:
    found = problem(400, body("exceed_context_size_error", n_prompt_tokens=5031, n_ctx=2048), 256)
    assert isinstance(found, ContextExceeded)
    assert (found.prompt_tokens, found.context_tokens) == (5031, 2048)


def test_a_text_that_is_too_long_for_all_slots_together_is_told_like_one_that_is_too_long_for_its_own() -> None:
    said = "input (4002 tokens) is too large to process. increase the physical batch size (current batch size: 512)"
    found = problem(500, b'{"error":{"code":500,"message":"%b","type":"server_error"}}' % said.encode(), 256)
    assert isinstance(found, ContextExceeded)
    assert (found.prompt_tokens, found.context_tokens) == (4002, 256)


@pytest.mark.parametrize("broken", [b"", b"<html>", b"[]", b'{"error":"text"}', b'{"error":{"n_ctx":"many"}}', b"\xff"])
def test_what_is_not_the_protocol_is_the_engines_fault(broken: bytes) -> None:
    assert isinstance(problem(400, broken, 256), EngineBroke)


@pytest.mark.parametrize(
    ("wire", "last"),
    [
        (Wire.CHAT, event(b"[DONE]")),
        (Wire.COMPLETIONS, event(b"[DONE]")),
        (Wire.MESSAGES, event(b'{"type":"message_stop"}', "message_stop")),
        (Wire.INFILL, event(b'{"content":"","stop":true,"tokens":[]}')),
    ],
)
def test_each_wire_has_its_own_last_event(wire: Wire, last: Event) -> None:
    assert closes(last, wire)


@pytest.mark.parametrize("wire", [Wire.CHAT, Wire.COMPLETIONS, Wire.MESSAGES, Wire.INFILL])
def test_text_that_looks_like_an_end_is_none(wire: Wire) -> None:
    assert not closes(event(rb'{"content":"[DONE] message_stop \"stop\":true","stop":false}'), wire)


@pytest.mark.parametrize("broken", [event(b'{"error":{"code":500,"message":"x"}}'), event(b"{}", "error")])
def test_an_error_in_the_middle_is_raised(broken: Event) -> None:
    with pytest.raises(EngineBroke):
        closes(broken, Wire.CHAT)


def test_a_context_that_runs_out_in_the_middle_keeps_its_numbers() -> None:
    with pytest.raises(ContextExceeded):
        closes(event(body("exceed_context_size_error", n_prompt_tokens=9, n_ctx=8)), Wire.CHAT)
