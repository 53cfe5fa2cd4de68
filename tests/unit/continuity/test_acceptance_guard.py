# SPDX-License-Identifier: Apache-2.0
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.continuity.acceptance import read_cases, require_telling
from freehold.continuity.acceptance.guard import least_passed
from freehold.continuity.acceptance.sample import text_for, value_for
from freehold.continuity.acceptance.schema import Expression, Schema
from freehold.errors import SettingsError


def guard(*checks: str, share: float = 1.0, tools: str = "[]") -> None:
    """Cases by their checks, in YAML's flow style."""
    known = f"tools: {tools}, " if tools != "[]" else ""
    lines = (f"  - {{id: c{number}, prompt: x, {known}checks: [{each}]}}\n" for number, each in enumerate(checks))
    require_telling(read_cases("cases:\n" + "".join(lines), "a.yaml"), name="a.yaml", min_share=share)


WEATHER = "[{name: weather, parameters: {type: object}}]"


@pytest.mark.parametrize(
    "checks",
    [
        ("not_contains: a", "length: {max_words: 9}", "refusal: false"),
        ("contains: Paris", "contains: Berlin"),
        ("contains: Paris", "{contains: Berlin}, {length: {max_words: 1}}"),
        ("matches: '.*'",),
        ("matches: '^[A-Z]{2}-(x|y)[0-9]+$'", "matches: '-x'"),
        ("refusal: true", "refusal: true"),
        ("language: fr", "{language: fr}, {length: {min_words: 5}}"),
        ("length: {min_words: 500}", "length: {min_characters: 2000}"),
        ("json_schema: {}",),
        ("json_schema: {required: [a], properties: {a: {enum: [7]}}}", "json_schema: {required: [b], type: object}"),
        ("json_schema: {type: array, minItems: 2, items: {type: string, pattern: '^x+$'}}",),
        ("{refusal: true}, {contains: policy}", "{contains: help}"),
    ],
)
def test_cases_that_one_answer_passes_are_refused(checks: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match=r"^a\.yaml: (the one|an empty) .* passes"):
        guard(*checks)


@pytest.mark.parametrize(
    "checks",
    [
        ("{contains: Paris}, {not_contains: Berlin}", "{contains: Berlin}, {not_contains: Paris}"),
        ("refusal: true", "refusal: false"),
        ("language: fr", "language: de"),
        (r"matches: '^\d+$'", "matches: '^[a-z]+$'"),
        ("json_schema: {type: object}", "json_schema: {type: array}"),
    ],
)
def test_cases_that_no_one_answer_passes_are_taken(checks: tuple[str, ...]) -> None:
    guard(*checks)


def test_the_same_call_to_everything_is_refused_and_different_calls_are_taken() -> None:
    def called(city: str) -> str:
        return f"tool_called: {{name: weather, arguments: {{city: {city}}}}}"

    with pytest.raises(SettingsError, match="the one tool call made for c0 passes 2 of 2 cases"):
        guard(called("Paris"), "tool_called: weather", tools=WEATHER)
    guard(called("Paris"), called("Berlin"), tools=WEATHER)


def test_what_is_enough_decides() -> None:
    checks = ("{contains: Paris}, {not_contains: Berlin}", "{contains: Berlin}, {not_contains: Paris}")
    with pytest.raises(SettingsError, match=re.escape("passes 1 of 2 cases (c0), and 1 are enough")):
        guard(*checks, share=0.5)
    guard(*checks, share=0.51)


@pytest.mark.parametrize(
    ("total", "share", "least"), [(10, 0.9, 9), (10, 0.91, 10), (3, 1.0, 3), (3, 0.001, 1), (30, 0.1, 3)]
)
def test_a_share_of_the_cases_is_a_whole_number_of_them(total: int, share: float, least: int) -> None:
    assert least_passed(total, share) == least


def test_the_most_cases_that_a_file_may_have_are_judged() -> None:
    guard(*(f"{{contains: w{number}w}}, {{length: {{max_characters: 8}}}}" for number in range(200)), share=0.5)


@given(st.from_regex(r"(\\d|[a-z]|\[a-f\]|\(ab\|c\)|\.){1,4}[+*?]?(\{2\})?", fullmatch=True))
def test_a_text_made_for_a_simple_pattern_matches_it(pattern: str) -> None:
    try:
        expression = Expression(f"^(?:{pattern})$")
    except Exception:  # noqa: BLE001 - the strategy makes some that are none
        return
    assert expression.found_in(text_for(f"^(?:{pattern})$"))


@given(st.text(max_size=60))
def test_a_text_is_made_for_whatever_is_called_a_pattern(pattern: str) -> None:
    assert len(text_for(pattern)) <= 20_000 * max(1, len(pattern))


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"$ref": "#/$defs/n"}},
            "$defs": {"n": {"minimum": 3}},
        },
        {"anyOf": [{"type": "integer", "exclusiveMinimum": 4}, {"type": "null"}]},
        {"allOf": [{"type": "object", "required": ["b"]}, {"properties": {"b": {"const": [1]}}}]},
        {"type": ["string", "null"], "minLength": 4},
        {"type": "array", "minItems": 1, "items": {"type": "boolean"}},
    ],
)
def test_a_value_made_for_a_schema_keeps_to_it(schema: dict[str, object]) -> None:
    value = value_for(schema)
    assert Schema(schema).problem(3 if value == "" and "$defs" in schema else value) == ""


def test_a_schema_that_goes_on_for_ever_has_an_end() -> None:
    endless: dict[str, object] = {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}
    assert isinstance(value_for(endless), dict)
