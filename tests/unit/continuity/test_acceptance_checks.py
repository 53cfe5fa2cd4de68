# SPDX-License-Identifier: Apache-2.0
import socket
from contextlib import suppress

import pytest

from freehold.continuity.acceptance import Answer, ToolCall
from freehold.continuity.acceptance.checks import (
    CallsNoTool,
    CallsTool,
    Contains,
    FollowsSchema,
    HasLength,
    IsIn,
    Matches,
    NotContains,
    Refuses,
    same,
)
from freehold.continuity.acceptance.interface import Case, Check, Message
from freehold.continuity.acceptance.judge import judge
from freehold.continuity.acceptance.schema import Expression, Schema, Unusable

REFUSED = "I\u2019m sorry, but I can\u2019t help with that."


def matches(pattern: str) -> Matches:
    return Matches(pattern=pattern, expression=Expression(pattern))


def follows(schema: dict[str, object]) -> FollowsSchema:
    return FollowsSchema(schema=schema, validator=Schema(schema))


OBJECT: dict[str, object] = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (Contains(text="caf\u00e9"), "un cafe\u0301 noir"),
        (NotContains(text="Berlin"), "Paris"),
        (matches(r"^\d{4}$"), "2026"),
        (matches("(?i)paris"), "PARIS"),
        (matches(r"\p{L}+"), "été"),
        (follows(OBJECT), ' {"a": 1}\n'),
        (HasLength(min_words=2, max_words=2, max_characters=9), " one two "),
        (IsIn(language="fr"), "La capitale de la France est Paris."),
        (Refuses(refuses=True), REFUSED),
        (Refuses(refuses=False), "Sorry to hear that. Here is how you do it."),
        (CallsNoTool(), "hello"),
    ],
)
def test_a_check_holds(check: Check, text: str) -> None:
    assert check.problem(Answer(text=text)) == ""


@pytest.mark.parametrize(
    ("check", "text", "said"),
    [
        (Contains(text="Paris"), "paris", "does not contain 'Paris'"),
        (NotContains(text="Berlin"), "Berlin", "contains 'Berlin'"),
        (matches(r"^\d{4}$"), "2026\n", "does not match"),
        (follows(OBJECT), "{'a': 1}", "is not JSON"),
        (follows(OBJECT), '```json\n{"a": 1}\n```', "is not JSON"),
        (follows(OBJECT), '{"a": "1"}', "a does not keep to 'type'"),
        (follows(OBJECT), "{}", "it does not keep to 'required'"),
        (follows(OBJECT), "[" * 100_000, "is not JSON"),
        (HasLength(min_characters=3), " ab ", "has 2 characters, fewer than 3"),
        (HasLength(max_words=1), "a b", "has 2 words, more than 1"),
        (IsIn(language="fr"), "The capital of France is Paris.", "is in 'en', not in 'fr'"),
        (IsIn(language="fr"), "42", "is not clearly in 'fr'"),
        (Refuses(refuses=True), "Certainly.", "does not refuse"),
        (Refuses(refuses=False), REFUSED, "refuses"),
        (CallsTool(name="weather"), "sunny", "does not call 'weather'"),
    ],
)
def test_a_check_says_what_is_wrong(check: Check, text: str, said: str) -> None:
    assert said in check.problem(Answer(text=text))


def test_a_backend_that_marks_its_answer_as_a_refusal_is_believed() -> None:
    assert Refuses(refuses=True).problem(Answer(declined=True)) == ""


def call(**arguments: object) -> Answer:
    return Answer(calls=(ToolCall(name="weather", arguments=arguments),))


def test_arguments_may_have_others_beside_them_unless_they_are_to_match_exactly() -> None:
    answer = call(city="Paris", at={"day": 1, "hour": 2}, days=7)
    subset = CallsTool(name="weather", arguments={"at": {"day": 1}, "days": 7.0})
    assert subset.problem(answer) == ""
    exact = CallsTool(name="weather", arguments={"city": "Paris"}, exact=True)
    assert exact.problem(answer) == "calls 'weather' with other arguments"
    assert exact.problem(call(city="Paris")) == ""


def test_true_is_not_1_in_arguments() -> None:
    assert CallsTool(name="weather", arguments={"days": 1}).problem(call(days=True))
    assert same([{"a": 1}], [{"a": 1.0}])
    assert not same([0], [False])


def test_arguments_that_are_no_json_are_no_call() -> None:
    answer = Answer(calls=(ToolCall(name="weather", arguments=None),))
    assert CallsTool(name="weather").problem(answer)


def test_a_call_that_nobody_asked_for_fails_a_case_that_asks_for_calls() -> None:
    case = Case(
        id="a",
        messages=(Message(role="user", content="?"),),
        checks=(CallsTool(name="weather", arguments={"city": "Paris"}),),
        max_tokens=1,
        temperature=None,
    )
    paris, berlin = (ToolCall(name="weather", arguments={"city": city}) for city in ("Paris", "Berlin"))
    assert judge(case, Answer(calls=(paris,))).passed
    assert judge(case, Answer(calls=(paris, berlin))).problems == ("calls 'weather' in a way that nobody asked for",)


@pytest.mark.parametrize("pattern", [r"^(a+)+$", r"(a|aa)*c", r"(.*)*x", r"^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_an_expression_that_would_be_catastrophic_elsewhere_is_not(pattern: str) -> None:
    assert not Expression(pattern).found_in("a" * 100_000 + "!")


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)b", "(?<!a)b", "((a{100}){100}){100}", "[z-a]"])
def test_an_expression_that_cannot_be_kept_quick_is_refused(pattern: str) -> None:
    with pytest.raises(Unusable, match="is not a regular expression"):
        Expression(pattern)


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef", "$schema", "$id"])
def test_nothing_is_fetched_for_a_schema(keyword: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        with suppress(Unusable):
            Schema({keyword: f"http://127.0.0.1:{listening.getsockname()[1]}/schema.json"}).problem(1)
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/schema", "file:///etc/hostname", "other.json"])
def test_a_schema_that_lies_elsewhere_is_refused(reference: str) -> None:
    with pytest.raises(Unusable):
        Schema({"$ref": reference})


def test_a_schema_that_refers_to_itself_is_no_trouble() -> None:
    assert Schema({"$ref": "#"}).problem({"a": [1]}) == ""
    tree: dict[str, object] = {"type": "array", "items": {"$ref": "#"}}
    assert Schema(tree).problem([[], [[1]]])
