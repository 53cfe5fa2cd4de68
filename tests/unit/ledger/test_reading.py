# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger_builder import act_bytes, admission_bytes, outcome_bytes

from freehold.contract.record import Ending
from freehold.ledger.record.entry import entry_fields, read_entry
from freehold.ledger.record.reading import parse_json, present_fields, reader_of, write_canonical

JSON = st.recursive(
    st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii")), inner),
    max_leaves=20,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    count: int
    ending: Ending
    inner: Inner
    sure: bool = False
    more: tuple[Inner, ...] | None = None


SOUND = {"count": 1, "ending": "complete", "inner": {"name": "a", "words": ["b"]}}


@given(JSON)
def test_what_was_written_canonically_is_read_as_it_was(value: object) -> None:
    assert parse_json(write_canonical(value)) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"1 2",
        b"\xff",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b"1.0",
        b"1e2",
        b"NaN",
        b"-Infinity",
        b'"\\ud800"',
        b"\xef\xbb\xbf1",
        '{"a":1}'.encode("utf-16"),
        b"[" * 100_000,
        b"9" * 5000,
        b"'a'",
        b'"\x00"',
    ],
    ids=range(17),
)
def test_json_that_could_be_read_in_two_ways_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(data)


def test_a_dataclass_is_read_by_its_annotations() -> None:
    read = reader_of(Outer, unknown_fields=False)
    inner = Inner(name="a", words=("b",))
    assert read(SOUND) == Outer(count=1, ending=Ending.COMPLETE, inner=inner)
    assert read(SOUND | {"sure": True, "more": [SOUND["inner"]]}) == Outer(
        count=1, ending=Ending.COMPLETE, inner=inner, sure=True, more=(inner,)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": True},
        {"count": -1},
        {"count": 2**63},
        {"count": "1"},
        {"ending": "unheard of"},
        {"ending": ["complete"]},
        {"inner": None},
        {"inner": {"name": "a"}},
        {"inner": {"name": "a", "words": "b"}},
        {"inner": {"name": "a", "words": [1]}},
        {"inner": {"name": 1, "words": []}},
        {"sure": 1},
        {"more": None},
        {"more": [None]},
    ],
    ids=str,
)
def test_a_value_of_another_type_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        reader_of(Outer, unknown_fields=True)(SOUND | wrong)


def test_unknown_fields_are_passed_over_or_refused() -> None:
    longer = SOUND | {"new": 1}
    assert reader_of(Outer, unknown_fields=True)(longer) == reader_of(Outer, unknown_fields=True)(SOUND)
    with pytest.raises(ValueError, match="a field that Outer has not"):
        reader_of(Outer, unknown_fields=False)(longer)


def test_what_is_none_is_left_out() -> None:
    value = reader_of(Outer, unknown_fields=False)(SOUND)
    assert present_fields(value) == SOUND | {"sure": False}


@pytest.mark.parametrize("data", [admission_bytes(), outcome_bytes(3), act_bytes()])
def test_an_entry_says_the_same_before_and_after_it_was_read(data: bytes) -> None:
    entry = read_entry(data)
    assert entry is not None
    assert entry_fields(entry) == json.loads(data)


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        (b'"v":1', b'"v":true'),
        (b'"kind":"act"', b'"kind":["act"]'),
        (b'"kind":"act"', b'"kind":{"act":1}'),
        (b'"act"', b'"Act"'),
    ],
)
def test_an_entry_that_is_not_well_formed_is_no_entry(told: bytes, instead: bytes) -> None:
    data = act_bytes().replace(told, instead)
    assert data != act_bytes()
    assert read_entry(data) is None
