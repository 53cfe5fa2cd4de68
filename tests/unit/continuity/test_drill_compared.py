# SPDX-License-Identifier: Apache-2.0
from typing import Any

import msgspec
import pytest

from freehold.continuity.drill.compared import compared
from freehold.continuity.drill.scorecard import Counts, Happened, Held, Scorecard, Slice

CARD = Scorecard(
    id="drill_000000000000",
    scenario="june-2026",
    about="a rehearsal",
    scenario_sha256="ab" * 32,
    service="default",
    simulated=(),
    traffic="synthetic",
    began="2026-11-22T14:38:00Z",
    duration_s=12.0,
    calls=Counts(made=20, answered=18, broken=1, lost=0, shed=1, refused=0),
    errors={"engine_busy": 1},
    seams=2,
    characters_checked=10,
    characters_missing=0,
    characters_repeated=None,
    tool_calls=2,
    tool_calls_doubled=0,
    policy_violations=0,
    answered_by_another_model=0,
    recovery_p50_s=1.5,
    recovery_p99_s=3.0,
    recovery_longest_s=3.0,
    never_recovered=0,
    added_first_s=0.2,
    longest_gap_s=1.0,
    waiting_peak=3,
    acceptance_before=1.0,
    acceptance_after=None,
    verdict=(Held(objective="rto_s", stated=30.0, found=3.0, holds=True),),
    passed=True,
    happened=(Happened(at_s=1.0, what="cut: claude", targets=("claude",)),),
    seconds=(Slice(at_s=0, began=2, answered={"local": 2}, not_answered=0, waiting=1),),
)


def scorecard(id: str = CARD.id, **changed: Any) -> Scorecard:  # noqa: A002
    return msgspec.structs.replace(CARD, id=id, **changed)


@pytest.mark.parametrize(
    ("measure", "changed", "values", "better"),
    [
        ("recovery_p99_s", {"recovery_p99_s": 2.0}, (3.0, 2.0), "b"),
        ("recovery_p99_s", {"recovery_p99_s": 4.0}, (3.0, 4.0), "a"),
        ("recovery_p99_s", {"recovery_p99_s": 3.0}, (3.0, 3.0), None),
        ("recovery_p99_s", {"recovery_p99_s": None}, (3.0, None), None),
        ("answered", {"calls": Counts(made=10, answered=10, broken=0, lost=0, shed=0, refused=0)}, (0.9, 1.0), "b"),
        ("answered", {"calls": Counts(made=0, answered=0, broken=0, lost=0, shed=0, refused=0)}, (0.9, 0.0), "a"),
        ("seams", {"seams": 0}, (2, 0), None),
    ],
)
def test_each_measure_says_which_drill_was_better(
    measure: str, changed: dict[str, Any], values: tuple[object, object], better: str | None
) -> None:
    rows = {row.measure: row for row in compared(scorecard(), scorecard(**changed))}
    assert (rows[measure].a, rows[measure].b) == values
    assert rows[measure].better == better
