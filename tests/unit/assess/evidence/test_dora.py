# SPDX-License-Identifier: Apache-2.0
import csv
import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.unit.assess.evidence.conftest import NOBODY_KNOWS, drill, engine, foreign, reason, served

from freehold.assess.evidence.answers import Answer
from freehold.assess.evidence.dora import Entries, fill, leaning, load_layout, subject_of_column, write_csv, write_plan
from freehold.assess.evidence.dora.page import write_report
from freehold.assess.evidence.html import write_document
from freehold.assess.evidence.picture import Busiest, Foresight, Lost, Picture
from freehold.errors import EstateError

LAYOUT = load_layout()
LEI = "529900T8BM49AURSDO55"  # the example of ISO 17442's registrar
Paint = Callable[..., Picture]
ANSWERS = {
    ("B_02.01.c0010", "acme"): "C-1",
    ("B_02.01.c0020", "acme"): "standalone",
    ("B_02.01.c0040", "acme"): "EUR",
    ("B_02.01.c0050", "acme"): "120000",
    ("B_02.02.c0020", "self"): LEI,
    ("B_02.02.c0070", "acme"): "2026-01-01",
    ("B_02.02.c0080", "acme"): "9999-12-31",
    ("B_04.01.c0030", "self"): "not-a-branch",
    ("B_05.01.c0010", "acme"): LEI,
    ("B_05.01.c0020", "acme"): "LEI",
    ("B_05.01.c0050", "acme"): "Acme SA",
    ("B_05.01.c0060", "acme"): "Acme SA",
    ("B_05.01.c0070", "acme"): "legal",
    ("B_05.01.c0110", "acme"): LEI,
    ("B_05.01.c0120", "acme"): "LEI",
    ("B_06.01.c0020", "service:support"): "eba_TA:x28",
    ("B_06.01.c0050", "service:support"): "no",
    ("B_06.01.c0070", "service:support"): "2026-06-01",
    ("B_06.01.c0080", "service:support"): "4",
    ("B_06.01.c0090", "service:support"): "1",
    ("B_06.01.c0100", "service:support"): "medium",
    ("B_07.01.c0070", "acme"): "2026-05-01",
    ("B_07.01.c0080", "acme"): "yes",
    ("B_07.01.c0090", "acme"): "easy",
    ("B_07.01.c0100", "acme"): "low",
}


def told(**changed: str) -> tuple[Answer, ...]:
    return tuple(
        Answer(
            id=name,
            about=about,
            value=changed.get(name.replace(".", "_"), value),
            by="A",
            source="B",
            at="2026-11-23T00:00:00Z",
        )
        for (name, about), value in ANSWERS.items()
        if changed.get(name.replace(".", "_")) != ""
    )


def filled(picture: Picture) -> Entries:
    return fill(picture, LAYOUT, leaning(picture))


def rows(entries: Entries, template: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(write_csv(LAYOUT, entries, template))))


@pytest.fixture
def house(paint: Paint) -> Picture:
    """A provider of which all is known, and an engine behind it."""
    return replace(paint(foreign("acme", reason("FR")), engine()), answers=told())


def test_the_templates_and_their_columns_are_those_of_the_layout() -> None:
    assert {name: len(one.columns) for name, one in LAYOUT.templates.items()} == {
        "B_02.01": 5,
        "B_02.02": 18,
        "B_03.02": 3,
        "B_04.01": 4,
        "B_05.01": 12,
        "B_05.02": 7,
        "B_06.01": 10,
        "B_07.01": 12,
    }
    for template in LAYOUT.templates.values():
        assert list(template.columns) == [f"c{10 * number:04}" for number in range(1, len(template.columns) + 1)]
        assert all((one.kind == "code") == (one.list in LAYOUT.lists) for one in template.columns.values())


def test_what_refers_to_another_column_leads_somewhere() -> None:
    for template in LAYOUT.templates.values():
        for column in template.columns.values():
            assert not column.source.startswith("same ") or LAYOUT.column(column.source.removeprefix("same "))


def test_a_register_that_is_whole_has_no_finding_and_the_codes_of_the_layout(house: Picture) -> None:
    entries = filled(house)
    assert entries.findings == ()
    (assessed,) = rows(entries, "B_07.01")
    assert (assessed["c0010"], assessed["c0040"], assessed["c0050"]) == ("C-1", "eba_TA:S19", "eba_ZZ:x961")
    (contract,) = rows(entries, "B_02.01")
    assert (contract["c0020"], contract["c0040"]) == ("eba_CO:x1", "eba_CU:EUR")
    (specific,) = rows(entries, "B_02.02")
    assert (specific["c0050"], specific["c0140"], specific["c0160"]) == ("F1", "eba_BT:x29", "eba_GA:FR")


def test_keys_refer_to_rows_that_are_there(house: Picture) -> None:
    entries = filled(house)
    contracts = {row["c0010"] for row in rows(entries, "B_02.01")}
    providers = {row["c0010"] for row in rows(entries, "B_05.01")}
    functions = {row["c0010"] for row in rows(entries, "B_06.01")}
    for template in ("B_02.02", "B_03.02", "B_04.01", "B_05.02", "B_07.01"):
        assert {row["c0010"] for row in rows(entries, template)} <= contracts
    assert {row["c0030"] for row in rows(entries, "B_02.02")} <= providers
    assert {row["c0050"] for row in rows(entries, "B_02.02")} <= functions


def test_what_is_missing_is_told_by_template_row_and_column_with_the_answer_that_mends_it(house: Picture) -> None:
    entries = filled(replace(house, answers=told(B_05_01_c0010="")))
    found = {(one.template, one.row, one.column, one.answer) for one in entries.findings}
    assert ("B_05.01", 1, "c0010", "B_05.01.c0010 --about acme") in found
    assert ("B_03.02", 1, "c0020", "B_05.01.c0010 --about acme") in found
    assert rows(entries, "B_05.01")[0]["c0010"] == ""


def test_a_critical_function_asks_for_more(house: Picture) -> None:
    entries = filled(replace(house, answers=told(B_06_01_c0050="yes")))
    missing = {one.column for one in entries.findings if one.template == "B_02.02"}
    assert missing == {"c0100", "c0110", "c0120", "c0130", "c0180"}


def test_what_nobody_established_is_missing_and_never_taken_for_good(house: Picture) -> None:
    unknown = foreign("acme", NOBODY_KNOWS, locations=("??",), days=None)
    entries = filled(replace(house, backends={**house.backends, "acme": unknown}))
    missing = {(one.template, one.column) for one in entries.findings}
    assert {("B_02.02", "c0160"), ("B_05.01", "c0080")} <= missing
    (specific,) = rows(entries, "B_02.02")
    assert specific["c0140"] == ""


def test_two_contracts_of_one_reference_are_a_finding(house: Picture, paint: Paint) -> None:
    both = paint(foreign("acme", reason("FR")), foreign("best", reason("FR")))
    twice = Answer(id="B_02.01.c0010", about="best", value="C-1", by="A", source="B", at="2026-11-23T00:00:00Z")
    found = [one for one in filled(replace(both, answers=(*told(), twice))).findings if "twice" in one.what]
    assert [(one.template, one.row, one.column) for one in found] == [("B_02.01", 2, "c0010")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("B_02.02.c0020", "529900T8BM49AURSDO56"),
        ("B_02.01.c0040", "euro"),
        ("B_02.01.c0050", "-1"),
        ("B_02.02.c0070", "2026-02-30"),
        ("B_02.02.c0070", "2026-W01-1"),
        ("B_02.02.c0070", "20260101"),
        ("B_05.01.c0020", "DUNS"),
        ("B_02.02.c0120", "XX"),
        ("B_06.01.c0050", "perhaps"),
        ("B_02.01.c0010", "=HYPERLINK(1)"),
        ("B_06.01.c0080", "4.5"),
    ],
)
def test_a_value_that_a_column_cannot_have_is_refused(name: str, value: str) -> None:
    column = LAYOUT.column(name)
    assert column is not None
    with pytest.raises(EstateError, match="cannot stand there"):
        LAYOUT.written(column, value)


def test_only_what_a_person_can_say_is_asked() -> None:
    asked = {name: subject_of_column(LAYOUT, name) for name in ("B_02.02.c0020", "B_06.01.c0050", "B_07.01.c0050")}
    assert asked == {"B_02.02.c0020": "self", "B_06.01.c0050": "service", "B_07.01.c0050": ""}
    assert subject_of_column(LAYOUT, "B_99.01.c0010") == ""


@pytest.mark.parametrize(
    ("may", "unqualified", "drills", "substitutability"),
    [
        (("acme",), (), (), "not"),
        (("acme", "local"), ("local",), (), "not"),
        (("acme", "local"), (), (), "medium"),
        (("acme", "local"), (), (drill("acme", passed=False),), "medium"),
        (("acme", "local"), (), (drill("acme", simulated=("acme",)),), "medium"),
        (("acme", "local"), (), (drill("acme"),), "easy"),
    ],
)
def test_substitutability_follows_from_rules_acceptance_and_drills(
    paint: Paint, may: tuple[str, ...], unqualified: tuple[str, ...], drills: tuple[object, ...], substitutability: str
) -> None:
    services = (served(*may, unqualified=unqualified),)
    (on,) = leaning(paint(foreign("acme", reason("US")), engine(), services=services, drills=drills)).providers
    assert on.substitutability == substitutability


@pytest.mark.parametrize(("busiest", "substitutability"), [(60, "easy"), (61, "medium")])
def test_a_drill_shows_no_more_than_the_rate_at_which_it_made_calls(
    paint: Paint, busiest: int, substitutability: str
) -> None:
    most = Busiest(service="support", target="acme", calls=busiest, minute="2026-11-20T09:00")
    other = Busiest(service="another", target="acme", calls=999, minute="2026-11-20T09:00")
    picture = paint(
        foreign("acme", reason("US")), engine(), drills=(drill("acme", per_minute=60),), busiest=(most, other)
    )
    (on,) = leaning(picture).providers
    assert on.substitutability == substitutability
    assert ("60 calls a minute" in on.carried[0].lacks) == (substitutability == "medium")


def test_what_would_be_lost_is_told_with_slots_where_the_estate_ran(paint: Paint) -> None:
    lost = Lost(
        kind="provider",
        name="acme",
        service="support",
        fate="survives with queueing",
        target="local",
        reason="2 slots for 5",
    )
    state = replace(lost, kind="authority", name="US")
    picture = paint(foreign("acme", reason("US")), engine(), foresight=Foresight(up=True, losses=(lost, state)))
    lean = leaning(picture)
    assert (lean.providers[0].carried[0].foreseen, lean.states, lean.up) == (lost, (state,), True)
    assert "survives with queueing; 2 slots for 5 (with the slots and calls" in write_plan(
        picture, lean.providers[0], ()
    )


def test_an_exit_plan_has_what_the_drill_found_and_the_calls_that_it_made(paint: Paint) -> None:
    picture = paint(foreign("acme", reason("US")), engine(), drills=(drill("acme"),))
    plan = write_plan(picture, leaning(picture).providers[0], ())
    for words in ("30 calls in 3 s, 0 not answered", "rto\\_s 30", "0 calls seen by whom the rules forbid"):
        assert words.replace("\\_", "_") in plan


def test_calls_on_record_are_counted_by_provider_and_state(paint: Paint) -> None:
    lean = leaning(paint(foreign("acme", reason("US")), engine()))
    assert (lean.calls, lean.providers[0].calls, dict(lean.by_state)) == (4, 3, {"US": 3})
    assert lean.providers[0].share_pct == 75.0
    assert leaning(paint(foreign("acme", reason("US")), engine(), head=False)).calls is None


def test_an_exit_plan_cites_the_drills_that_tested_it_and_says_where_none_did(paint: Paint) -> None:
    for drills, says in (
        ((drill("acme"),), "drills/drill_4b1f0c27a9d3.json, sha256:2"),
        ((), "No drill on this estate"),
    ):
        picture = paint(foreign("acme", reason("US")), engine(), drills=drills)
        (on,) = leaning(picture).providers
        plan = write_plan(picture, on, filled(picture).findings)
        assert says in plan
        assert "| B_02.01.c0010 --about acme |" in plan


def test_markup_in_names_is_text_in_a_plan(paint: Paint) -> None:
    picture = replace(paint(foreign("acme", reason("US")), engine()), origin="<script>[x](javascript:y)")
    (on,) = leaning(picture).providers
    plan = write_plan(picture, on, ())
    assert "<script" not in plan.replace("\\<", "")
    assert "\\[x\\](javascript:y)" in plan


def test_an_estate_without_providers_has_no_entry(paint: Paint) -> None:
    entries = filled(paint(engine()))
    assert entries.findings == ()
    assert all(not row for row in entries.rows.values())


def test_types_of_codes_are_written_as_the_layout_has_them(house: Picture) -> None:
    entries = filled(house)
    for template, column in (
        ("B_02.02", "c0040"),
        ("B_03.02", "c0030"),
        ("B_05.01", "c0020"),
        ("B_05.01", "c0120"),
        ("B_05.02", "c0040"),
        ("B_07.01", "c0030"),
    ):
        assert rows(entries, template)[0][column] == "eba_qCO:qx2000"


@pytest.mark.parametrize(
    ("value", "kind", "is_wrong"),
    [("5299", "LEI", True), ("529900T8BM49AURSDO56", "LEI", True), (LEI, "LEI", False), ("5299", "EUID", False)],
)
def test_a_code_that_is_said_to_be_a_lei_has_to_be_one(
    house: Picture, value: str, kind: str, *, is_wrong: bool
) -> None:
    entries = filled(replace(house, answers=told(B_05_01_c0010=value, B_05_01_c0020=kind)))
    wrong = [("B_05.01", "c0010", "B_05.01.c0010 --about acme")] if is_wrong else []
    assert [(one.template, one.column, one.answer) for one in entries.findings] == wrong


def test_a_contract_that_ends_before_it_began_is_a_finding(house: Picture) -> None:
    for end, found in (("2025-12-31", ["c0080"]), ("2026-01-01", ["c0080"]), ("2026-01-02", [])):
        entries = filled(replace(house, answers=told(B_02_02_c0080=end)))
        assert [one.column for one in entries.findings] == found


@pytest.mark.parametrize(
    ("name", "is_latin"),
    [("Société Ångström GmbH & Co. 3", True), ("شركة الذكاء", False), ("Новая Фирма", False), ("Acme 株式会社", False)],
)
def test_a_name_in_other_letters_is_asked_for_in_latin_ones(house: Picture, name: str, *, is_latin: bool) -> None:
    acme = replace(house.backends["acme"], legal_name=name)
    entries = filled(replace(house, backends={**house.backends, "acme": acme}, answers=told(B_05_01_c0060="")))
    (provider,) = rows(entries, "B_05.01")
    assert (provider["c0050"], provider["c0060"]) == (name, name if is_latin else "")
    assert [one.answer for one in entries.findings] == ([] if is_latin else ["B_05.01.c0060 --about acme"])


def test_a_name_of_the_facts_that_a_spreadsheet_would_run_is_refused_and_said_to_be_theirs(house: Picture) -> None:
    acme = replace(house.backends["acme"], legal_name="=1+1")
    with pytest.raises(EstateError) as refused:
        filled(replace(house, backends={**house.backends, "acme": acme}))
    assert "facts about acme" in refused.value.advice


def test_the_page_tells_of_those_losses_alone_that_change_something(paint: Paint) -> None:
    lost = Lost(kind="authority", name="US", service="support", fate="stops", target="", reason="nobody", touched=True)
    other = replace(lost, name="CN", fate="survives", target="local", reason="it stays", touched=False)
    picture = paint(foreign("acme", reason("US")), engine(), foresight=Foresight(up=True, losses=(lost, other)))
    written = write_document(write_report(picture, LAYOUT, leaning(picture), filled(picture))).decode()
    assert "nobody" in written
    assert "it stays" not in written


def test_a_share_is_told_apart_from_the_calls_by_more_than_a_comma(paint: Paint) -> None:
    picture = paint(foreign("acme", reason("US")), engine())
    assert "3 (75 %)" in write_plan(picture, leaning(picture).providers[0], ())
