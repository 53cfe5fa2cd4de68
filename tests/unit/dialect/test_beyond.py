# SPDX-License-Identifier: Apache-2.0
"""What has no place at every target: it is named where it stands, and reading twice is reading once."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.dialect.conftest import hub_of

from freehold.contract.call import Dialect
from freehold.dialect.beyond import Beyond, note_beyond
from freehold.dialect.fields import Fields, extra_name

URL = "data:image/png;base64,iVBO"
ANY = st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.text(max_size=3), st.just({"a": 1}), st.just([1]))
OBJECT = st.sampled_from([None, {}, {"a": 1}])
ASIDES = st.fixed_dictionaries(
    {},
    optional={
        "metadata": OBJECT,
        "reasoning": OBJECT,
        "user": st.sampled_from([None, "", "u"]),
        **dict.fromkeys(("audio", "image", "novelty", "prediction", "speed", "guardrails", "cache_control"), ANY),
    },
)
WORDS = st.text(max_size=8)
KINDS: dict[Dialect, list[dict[str, Any]]] = {
    Dialect.OPENAI: [{"type": "image_url", "image_url": {"url": URL}}, {"type": "input_audio"}, {"type": "file"}],
    Dialect.MISTRAL: [{"type": "image_url", "image_url": URL}, {"type": "document_url", "document_url": "x"}],
    Dialect.ANTHROPIC: [
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}},
        {"type": "image"},
        {"type": "document", "source": {}},
        {"type": "thinking", "thinking": "hm", "signature": "s"},
    ],
    Dialect.RESPONSES: [{"type": "input_image", "image_url": URL}, {"type": "input_image"}, {"type": "input_file"}],
}
TEXT_KINDS = {Dialect.RESPONSES: "input_text"}


@st.composite
def requests(draw: st.DrawFn, dialect: Dialect) -> dict[str, Any]:
    """Well-formed requests with text, and with what not every target has a place for."""
    words = WORDS.map(lambda text: {"type": TEXT_KINDS.get(dialect, "text"), "text": text})
    parts = st.lists(st.one_of(words, st.sampled_from(KINDS[dialect])), min_size=1, max_size=4)
    said = st.fixed_dictionaries({"role": st.just("assistant"), "content": WORDS})
    asked = st.fixed_dictionaries({"role": st.just("user"), "content": st.one_of(WORDS, parts)})
    turns = [*draw(st.lists(st.one_of(asked, said), max_size=4)), draw(asked)]
    body = draw(ASIDES) | {"model": "m", "input" if dialect is Dialect.RESPONSES else "messages": turns}
    return body | ({"max_tokens": 9} if dialect is Dialect.ANTHROPIC else {})


def at(body: object, path: str) -> object:
    """What stands at a path. Raises KeyError, IndexError where there is nothing."""
    for step in re.findall(r"[^.\[\]]+", path):
        body = body[int(step)] if isinstance(body, list) else body[step]  # type: ignore[index]  # or it raises
    return body


@pytest.mark.parametrize("dialect", Dialect)
@given(data=st.data())
def test_every_extra_stands_where_it_says(dialect: Dialect, data: st.DataObject) -> None:
    body = data.draw(requests(dialect))
    for extra in hub_of(dialect, body).extras:
        assert at(body, extra.param) is not None
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", extra.name)


@pytest.mark.parametrize("dialect", Dialect)
@given(data=st.data())
def test_reading_changes_nothing_and_is_the_same_each_time(dialect: Dialect, data: st.DataObject) -> None:
    body = data.draw(requests(dialect))
    before = msgspec.json.encode(body)
    first, second = hub_of(dialect, body), hub_of(dialect, body)
    assert (first.body, first.extras, first.tools, first.called) == (
        second.body,
        second.extras,
        second.tools,
        second.called,
    )
    assert msgspec.json.encode(first.fields) == before


@pytest.mark.parametrize("dialect", Dialect)
@given(data=st.data())
def test_hub_is_a_request_of_the_dialect_that_it_is_made_after(dialect: Dialect, data: st.DataObject) -> None:
    hub = hub_of(dialect, data.draw(requests(dialect)))
    again = hub_of(Dialect.OPENAI, {"model": "m", **hub.body})
    assert again.body == hub.body


@pytest.mark.parametrize("dialect", Dialect)
@given(data=st.data())
def test_what_is_noted_as_carried_is_in_the_hub(dialect: Dialect, data: st.DataObject) -> None:
    hub = hub_of(dialect, data.draw(requests(dialect)))
    parts = [part for message in hub.body["messages"] for part in message["content"] if isinstance(part, dict)]
    images = sum(part["type"] == "image_url" for part in parts)
    names = [extra.name for extra in hub.extras]
    assert names.count("image") == images
    for name in ("reasoning_effort", "verbosity", "user"):
        assert (name in names) == (name in hub.body)


@pytest.mark.parametrize("name", ["image", "reasoning", "reasoning_effort", "verbosity", "user"])
def test_hubs_own_names_are_kept_for_the_hub(name: str) -> None:
    assert extra_name(name) == f"other_{name}"


@given(word=st.text(max_size=70))
def test_name_of_an_extra_may_stand_in_a_header(word: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,70}", extra_name(word))


@pytest.mark.parametrize(
    ("value", "beyond", "noted"),
    [
        (None, Beyond(even_empty=True), False),
        (False, Beyond(), False),
        ([], Beyond(), False),
        ({}, Beyond(even_empty=True), True),
        ("disabled", Beyond(idle=("disabled",)), False),
        ("auto", Beyond(idle=("disabled",)), True),
    ],
)
def test_value_that_asks_for_nothing_is_not_noted(value: object, beyond: Beyond, noted: bool) -> None:
    fields = Fields({"x": value})
    note_beyond(fields, (), {"x": beyond})
    assert bool(fields.extras) is noted
