# SPDX-License-Identifier: Apache-2.0
"""A scorecard for tests of what is made of it."""

from freehold.continuity.drill.scorecard import Counts, Happened, Held, Scorecard, Slice

CARD = Scorecard(
    id="drill_1",
    scenario="june-2026",
    about="A model is directed off.",
    scenario_sha256="sha256:0",
    service="desk",
    simulated=(),
    traffic="synthetic",
    began="2026-06-12T21:21:00Z",
    duration_s=2.0,
    calls=Counts(made=8, answered=7, broken=0, lost=1, shed=0, refused=0),
    errors={"no_target": 1},
    seams=0,
    characters_checked=0,
    characters_missing=None,
    characters_repeated=None,
    tool_calls=0,
    tool_calls_doubled=0,
    policy_violations=0,
    answered_by_another_model=0,
    recovery_p50_s=0.1,
    recovery_p99_s=0.2,
    recovery_longest_s=0.2,
    never_recovered=0,
    added_first_s=None,
    longest_gap_s=None,
    waiting_peak=1,
    acceptance_before=None,
    acceptance_after=None,
    verdict=(Held(objective="max_lost", stated=0, found=1, holds=False),),
    passed=False,
    happened=(Happened(at_s=1.0, what="fault refuse: paris", targets=("paris",)),),
    seconds=(
        Slice(at_s=0, began=3, answered={"paris": 3}, not_answered=0, waiting=1),
        Slice(at_s=1, began=5, answered={"local": 4}, not_answered=1, waiting=1),
    ),
)
