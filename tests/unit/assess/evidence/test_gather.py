# SPDX-License-Identifier: Apache-2.0
import msgspec
import pytest
from tests.facts_builder import TODAY, organisation, owner, provider, register, said

from freehold.assess.evidence.gather import _control, _per_minute
from freehold.continuity.drill.scorecard import Counts, Scorecard, Slice
from freehold.policy.facts import backend_facts

_NOTHING = ("id", "scenario", "about", "scenario_sha256", "service", "traffic", "began")
_ZERO = (
    "seams",
    "characters_checked",
    "tool_calls",
    "tool_calls_doubled",
    "policy_violations",
    "answered_by_another_model",
    "never_recovered",
    "waiting_peak",
)
_UNKNOWN = (
    "characters_missing",
    "characters_repeated",
    "recovery_p50_s",
    "recovery_p99_s",
    "recovery_longest_s",
    "added_first_s",
    "longest_gap_s",
    "acceptance_before",
    "acceptance_after",
)


def scorecard(duration_s: float, made: int, seconds: tuple[Slice, ...]) -> Scorecard:
    """Of a drill in which every call was answered."""
    fields: dict[str, object] = dict.fromkeys(_NOTHING, "") | dict.fromkeys(_ZERO, 0) | dict.fromkeys(_UNKNOWN)
    fields |= dict.fromkeys(("simulated", "verdict", "happened"), ()) | {"errors": {}, "passed": True}
    counts = Counts(made=made, answered=made, broken=0, lost=0, shed=0, refused=0)
    card = fields | {"calls": counts, "duration_s": duration_s, "seconds": seconds}
    return msgspec.convert(msgspec.to_builtins(card), Scorecard)


def test_who_owns_a_sub_processor_can_be_compelled_and_controls_no_provider() -> None:
    processors = said(complete="yes", listed=[said(organisation="cloud", sees_plaintext="yes")])
    known = register(
        {
            "organisations": {
                "operator": {**organisation("FR", owner("holding")), "name": "Operator"},
                "holding": {**organisation("DE"), "name": "Holding"},
                "cloud": {**organisation("IE", owner("abroad")), "name": "Cloud"},
                "abroad": {**organisation("US"), "name": "Abroad"},
            },
            "providers": {"example": provider(sub_processors=processors)},
        }
    )
    facts = backend_facts(known, "example", today=TODAY)
    assert set(facts.authorities) == {"FR", "DE", "IE", "US"}
    assert {reason.state for reason in _control(known, facts, TODAY)} == {"FR", "DE"}


@pytest.mark.parametrize(
    ("duration_s", "began", "per_minute"), [(10.0, [1] * 10, 60.0), (0.0, [], 0.0), (120.0, [1] * 60 + [2] * 60, 121.0)]
)
def test_a_drills_rate_is_that_of_its_busiest_minute(duration_s: float, began: list[int], per_minute: float) -> None:
    seconds = tuple(
        Slice(at_s=at, began=calls, answered={}, not_answered=0, waiting=0) for at, calls in enumerate(began)
    )
    assert _per_minute(scorecard(duration_s=duration_s, made=sum(began), seconds=seconds)) == per_minute
