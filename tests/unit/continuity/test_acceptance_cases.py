# SPDX-License-Identifier: Apache-2.0
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.continuity.acceptance import Answer, Case, CaseFile, NotRun, Verdict, read_cases
from freehold.continuity.acceptance.checks import Contains, FollowsSchema, HasLength
from freehold.continuity.acceptance.interface import NotAccepted
from freehold.errors import SettingsError

TEXT = """
temperature: 0.5
cases:
  - id: capital
    system: Answer with the name alone.
    prompt: What is the capital of France?
    max_tokens: 16
    checks:
      - contains: [Paris, "1"]
      - length: {max_words: 3}
  - id: order
    messages:
      - {role: user, content: I want to order.}
      - {role: assistant, content: What?}
      - {role: user, content: NO}
    tools:
      - name: order
        description: Orders a thing.
        parameters:
          type: object
          properties: {count: {type: integer, minimum: 1}, gift: {const: true}, note: {enum: ["7", null]}}
    checks:
      - json_schema: {type: object, required: [count], properties: {count: {maximum: 1.5}}}
      - tool_called: {name: order, arguments: {count: 2}}
"""


def test_cases_are_read_with_all_that_they_say() -> None:
    capital, order = read_cases(TEXT, "a.yaml").cases
    assert [message.role for message in capital.messages] == ["system", "user"]
    assert (capital.max_tokens, capital.temperature) == (16, 0.5)
    assert capital.checks == (Contains(text="Paris"), Contains(text="1"), HasLength(max_words=3))
    assert [message.content for message in order.messages] == ["I want to order.", "What?", "NO"]
    assert order.max_tokens == 512


def test_bare_words_are_json_in_schemas_and_text_elsewhere() -> None:
    _, order = read_cases(TEXT, "a.yaml").cases
    properties = order.tools[0].parameters["properties"]
    assert properties == {
        "count": {"type": "integer", "minimum": 1},
        "gift": {"const": True},
        "note": {"enum": ["7", None]},
    }
    schema = order.checks[0]
    assert isinstance(schema, FollowsSchema)
    assert schema.schema["properties"] == {"count": {"maximum": 1.5}}


def test_the_digest_follows_what_the_cases_say_and_not_how_they_are_written() -> None:
    plain = read_cases(TEXT, "a.yaml").digest
    assert (
        read_cases("# a comment\n" + TEXT.replace("    max_tokens: 16", "    max_tokens:   16"), "b.yaml").digest
        == plain
    )
    assert read_cases(TEXT.replace("Paris", "Lyon"), "a.yaml").digest != plain
    assert read_cases(TEXT.replace('"7"', "7"), "a.yaml").digest != plain


async def test_a_run_tells_each_verdict_and_counts_what_a_target_cannot_do_as_failed() -> None:
    suite: CaseFile = read_cases(TEXT, "a.yaml")
    told: list[tuple[str, int]] = []

    async def ask(case: Case) -> Answer:
        if case.id == "order":
            raise NotAccepted("the model has no tools")
        return Answer(text="Paris 1")

    def tell(verdict: Verdict, number: int) -> None:
        told.append((verdict.case, number))

    results = await suite.run(ask, tell)
    assert (results.passed, results.total) == (1, 2)
    assert results.verdicts[1].problems == ("the model has no tools",)
    assert told == [("capital", 1), ("order", 2)]


async def test_a_target_that_cannot_be_asked_is_not_judged() -> None:
    async def ask(case: Case) -> Answer:
        raise NotRun("forbidden")

    with pytest.raises(NotRun):
        await read_cases(TEXT, "a.yaml").run(ask, lambda *_: None)


@given(st.text(max_size=200))
def test_no_text_gets_anything_but_cases_or_a_settings_error(text: str) -> None:
    _read_or_refused(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON)
def test_no_schema_and_no_check_gets_past_the_reader_by_its_shape(value: object) -> None:
    for kind in ("json_schema", "tool_called", "length", "matches", "refusal", "language", "contains"):
        text = json.dumps({"cases": [{"id": "a", "prompt": "b", "checks": [{kind: value}]}]})
        _read_or_refused(text)


def _read_or_refused(text: str) -> None:
    """Whatever else is raised fails the test."""
    with suppress(SettingsError):
        read_cases(text, "a.yaml")
