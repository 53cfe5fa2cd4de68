# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from tests.unit.assess.evidence.conftest import NOBODY_KNOWS, engine, foreign, reason, recipient, seen, served, told

from freehold.assess.evidence.answers import Answer
from freehold.assess.evidence.gdpr import Report, assess, load_questions, write_report
from freehold.assess.evidence.gdpr.record import Activity
from freehold.assess.evidence.gdpr.transfers import Transfer
from freehold.assess.evidence.html import write_document
from freehold.assess.evidence.markdown import write_markdown
from freehold.assess.evidence.picture import Backend, Erasure, Picture
from freehold.assess.evidence.statement import Ground
from freehold.contract.facts import UNKNOWN, Confidence
from freehold.policy.facts.entries import Adequacy

QUESTIONS = load_questions()
Paint = Callable[..., Picture]
OF = "service:support"


def decision(state: str, limit: str = "", since: date | None = None, expires: date | None = None) -> Adequacy:
    return Adequacy(
        name=state,
        source="the list",
        as_of=date(2026, 8, 5),
        confidence=Confidence.CONFIRMED,
        limit=limit,
        since=since,
        expires=expires,
    )


def acme(*states: str) -> Backend:
    recipients = (recipient("Acme", "FR"), *(recipient(f"of {state}", state, "processes for it") for state in states))
    return replace(foreign("acme", reason("FR"), days=30), recipients=recipients, legal_name="Acme SA")


def report(picture: Picture, *answers: Answer) -> Report:
    return assess(replace(picture, answers=answers), QUESTIONS)


def of_support(found: Report) -> Activity:
    (one,) = found.activities
    return one


def transfer(found: Report, state: str) -> Transfer:
    return next(one for one in found.transfers if one.state == state)


@pytest.fixture
def open_to_acme(paint: Paint) -> Picture:
    """Personal data may go to a provider with a sub-processor in the US, and to an engine of the estate."""
    service = replace(served("acme", "local"), may_see_personal=("acme", "local"))
    return paint(acme("US"), engine(), services=(service,))


def test_a_service_is_in_the_record_until_somebody_says_that_it_has_no_personal_data(open_to_acme: Picture) -> None:
    silent = of_support(report(open_to_acme))
    assert (silent.in_record, silent.personal.ground, silent.recipients) == (True, Ground.MISSING, ("acme",))
    denied = of_support(report(open_to_acme, told("GDPR.personal", "no", OF)))
    assert (denied.in_record, denied.personal.ground, denied.fields) == (False, Ground.ASSERTED, ())


def test_calls_on_record_contradict_whoever_denies_personal_data(open_to_acme: Picture, paint: Paint) -> None:
    picture = paint(acme("US"), engine(), services=open_to_acme.services, seen=(seen("acme"),))
    found = report(picture, told("GDPR.personal", "no", OF))
    assert (of_support(found).in_record, of_support(found).personal.ground) == (True, Ground.CONTRADICTED)
    assert (found.parties[0].calls, found.parties[0].first_at) == (3, "2026-11-23T00:00:00Z")


def test_rules_that_let_nobody_see_personal_data_take_a_service_out_of_the_record(paint: Paint) -> None:
    found = report(paint(acme("US"), engine()))
    assert (of_support(found).in_record, of_support(found).personal.ground) == (False, Ground.MEASURED)
    assert (found.parties, found.transfers) == ((), ())


def test_where_a_person_says_that_data_is_personal_whoever_may_answer_is_a_recipient(paint: Paint) -> None:
    found = report(paint(acme("US"), engine()), told("GDPR.personal", "yes", OF))
    assert of_support(found).recipients == ("acme",)
    assert transfer(found, "US").services == ("support",)


def test_where_nobody_may_answer_no_engine_is_said_to(paint: Paint) -> None:
    for may, says in (((), "none: nobody may answer by the rules"), (("local",), "none: engines of the estate answer")):
        service = replace(served(*may), data_class="restricted", may_see_personal=may)
        fields = of_support(report(paint(engine(), services=(service,)))).fields
        (recipients,) = (one.statement for one in fields if one.letter == "d")
        assert recipients.says.startswith(says)


def test_who_saw_personal_data_is_a_recipient_though_the_rules_forbid_it_today(paint: Paint) -> None:
    service = replace(served("local"), may_not=("acme",), may_see_personal=("local",))
    found = report(paint(acme("US"), engine(), services=(service,), seen=(seen("acme"), seen("gone"))))
    assert of_support(found).recipients == ("acme",)
    assert [one.target for one in found.gone] == ["gone"]


def test_fields_have_the_letters_of_the_article_and_ask_for_what_is_missing(open_to_acme: Picture) -> None:
    found = report(open_to_acme, told("GDPR.role", "processor", OF), told("GDPR.purpose", "answering customers", OF))
    fields = {field.statement.what: field for field in of_support(found).fields}
    assert [field.letter for field in of_support(found).fields] == ["a", "a", "b", "c", "c", "d", "f"]
    assert fields["Purpose"].statement.says == "answering customers"
    asked = {(one.id, one.about) for one in found.missing}
    assert {("GDPR.behalf", OF), ("GDPR.subjects", OF), ("GDPR.controller", "self"), ("GDPR.contract", "acme")} <= asked
    assert ("GDPR.purpose", OF) not in asked


def test_a_purpose_of_the_settings_stands_until_somebody_says_it_better(open_to_acme: Picture) -> None:
    service = replace(open_to_acme.services[0], purpose="support")
    field = next(f for f in of_support(report(replace(open_to_acme, services=(service,)))).fields if f.letter == "b")
    assert (field.statement.says, field.statement.ground) == ("support", Ground.MEASURED)


def test_nobody_inside_the_area_is_a_transfer_and_what_is_unknown_is_one(paint: Paint) -> None:
    unknown = replace(foreign("acme", NOBODY_KNOWS), recipients=(recipient("Acme", "FR"), recipient("others", UNKNOWN)))
    found = report(paint(unknown, engine()), told("GDPR.personal", "yes", OF))
    (one,) = found.transfers
    assert (one.state, one.covered, one.mechanism.ground) == (UNKNOWN, False, Ground.MISSING)
    assert one.missing[0].about == "acme/??"


def test_a_decision_without_limit_covers_and_its_age_is_told(open_to_acme: Picture) -> None:
    known = decision("US", since=date(2026, 11, 13), expires=date(2031, 12, 27))
    one = transfer(report(replace(open_to_acme, adequacy={"US": known})), "US")
    assert (one.covered, one.mechanism.ground, one.missing, one.expires) == (True, Ground.KNOWN, (), "2031-12-27")
    assert [(age.what, age.day, age.age_days) for age in one.ages] == [
        ("decision", "2026-11-13", 10),
        ("decision last looked up", "2026-08-05", 110),
    ]


def test_a_decision_for_some_covers_only_who_was_found_among_them(open_to_acme: Picture) -> None:
    picture = replace(open_to_acme, adequacy={"US": decision("US", "those on the list")})
    silent = transfer(report(picture), "US")
    assert (silent.covered, {asked.id for asked in silent.missing}) == (False, {"GDPR.listed", "GDPR.mechanism"})
    named = transfer(report(picture, told("GDPR.mechanism", "adequacy", "acme/US")), "US")
    assert (named.covered, [asked.id for asked in named.missing]) == (False, ["GDPR.listed"])
    listed = transfer(report(picture, told("GDPR.listed", "2026-11-20", "acme/US")), "US")
    assert (listed.covered, listed.mechanism.ground) == (True, Ground.ASSERTED)
    assert ("recipients looked up", 3) in [(age.what, age.age_days) for age in listed.ages]


def test_a_decision_that_is_not_in_the_facts_is_not_made_by_saying_so(open_to_acme: Picture) -> None:
    one = transfer(report(open_to_acme, told("GDPR.mechanism", "adequacy", "acme/US")), "US")
    assert (one.covered, one.mechanism.ground) == (False, Ground.CONTRADICTED)


def test_clauses_are_asserted_with_their_day_and_ask_for_an_assessment(open_to_acme: Picture) -> None:
    given = (told("GDPR.mechanism", "scc-2", "acme/US"), told("GDPR.mechanism-since", "2026-11-22", "acme/US"))
    one = transfer(report(open_to_acme, *given), "US")
    assert (one.covered, one.ages[0].age_days, [asked.id for asked in one.missing]) == (True, 1, ["GDPR.assessed"])
    none = transfer(report(open_to_acme, told("GDPR.mechanism", "none", "acme/US")), "US")
    assert (none.covered, none.missing) == (False, ())


def test_erasures_are_shown_with_their_positions(paint: Paint) -> None:
    picture = paint(engine(), erasures=2)
    assert picture.ledger is not None
    act = Erasure(act="call.forget", at="2026-11-22T10:00:00Z", position="freehold.local/test/6", subject="call_1")
    found = report(replace(picture, ledger=replace(picture.ledger, newest_erasures=(act,))))
    assert (found.erasures.counts, found.erasures.newest) == ({"call.forget": 2}, (act,))
    text = write_markdown(write_report(found))
    assert "freehold ledger receipt freehold.local/test/6" in text
    assert "183 days" in text


def test_an_estate_without_a_ledger_says_so(paint: Paint) -> None:
    found = report(paint(acme("US"), engine(), head=False), told("GDPR.personal", "yes", OF))
    assert (found.erasures.counts, found.parties[0].calls) == ({}, None)
    assert "no ledger" in write_document(write_report(found)).decode()


def test_the_document_names_every_recipient_and_the_source_of_the_fact(open_to_acme: Picture) -> None:
    found = report(open_to_acme)
    for text in (write_markdown(write_report(found)), write_document(write_report(found)).decode()):
        for words in ("of US", "processes for it", "https://example.org/register", "GDPR.mechanism --about acme/US"):
            assert words in text
