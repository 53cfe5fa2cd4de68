# SPDX-License-Identifier: Apache-2.0
import msgspec
import pytest

from freehold.console.reading.ledger import Entry, Row, read_search


def entry(**fields: object) -> Entry:
    return Entry(
        index=7,
        origin="estate.example/ledger",
        position="estate.example/ledger/7",
        kind=str(fields.get("kind", "act")),
        at="2026-11-22T14:38:00.123456Z",
        fields=fields,
        text="{}",
        related=(),
        proof=None,
        vkey="",
    )


def test_a_search_asks_for_what_is_filled_in_and_for_nothing_else() -> None:
    search = read_search({"service": "support", "ending": "", "kind": "call", "colour": "red"})
    assert search.fields == {"limit": 50, "service": "support", "kind": "call"}
    assert (search["service"], search["ending"], search.is_narrow) == ("support", "", True)
    assert not read_search({"cursor": "17"}).is_narrow


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("2026-11-22T14:38", "2026-11-22T14:38:00Z"),
        ("2026-11-22T14:38:05", "2026-11-22T14:38:05Z"),
        ("2026-11-22T14:38:05Z", "2026-11-22T14:38:05Z"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_time_of_the_form_is_utc_and_what_is_none_is_left_for_the_api_to_refuse(written: str, asked: str) -> None:
    assert read_search({"from": written}).fields["from"] == asked


def test_the_next_rows_are_of_the_same_search() -> None:
    search = read_search({"application": "key_1", "mentions": "a&b=c", "cursor": "100"})
    assert search.at("50") == "application=key_1&mentions=a%26b%3Dc&cursor=50"
    assert search.from_the_newest == "application=key_1&mentions=a%26b%3Dc"
    assert search.fields["cursor"] == "100"


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row(index=1, kind="call", at="", effect="refuse"), "refused"),
        (Row(index=1, kind="call", at="", effect="allow"), "open"),
        (Row(index=1, kind="call", at="", effect="allow", ending="continued"), "continued"),
    ],
)
def test_a_call_stands_in_a_word(row: Row, verdict: str) -> None:
    assert row.verdict == verdict


def test_tokens_are_those_of_both_sides_and_none_where_nothing_is_known() -> None:
    assert Row(index=1, kind="call", at="", input_tokens=12, output_tokens=34).tokens == 46
    assert Row(index=1, kind="call", at="").tokens is None


def test_an_entry_shows_what_matters_first_and_its_objects_field_by_field() -> None:
    shown = entry(
        kind="admission", v=1, service="support", effect="allow", decision={"id": "dec_1"}, targets=[{"name": "a"}]
    )
    assert [name for name, _ in shown.rows] == ["kind", "effect", "service", "v"]
    assert shown.details == (("decision", "id", "dec_1"),)
    assert shown.targets == ({"name": "a"},)
    assert shown.title == "Admission 7"


def test_an_entry_of_a_shape_that_nobody_knows_is_shown_all_the_same() -> None:
    shown = entry(kind="unknown", targets="none", seams=3, decision=[])
    assert (shown.targets, shown.seams, shown.details) == ((), (), ())
    assert shown.title == "Entry 7"


def test_why_something_cannot_be_read_comes_in_the_words_of_the_api() -> None:
    answer = {"code": "verification_failed", "detail": "tile/0/000 has 8191 bytes", "title": "x", "status": 422}
    read = msgspec.convert({**msgspec.to_builtins(entry()), "problem": answer}, Entry)
    assert read.problem is not None
    assert read.problem.message == "tile/0/000 has 8191 bytes"
