# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.assess.evidence.conftest import NOBODY_KNOWS, answered, drill, engine, foreign, reason, served

from freehold.assess.evidence.answers import Answer
from freehold.assess.evidence.csf import Report, assess, load_framework, write_page
from freehold.assess.evidence.csf.grading import Basis, Grade
from freehold.assess.evidence.csf.report import Assessed
from freehold.assess.evidence.csf.score import floor, score, total
from freehold.assess.evidence.picture import Picture
from freehold.errors import EstateError, NotFound

FRAMEWORK = load_framework()
IDS = sorted(FRAMEWORK.criteria)
BEST = tuple(answered(c.id, c.best) for c in FRAMEWORK.criteria.values())
Paint = Callable[..., Picture]


def whole(picture: Picture, profile: str = "") -> Assessed:
    estate = assess(picture, FRAMEWORK, profile).estate
    assert estate is not None
    return estate


def graded(assessed: Assessed, criterion: str) -> Grade:
    return next(s.grade for s in assessed.criteria if s.grade.criterion == criterion)


def test_there_are_48_criteria_in_eight_objectives_and_no_better_answer_is_worth_less() -> None:
    counts = [sum(c.objective == name for c in FRAMEWORK.criteria.values()) for name in FRAMEWORK.objectives]
    assert counts == [8, 6, 5, 6, 7, 5, 7, 4]
    for criterion in FRAMEWORK.criteria.values():
        points, seals = [s.points for s in criterion.steps], [s.seal for s in criterion.steps]
        assert points == sorted(set(points))
        assert seals == sorted(seals)
        assert points[0] == 0


def test_weights_of_every_profile_add_up_and_the_default_is_v1_2_1() -> None:
    assert FRAMEWORK.default == "v1.2.1-2025-10"
    assert {name: sum(p.weights.values()) for name, p in FRAMEWORK.profiles.items()} == {
        "v1.2.1-2025-10": 100,
        "calculator-2026-06": 100,
    }
    assert all(p.weights.keys() == FRAMEWORK.objectives.keys() for p in FRAMEWORK.profiles.values())
    assert all(len(p.seals) == 5 for p in FRAMEWORK.profiles.values())


@pytest.mark.parametrize(
    ("profile", "worked_out_by_hand"),
    [
        # SOV-3: 200+150+100+0+50 = 500 of 1000; SOV-8: 250+187.5+0+62.5 = 500 of 1000; SOV-5: 143 of 1001 = 1/7
        ("v1.2.1-2025-10", 0.5 * 10 + 0.5 * 5 + 20 / 7),
        ("calculator-2026-06", 0.5 * 10 + 0.5 * 5 + 10 / 7),
    ],
)
def test_the_score_is_the_weighted_sum_of_the_shares_of_points(profile: str, worked_out_by_hand: float) -> None:
    steps = dict.fromkeys(IDS, 0) | {
        "SOV-3.q1": 4,
        "SOV-3.q2": 3,
        "SOV-3.q3": 2,
        "SOV-3.q5": 1,
        "SOV-8.q1": 4,
        "SOV-8.q2": 3,
        "SOV-8.q4": 1,
        "SOV-5.q3": 4,
    }
    scored = score(FRAMEWORK, steps, FRAMEWORK.profile(profile).weights)
    assert total(scored) == pytest.approx(worked_out_by_hand)
    assert floor(scored) == 0
    assert [one.seal for one in scored] == [0, 0, 0, 0, 0, 0, 0, 1]


def test_all_best_is_a_hundred_percent_at_seal_4_and_all_worst_nothing_at_seal_0() -> None:
    weights = FRAMEWORK.profile(FRAMEWORK.default).weights
    best = score(FRAMEWORK, {c.id: c.best for c in FRAMEWORK.criteria.values()}, weights)
    worst = score(FRAMEWORK, dict.fromkeys(IDS, 0), weights)
    assert total(best) == pytest.approx(100)
    assert floor(best) == 4
    assert (total(worst), floor(worst)) == (0, 0)


def test_what_nobody_answered_counts_at_the_worst_step_and_is_listed(paint: Paint) -> None:
    report = assess(paint(engine()), FRAMEWORK)
    assert report.estate is not None
    stands = graded(report.estate, "SOV-8.q2")
    assert (stands.step, stands.seal, stands.basis) == (0, 0, Basis.MISSING)
    assert ("SOV-8.q2", "self") in {(one.criterion, one.about) for one in report.missing}
    assert report.estate.floor == 0


def test_an_answer_is_shown_as_asserted_with_who_gave_it_when_and_why(paint: Paint) -> None:
    report = assess(paint(engine(), answers=(answered("SOV-8.q2", 3),)), FRAMEWORK)
    assert report.estate is not None
    stands = graded(report.estate, "SOV-8.q2")
    assert (stands.step, stands.seal, stands.basis) == (3, 4, Basis.ASSERTED)
    (said,) = stands.evidence
    assert (said.kind, said.as_of) == ("answer", "2026-11-23T00:00:00Z")
    assert "A. Weber" in said.says
    assert "a contract" in said.says
    assert "SOV-8.q2" not in {one.criterion for one in report.missing}


def test_the_last_answer_counts(paint: Paint) -> None:
    picture = paint(engine(), answers=(answered("SOV-8.q2", 4), answered("SOV-8.q2", 1)))
    assert graded(whole(picture), "SOV-8.q2").step == 1


def test_a_person_cannot_say_more_than_the_facts_allow(paint: Paint) -> None:
    answers = tuple(replaced for one in BEST for replaced in (_about(one, "acme"),))
    estate = whole(paint(foreign("acme", reason("US")), answers=answers))
    for criterion, most in (("SOV-1.q1", 1), ("SOV-2.q2", 2), ("SOV-2.q4", 1), ("SOV-3.q1", 3), ("SOV-1.q8", 1)):
        stands = graded(estate, criterion)
        assert (stands.step, stands.basis) == (most, Basis.HELD_DOWN), criterion
        assert any(one.as_of for one in stands.evidence)
    assert estate.floor == 0


def test_facts_that_nobody_established_leave_the_question_open_and_at_the_worst(paint: Paint) -> None:
    report = assess(paint(foreign("acme", NOBODY_KNOWS, locations=("??",), days=None)), FRAMEWORK)
    assert report.estate is not None
    assert all(graded(report.estate, c).step == 0 for c in IDS)
    assert {one.criterion for one in report.missing} == set(IDS)
    assert report.estate.score_pct == 0


def test_an_owner_abroad_behind_a_seat_in_the_union_is_control_from_abroad(paint: Paint) -> None:
    backend = foreign("acme", reason("IE"), reason("US", "parent"))
    estate = whole(paint(backend, answers=(_about(answered("SOV-1.q1", 3), "acme"),)))
    assert graded(estate, "SOV-1.q1").seal == 1


def test_the_worst_backend_that_may_answer_decides_and_is_named(paint: Paint) -> None:
    picture = paint(engine(), foreign("acme", reason("US")), answers=BEST)
    report = assess(picture, FRAMEWORK)
    assert report.estate is not None
    held = {lift.criterion: lift for lift in report.estate.held_by}
    assert held["SOV-8.q2"].backends == ("acme",)
    assert report.estate.without["acme"] > report.estate.floor
    alone = whole(paint(engine(), answers=BEST))
    assert report.estate.without["acme"] == alone.floor


def test_a_backend_that_the_rules_forbid_does_not_count(paint: Paint) -> None:
    apart = replace(served("local"), may_not=("acme",))
    picture = paint(engine(), foreign("acme", reason("US")), services=(apart,), answers=BEST)
    assert whole(picture).floor == 4
    assert whole(picture).held_by == ()


def test_a_service_that_nobody_may_answer_has_no_level(paint: Paint) -> None:
    report = assess(paint(engine(), services=(served(name="shut"),)), FRAMEWORK)
    assert (report.estate, report.services, report.unanswerable) == (None, (), ("shut",))
    assert b"nothing to assess" in write_page(report)


@pytest.mark.parametrize(
    ("drills", "unqualified", "most"),
    [
        ((drill("acme"),), (), 3),
        ((drill("acme", passed=False),), (), 1),
        ((drill("acme", simulated=("acme",)),), (), 1),
        ((drill("another"),), (), 1),
        ((drill("acme"),), ("local",), 1),
        ((), (), 1),
    ],
)
def test_only_a_drill_that_was_passed_on_the_real_backend_shows_that_a_cut_off_is_survived(
    paint: Paint, drills: tuple[object, ...], unqualified: tuple[str, ...], most: int
) -> None:
    services = (served("acme", "local", unqualified=unqualified),)
    picture = paint(engine(), foreign("acme", reason("US")), services=services, drills=drills)
    assert graded(whole(picture), "SOV-1.q8").step == 0
    picture = replace(picture, answers=(*BEST, *(_about(one, "acme") for one in BEST)))
    assert graded(whole(picture), "SOV-1.q8").step == most


def test_what_the_estate_shows_of_itself_is_measured_and_says_what_it_rests_on(paint: Paint) -> None:
    estate = whole(paint(engine(), erasures=2))
    for criterion, step in (("SOV-3.q1", 3), ("SOV-3.q2", 3), ("SOV-3.q3", 3), ("SOV-4.q1", 2), ("SOV-1.q8", 2)):
        stands = graded(estate, criterion)
        assert (stands.step, stands.basis) == (step, Basis.MEASURED), criterion
        assert all(one.where and one.as_of for one in stands.evidence)


def test_an_erasure_that_was_never_done_a_key_that_others_can_read_and_no_ledger_show_nothing(paint: Paint) -> None:
    estate = whole(paint(engine(licence=""), head=False, keys_alone=False))
    for criterion in ("SOV-3.q1", "SOV-3.q2", "SOV-3.q3", "SOV-1.q8", "SOV-7.q4"):
        assert graded(estate, criterion).basis is Basis.MISSING, criterion


def test_an_operator_outside_the_union_holds_the_estates_own_engines_down(paint: Paint) -> None:
    assert whole(paint(engine(), answers=BEST, region="US")).floor == 1
    assert whole(paint(engine(), answers=BEST, region="FR")).floor == 4


def test_a_lift_names_the_first_step_that_guarantees_more(paint: Paint) -> None:
    answers = (*(one for one in BEST if one.id != "SOV-8.q1"), answered("SOV-8.q1", 1))
    (lift,) = whole(paint(engine(), answers=answers)).held_by
    assert (lift.criterion, lift.step, lift.needs, lift.most) == ("SOV-8.q1", 1, 2, 4)


def test_a_gain_is_what_the_score_rises_by_if_the_answer_is_as_good_as_facts_allow(paint: Paint) -> None:
    before = whole(paint(engine()))
    largest = before.gains[0]
    after = whole(paint(engine(), answers=(answered(largest.criterion, largest.most),)))
    assert after.score_pct - before.score_pct == pytest.approx(largest.gain_pct, abs=0.011)
    assert [gain.gain_pct for gain in before.gains] == sorted((gain.gain_pct for gain in before.gains), reverse=True)
    assert whole(paint(engine(), answers=BEST)).gains == ()
    held = {gain.criterion: gain.most for gain in whole(paint(foreign("acme", reason("US")))).gains}
    assert held["SOV-1.q1"] == 1


@pytest.mark.parametrize("value", ["5", "-1", "", "1.0", "²", "one", "100"])
def test_an_answer_that_names_no_step_is_refused_with_what_there_is(paint: Paint, value: str) -> None:
    wrong = Answer(id="SOV-8.q1", value=value, by="A", source="B", at="2026-11-23T00:00:00Z")
    with pytest.raises(EstateError, match="not a step"):
        assess(paint(engine(), answers=(wrong,)), FRAMEWORK)


def test_a_profile_that_there_is_not_is_refused_and_the_others_are_named(paint: Paint) -> None:
    with pytest.raises(NotFound) as refused:
        assess(paint(engine()), FRAMEWORK, "v9")
    assert "calculator-2026-06" in refused.value.advice


_STEPS = st.dictionaries(st.sampled_from(IDS), st.integers(0, 2), max_size=48)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(own=_STEPS, theirs=_STEPS, criterion=st.sampled_from(IDS), about=st.sampled_from(["self", "acme"]))
def test_a_better_answer_never_lowers_the_score_or_the_floor(
    paint: Paint, own: dict[str, int], theirs: dict[str, int], criterion: str, about: str
) -> None:
    given_ = {("self", c): s for c, s in own.items()} | {("acme", c): s for c, s in theirs.items()}
    before = given_.setdefault((about, criterion), 0)
    backends = (engine(), foreign("acme", reason("IE"), reason("US", "parent")))

    def reckoned(steps: dict[tuple[str, str], int]) -> Report:
        answers = tuple(answered(c, min(s, FRAMEWORK.criteria[c].best), about=who) for (who, c), s in steps.items())
        return assess(paint(*backends, answers=answers), FRAMEWORK)

    worse, better = reckoned(given_), reckoned(given_ | {(about, criterion): before + 1})
    for one, other in zip((worse.estate, *worse.services), (better.estate, *better.services), strict=True):
        assert one is not None
        assert other is not None
        assert other.score_pct >= one.score_pct
        assert other.floor >= one.floor


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(own=_STEPS, theirs=_STEPS)
def test_one_more_backend_that_may_answer_never_raises_anything(
    paint: Paint, own: dict[str, int], theirs: dict[str, int]
) -> None:
    steps = [("self", c, s) for c, s in own.items()] + [("acme", c, s) for c, s in theirs.items()]
    answers = tuple(answered(c, s, about=who) for who, c, s in steps if s <= FRAMEWORK.criteria[c].best)
    acme = foreign("acme", reason("IE"))
    alone = whole(paint(engine(), acme, services=(served("local"),), answers=answers))
    both = whole(paint(engine(), acme, services=(served("local", "acme"),), answers=answers))
    assert both.score_pct <= alone.score_pct
    assert both.floor <= alone.floor


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_markup_in_names_and_answers_is_text_on_the_page(paint: Paint) -> None:
    evil = '</style></title><script>alert(1)</script><img src=x onerror="alert(1)">\''
    said = Answer(id="SOV-8.q2", value="3", by=evil, source=evil, at="2026-11-23T00:00:00Z")
    picture = replace(paint(engine(evil), services=(served(evil, name=evil),), answers=(said,)), origin=evil)
    page = write_page(assess(picture, FRAMEWORK)).decode()
    seen = _Tags()
    seen.feed(page)
    assert not {"script", "img", "a", "link", "iframe"} & set(seen.tags)
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


def test_a_page_never_has_a_score_without_its_profile_and_floor(paint: Paint) -> None:
    page = write_page(assess(paint(engine()), FRAMEWORK, "calculator-2026-06")).decode()
    assert page.count("Sovereignty Score, profile calculator-2026-06") == 2
    assert page.count("<b>SEAL-0</b>") == 2
    assert "The sources disagree" in page


def _about(answer: Answer, about: str) -> Answer:
    return Answer(id=answer.id, about=about, value=answer.value, by=answer.by, source=answer.source, at=answer.at)
