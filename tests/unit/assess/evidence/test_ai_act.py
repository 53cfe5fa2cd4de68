# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.unit.assess.evidence.conftest import drill, engine, foreign, model, reason, told

from freehold.assess.evidence.ai_act import Report, assess, load_rules, write_report
from freehold.assess.evidence.ai_act.report import Owed, Standing
from freehold.assess.evidence.ai_act.tuned import Tuned, Verdict
from freehold.assess.evidence.answers import Answer
from freehold.assess.evidence.html import write_document
from freehold.assess.evidence.markdown import write_markdown
from freehold.assess.evidence.picture import Kind, Picture, VaultModel
from freehold.assess.evidence.statement import Ground
from freehold.errors import EstateError

RULES = load_rules()
Paint = Callable[..., Picture]
OF = "service:support"


def report(picture: Picture, *answers: Answer) -> Report:
    return assess(replace(picture, answers=answers), RULES)


def duty(found: Report, article: str) -> Owed:
    return next(one for one in found.owed if one.article == article)


def of(one: VaultModel, paint: Paint, *answers: Answer) -> Tuned:
    (found,) = report(paint(engine(), models=(one,)), *answers).models
    return found


def test_every_duty_has_a_source_and_asks_what_is_a_question() -> None:
    for one in RULES.duties:
        assert one.source in RULES.sources
        assert {one.asks, *one.when} - {""} <= RULES.questions.keys()
        for question, values in one.when.items():
            assert set(values) <= set(RULES.questions[question].choices)
        assert one.asks or one.shown
    assert all(not (later := one.later) or later.start > one.start for one in RULES.duties)


def test_dates_of_application_are_those_after_the_omnibus() -> None:
    starts = {one.article: one.start.isoformat() for one in RULES.duties}
    assert (starts["Art. 4"], starts["Art. 50(1)"]) == ("2025-02-02", "2026-08-02")
    assert {starts[name] for name in starts if name.startswith(("Art. 26", "Art. 12", "Art. 19", "Art. 27"))} == {
        "2027-12-02"
    }


def test_what_nobody_ruled_out_is_open_and_what_comes_later_may_come(paint: Paint) -> None:
    found = report(paint(engine()))
    assert duty(found, "Art. 4").standing is Standing.APPLIES
    assert duty(found, "Art. 50(1)").standing is Standing.OPEN
    assert duty(found, "Art. 26(6)").standing is Standing.MAY_COME
    asked = {(one.id, one.about) for one in found.missing}
    assert {("AIA.role", OF), ("AIA.high-risk", OF), ("AIA.literacy", "self"), ("AIA.notice", OF)} <= asked


def test_an_answer_rules_a_duty_out_and_stands_beside_it(paint: Paint) -> None:
    found = report(paint(engine()), told("AIA.role", "deployer", OF), told("AIA.high-risk", "none", OF))
    assert {duty(found, name).standing for name in ("Art. 50(1)", "Art. 50(2)", "Art. 12", "Art. 26(6)")} == {
        Standing.NOT
    }
    assert duty(found, "Art. 50(3)").standing is Standing.OPEN
    assert duty(found, "Art. 12").why[-1].kind is Kind.ANSWER
    assert "AIA.oversight" not in {one.id for one in found.missing}


def test_whoever_is_both_has_the_duties_of_both(paint: Paint) -> None:
    found = report(paint(engine()), told("AIA.role", "both", OF), told("AIA.high-risk", "annex-iii", OF))
    assert {duty(found, name).standing for name in ("Art. 12", "Art. 26(2)")} == {Standing.COMES}


def test_annex_i_has_a_later_day_than_annex_iii(paint: Paint) -> None:
    for annex, start in (("annex-iii", "2027-12-02"), ("annex-i", "2028-08-02")):
        assert duty(report(paint(engine()), told("AIA.high-risk", annex, OF)), "Art. 26(6)").start == start


@pytest.mark.parametrize(
    ("since", "start", "standing"),
    [
        ("2026-08-01", "2026-12-02", Standing.COMES),
        ("2026-08-02", "2026-08-02", Standing.APPLIES),
        ("", "2026-08-02", Standing.OPEN),
    ],
)
def test_marking_has_until_december_where_the_system_was_there_before(
    paint: Paint, since: str, start: str, standing: Standing
) -> None:
    answers = [told("AIA.role", "provider", OF), told("AIA.makes-content", "yes", OF)]
    answers += [told("AIA.in-service-since", since, OF)] if since else []
    marking = duty(report(paint(engine()), *answers), "Art. 50(2)")
    assert (marking.start, marking.standing) == (start, standing)
    assert bool(marking.undecided) == (not since)


def test_a_duty_begins_on_its_day(paint: Paint) -> None:
    answers = (told("AIA.role", "deployer", OF), told("AIA.high-risk", "annex-iii", OF))
    for day, standing in (("2027-12-01", Standing.COMES), ("2027-12-02", Standing.APPLIES)):
        picture = replace(paint(engine()), at=f"{day}T10:00:00Z")
        assert duty(report(picture, *answers), "Art. 26(2)").standing is standing


def test_logs_are_measured_and_what_people_do_is_asserted(paint: Paint) -> None:
    found = report(paint(engine()), told("AIA.literacy", "a course each spring, intranet page 12"))
    for article in ("Art. 12", "Art. 19", "Art. 26(6)"):
        met = duty(found, article).met
        assert (met.ground, {one.kind for one in met.evidence} <= {Kind.LEDGER, Kind.FILE}) == (Ground.MEASURED, True)
        assert all(one.where and one.as_of for one in met.evidence)
    assert duty(found, "Art. 4").met.ground is Ground.ASSERTED
    assert duty(found, "Art. 5").met.ground is Ground.MISSING


@pytest.mark.parametrize(("days", "kept"), [(0, True), (183, False), (184, True)])
def test_logs_that_are_pruned_sooner_than_half_a_year_are_not_kept(paint: Paint, days: int, *, kept: bool) -> None:
    picture = paint(engine())
    picture = replace(picture, setup=replace(picture.setup, prune_after_days=days))
    assert (duty(report(picture), "Art. 26(6)").met.ground is Ground.MEASURED) == kept


def test_nothing_is_measured_without_a_log(paint: Paint) -> None:
    found = report(paint(engine(), head=False))
    assert {duty(found, name).met.ground for name in ("Art. 12", "Art. 19")} == {Ground.MISSING}
    assert found.records[0].ground is Ground.MISSING


def test_a_rehearsed_suspension_is_cited_and_needs_a_person_all_the_same(paint: Paint) -> None:
    met = duty(report(paint(foreign("acme", reason("US")), engine(), drills=(drill("acme"),))), "Art. 26(5)").met
    assert (met.ground, met.evidence[0].kind) == (Ground.MISSING, Kind.DRILL)


@pytest.mark.parametrize(
    "one", [model(), model("smol-q4", "smol", made="requantised from F16 to Q4_0 by it", published=False)]
)
def test_what_came_from_a_publisher_or_was_only_requantised_was_not_trained_here(paint: Paint, one: VaultModel) -> None:
    found = of(one, paint)
    assert (found.verdict, found.tuning_flop, found.missing) == (Verdict.UNTRAINED, 0.0, ())
    assert found.evidence[0].kind is Kind.FILE


@pytest.mark.parametrize("one", [model(published=False), model("tuned", "smol", made="tuned with LoRA")])
def test_what_nobody_said_of_training_is_asked_and_not_taken_to_be_little(paint: Paint, one: VaultModel) -> None:
    found = of(one, paint)
    assert (found.verdict, found.share_pct) == (Verdict.UNKNOWN, None)
    assert [asked.id for asked in found.missing] == ["AIA.trained"]


def test_compute_is_six_for_each_parameter_and_token_against_a_third_of_the_original(paint: Paint) -> None:
    one, about = model(published=False, parameters=10**9), "model:smol"
    tuned_on = told("AIA.tuning-tokens", "1e9", about)
    found = of(one, paint, tuned_on)
    assert found.tuning_flop == 6e18
    assert found.threshold_flop == pytest.approx(1e23 / 3)
    assert found.verdict is Verdict.BELOW
    original = of(one, paint, tuned_on, told("AIA.original-flop", "1.8e19", about))
    assert (original.threshold_flop, original.verdict, original.share_pct) == (6e18, Verdict.BELOW, 100.0)
    above = of(one, paint, tuned_on, told("AIA.original-flop", "1.7e19", about))
    assert above.verdict is Verdict.ABOVE
    systemic = of(one, paint, tuned_on, told("AIA.systemic", "yes", about))
    assert systemic.threshold_flop == pytest.approx(1e25 / 3)


def test_who_said_that_it_was_trained_is_asked_how_much(paint: Paint) -> None:
    found = of(model(), paint, told("AIA.trained", "yes", "model:smol"))
    assert (found.verdict, [asked.id for asked in found.missing]) == (Verdict.UNKNOWN, ["AIA.tuning-tokens"])
    unknown_size = of(model(parameters=0), paint, told("AIA.trained", "yes", "model:smol"))
    assert [asked.id for asked in unknown_size.missing] == ["AIA.tuning-flop"]


def test_an_answer_of_the_file_that_is_none_is_refused(paint: Paint) -> None:
    with pytest.raises(EstateError, match="is no answer"):
        report(paint(engine()), told("AIA.role", "landlord", OF))


def test_the_document_says_what_it_rests_on_and_what_is_missing(paint: Paint) -> None:
    found = report(paint(engine(), models=(model(),)), told("AIA.role", "deployer", OF))
    for text in (write_markdown(write_report(found)), write_document(write_report(found)).decode()):
        for words in (
            "The sources disagree",
            "AIA.literacy --about self",
            "Art. 26(6)",
            "2027-12-02",
            "not trained here",
        ):
            assert words in text
