# SPDX-License-Identifier: Apache-2.0
"""Lines of the log: one for each record, without secrets, and without what an exception quotes."""

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.errors import EngineBroke, FreeholdError
from freehold.signals.logs import JsonLines, TextLines

CONTENT = "what a caller wrote"
FORMATS = [TextLines(), JsonLines("gateway")]


def record(message: str, *args: object, name: str = "freehold.api", **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.INFO, "file.py", 1, message, args, None)
    made.__dict__ |= extra
    return made


def bug(problem: BaseException) -> logging.LogRecord:
    made = record("bug in %s", "call_1")
    with pytest.raises(type(problem)):
        raise problem
    made.exc_info = type(problem), problem, problem.__traceback__
    return made


def test_a_line_of_json_has_the_ids_of_its_call() -> None:
    told = json.loads(JsonLines("gateway").format(record("call", fields={"request_id": "call_1", "took_s": 0.5})))
    assert (told["request_id"], told["took_s"], told["message"]) == ("call_1", 0.5, "call")
    assert (told["process"], told["level"], told["logger"]) == ("gateway", "info", "freehold.api")
    assert told["time"].endswith("Z")


def test_fields_never_take_the_place_of_what_every_line_has() -> None:
    told = json.loads(JsonLines("gateway").format(record("call", fields={"message": "another", "time": "never"})))
    assert told["message"] == "call"
    assert told["time"] != "never"


def test_a_line_of_text_ends_with_its_fields() -> None:
    assert TextLines().format(record("call", fields={"request_id": "call_1"})).endswith("call request_id=call_1")


@pytest.mark.parametrize("lines", FORMATS)
def test_of_an_exception_the_kind_and_the_place_are_told_and_not_what_it_says(lines: logging.Formatter) -> None:
    told = lines.format(bug(ValueError(CONTENT)))
    assert CONTENT not in told
    assert "builtins.ValueError" in told
    assert "test_logs.py" in told


@pytest.mark.parametrize("lines", FORMATS)
def test_what_led_to_it_is_told_in_the_same_way(lines: logging.Formatter) -> None:
    outer = RuntimeError(CONTENT)
    outer.__cause__ = KeyError(CONTENT)
    told = lines.format(bug(outer))
    assert CONTENT not in told
    assert "KeyError" in told


def test_our_own_errors_say_what_they_say() -> None:
    assert "the engine is gone" in TextLines().format(bug(EngineBroke("the engine is gone")))


@pytest.mark.parametrize("lines", FORMATS)
def test_asyncio_does_not_show_what_was_at_work(lines: logging.Formatter) -> None:
    for message in (
        f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{CONTENT}')>",
        f"Exception in callback Reader.feed('{CONTENT}')\nhandle: <Handle {CONTENT}>",
    ):
        assert CONTENT not in lines.format(record(message, name="asyncio"))


@pytest.mark.parametrize(
    "secret",
    [
        "fh_abcdefghijklmnopqrstuvwxyz",
        "fho_AbC-123_xyz0",
        "sk-proj-abcdef123456",
        "Authorization: Bearer eyJhbGciOi.x.y",
        "basic dXNlcjpwYXNz",
    ],
)
@pytest.mark.parametrize("lines", FORMATS)
def test_no_secret_gets_through(lines: logging.Formatter, secret: str) -> None:
    value = secret.rpartition(" ")[2]
    assert value not in lines.format(record("the caller sent %s", secret))
    assert value not in lines.format(record("call", fields={"odd": secret}))
    assert value not in lines.format(bug(FreeholdError(f"with {secret}")))


def test_ids_are_no_secrets() -> None:
    told = TextLines().format(record("key_0123456789ab of call_0123 and dec_0123 and op_0123456789ab"))
    assert "[secret]" not in told


@given(st.text(max_size=60))
def test_a_record_is_one_line_whatever_is_in_it(text: str) -> None:
    for lines in FORMATS:
        assert len(lines.format(record("%s", text, fields={"odd": text})).splitlines()) == 1


@given(st.text(max_size=60))
def test_json_stays_json(text: str) -> None:
    json.loads(JsonLines("gateway").format(record("%s", text, fields={"odd": text, "object": object()})))
