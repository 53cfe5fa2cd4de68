# SPDX-License-Identifier: Apache-2.0
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.continuity.drill.kept import keep, read_all, read_one
from freehold.continuity.drill.observed import Calls, Observed
from freehold.continuity.drill.records import Record
from freehold.continuity.drill.report import lines, page
from freehold.continuity.drill.scenario import Move, Verb
from freehold.continuity.drill.scorecard import Drilled, Objectives, Scorecard, percentile, score
from freehold.continuity.drill.traffic import Planned, synthetic
from freehold.contract.drill import FaultKind, Sabotage
from freehold.errors import EstateError, NotFound

BEGAN_UNIX = 1_795_000_000.0
FAULT = Move(at_s=2.0, verb=Verb.FAULT, targets=("claude",), sabotage=Sabotage(kind=FaultKind.REFUSE))
OVER = Move(at_s=6.0, verb=Verb.RESTORE, targets=("claude",))
DIRECTIVE = Move(at_s=2.0, verb=Verb.DIRECTIVE, targets=("claude",), cuts=True)


def answered(number: int, began_s: float, *, after_s: float = 0.1, text: str = "Hello", **more: Any) -> Observed:
    return Observed(
        number=number,
        began_s=began_s,
        stream=True,
        tool=False,
        ended_s=began_s + after_s + 0.5,
        first_s=began_s + after_s,
        status=200,
        call_id=f"call_{number}",
        text=text,
        ids={"c"},
        closings=1,
        finish="stop",
        **more,
    )


def failed(number: int, began_s: float, error: str, status: int = 503) -> Observed:
    return Observed(
        number=number,
        began_s=began_s,
        ended_s=began_s + 0.1,
        stream=True,
        tool=False,
        status=status,
        error=error,
        call_id=f"call_{number}",
    )


def on_record(number: int, *seen_by: str, at_s: float = 0.0, allowed: frozenset[str] | None = None) -> Record:
    return Record(
        call_id=f"call_{number}",
        at_unix=BEGAN_UNIX + at_s,
        allowed=frozenset({"claude", "local"}) if allowed is None else allowed,
        seen_by=seen_by,
        ending="complete",
    )


def drilled(
    *observed: Observed, moves: tuple[Move, ...] = (FAULT, OVER), records: tuple[Record, ...] = (), **more: Any
) -> Drilled:
    planned: tuple[Planned, ...] = synthetic(max([0, *(seen.number for seen in observed)]) + 1, 10, seed=0, tools=False)
    given_: Mapping[str, Any] = {
        "id": "drill_0123456789ab",
        "scenario": "outage",
        "about": "Something breaks.",
        "scenario_sha256": "sha256:00",
        "service": "support",
        "traffic": "synthetic",
        "began": "2026-11-22T12:00:00Z",
        "began_unix": BEGAN_UNIX,
        "duration_s": 10.0,
        "moves": moves,
        "planned": planned,
        "observed": observed,
        "records": {record.call_id: record for record in records},
        "objectives": Objectives(rto_s=5.0, max_lost=0),
        "acceptance": {},
        **more,
    }
    return Drilled(**given_)


def test_every_call_stands_in_one_place_and_shed_ones_are_not_answered() -> None:
    card = score(
        drilled(
            answered(0, 0.0),
            failed(1, 2.5, "engine_busy"),
            failed(2, 3.0, "no_target"),
            failed(3, 3.0, "policy_denied", 403),
            replace_closings(answered(4, 3.0)),
            answered(5, 7.0),
        )
    )
    calls = card.calls
    assert (calls.made, calls.answered, calls.shed, calls.lost, calls.refused, calls.broken) == (6, 2, 1, 1, 1, 1)
    assert card.errors == {"engine_busy": 1, "no_target": 1, "policy_denied": 1, "no_answer": 1}
    lost = next(held for held in card.verdict if held.objective == "max_lost")
    assert (lost.found, lost.holds) == (4, False)
    assert not card.passed


def replace_closings(seen: Observed) -> Observed:
    return replace(seen, closings=0)


def test_recovery_is_the_wait_for_an_answer_or_the_gap_at_its_seam() -> None:
    seam = answered(1, 1.9, seams=[(2.1, 3)], seam_gaps_s=[0.8])
    card = score(drilled(answered(0, 0.0), seam, answered(2, 3.0, after_s=1.5), answered(3, 7.0)))
    assert (card.recovery_p50_s, card.recovery_p99_s, card.recovery_longest_s) == (0.8, 1.5, 1.5)


def test_a_call_that_is_lost_recovers_with_the_next_that_is_answered() -> None:
    card = score(drilled(failed(0, 3.0, "no_target"), answered(1, 5.0, after_s=0.5)))
    assert card.recovery_longest_s == 2.5


def test_when_nobody_is_answered_any_more_the_objective_is_missed() -> None:
    card = score(drilled(answered(0, 0.0), failed(1, 3.0, "no_target"), objectives=Objectives(rto_s=60, max_lost=9)))
    assert (card.never_recovered, card.recovery_longest_s, card.passed) == (1, None, False)


def test_the_time_to_the_first_token_is_compared_with_calmer_times() -> None:
    card = score(drilled(answered(0, 0.0), answered(1, 3.0, after_s=0.4), answered(2, 4.0, after_s=0.4)))
    assert card.added_first_s == pytest.approx(0.3)


def test_a_target_that_the_decision_forbade_is_a_violation() -> None:
    records = (on_record(0, "claude", allowed=frozenset({"local"})), on_record(1, "local"))
    assert score(drilled(answered(0, 0.0), answered(1, 0.5), records=records)).policy_violations == 1


def test_a_withdrawn_target_that_answers_is_a_violation_once_the_directive_is_everywhere() -> None:
    records = (on_record(0, "claude", at_s=2.2), on_record(1, "claude", at_s=4.0), on_record(2, "claude", at_s=1.0))
    seen = (answered(0, 2.2), answered(1, 4.0), answered(2, 1.0))
    assert score(drilled(*seen, moves=(DIRECTIVE,), records=records)).policy_violations == 1


def known(text: str, answer: str, *seen_by: str, seams: list[tuple[float, int]] | None = None) -> Scorecard:
    """One call whose text is known to be ``text``."""
    drill = drilled(
        answered(0, 0.0, text=answer, seams=seams or []), records=(on_record(0, *seen_by),), simulated=("one", "two")
    )
    return score(msgspec.structs.replace(drill, known_texts={drill.planned[0].prompt: text}))


@pytest.mark.parametrize(
    ("answer", "missing", "repeated"),
    [("The quick fox", 0, 0), ("The fox", 6, 0), ("The quick quick fox", 0, 6)],
)
def test_characters_are_counted_against_the_known_text(answer: str, missing: int, repeated: int) -> None:
    card = known("The quick fox", answer, "one", "two")
    assert (card.characters_checked, card.characters_missing, card.characters_repeated) == (1, missing, repeated)


def test_of_an_answer_that_an_engine_went_on_with_only_the_beginning_is_known() -> None:
    card = known("The quick fox", "The quick dogs", "one", "local", seams=[(1.0, 9)])
    assert (card.characters_checked, card.characters_missing, card.characters_repeated) == (1, 0, 0)


def test_what_cannot_be_known_is_not_called_nothing() -> None:
    card = score(drilled(answered(0, 0.0), records=(on_record(0, "claude"),)))
    unknown = (card.characters_missing, card.characters_repeated, card.acceptance_before, card.added_first_s)
    assert unknown == (None,) * 4


def test_a_tool_that_is_called_twice_is_counted() -> None:
    twice = [Calls(id=f"call_{number}", name="look_up", arguments="{}") for number in range(2)]
    card = score(drilled(replace(answered(0, 0.0), tool=True, calls=twice)))
    assert (card.tool_calls, card.tool_calls_doubled) == (2, 1)


def test_acceptance_is_that_of_whoever_answered_before_and_of_the_least_afterwards() -> None:
    drill = drilled(
        answered(0, 0.0),
        answered(1, 3.0),
        records=(on_record(0, "claude"), on_record(1, "local", at_s=3.0)),
        acceptance={"claude": 1.0, "local": 0.8},
        objectives=Objectives(rto_s=5, max_lost=0, min_acceptance=0.9),
    )
    card = score(drill)
    assert (card.acceptance_before, card.acceptance_after, card.passed) == (1.0, 0.8, False)


def test_an_acceptance_that_is_not_on_record_does_not_hold() -> None:
    objectives = Objectives(rto_s=5, max_lost=0, min_acceptance=0.9)
    card = score(drilled(answered(0, 3.0), records=(on_record(0, "local", at_s=3.0),), objectives=objectives))
    assert not card.passed


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_and_no_less_than_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_the_terminal_shows_a_column_a_second_and_every_step() -> None:
    records = (on_record(0, "claude"), on_record(1, "local", at_s=3.0))
    said = list(lines(score(drilled(answered(0, 0.0), answered(1, 3.0), records=records)), "sha256:ab"))
    chart = {line.split("  ")[0].strip(): line for line in said}
    assert chart["claude"].endswith("█")
    assert "a" in chart["what happened"]
    assert any("fault refuse: claude" in line for line in said)
    assert said[-1] == "Verdict: passed. Digest, as in the ledger: sha256:ab"


def test_a_drill_of_an_hour_fits_the_terminal() -> None:
    card = score(drilled(answered(0, 0.0), answered(1, 3000.0), duration_s=3600.0))
    assert max(len(line) for line in lines(card, "sha256:ab")) <= 120


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_needs_nothing_but_itself_and_escapes_what_people_wrote() -> None:
    wrote = "<script>alert(1)</script>"
    written = page(score(drilled(answered(0, 0.0), about=wrote, scenario=wrote, service=wrote)), "sha256:ab")
    elements = Elements()
    elements.feed(written)
    assert not {tag for tag, _ in elements.found} & {"script", "link", "img", "iframe", "object"}
    assert not [attrs for _, attrs in elements.found if {"src", "href"} & attrs.keys()]
    assert "url(" not in written
    assert "&lt;script&gt;" in written


def test_a_scorecard_is_kept_and_read_again_with_its_digest(tmp_path: Path) -> None:
    kept = keep(tmp_path / "drills", score(drilled(answered(0, 0.0))))
    assert read_one(tmp_path / "drills", kept.card.id) == kept
    assert read_all(tmp_path / "drills") == [kept]
    assert kept.digest in (tmp_path / "drills" / f"{kept.card.id}.html").read_text()


@pytest.mark.parametrize("drill_id", ["drill_000000000000", "../state", "drill_x", ""])
def test_a_drill_that_is_not_there_is_not_found(drill_id: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_one(tmp_path, drill_id)


def test_a_spoilt_scorecard_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "drill_000000000000.json").write_text("{}")
    with pytest.raises(EstateError, match="cannot be read as a scorecard"):
        read_one(tmp_path, "drill_000000000000")
