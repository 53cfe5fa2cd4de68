# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from freehold.admin.activity import KEPT, Activity, quantile_s
from freehold.contract.signals import Measured, Series
from freehold.signals.catalogue import FIRST_S
from freehold.signals.totals import Totals

NOW = 1_795_000_000.0


def told(
    calls: int, *, refused: int = 0, failed: int = 0, tokens: int = 0, first: dict[int, int] | None = None
) -> Measured:
    counts = [0.0] * (len(FIRST_S) + 2)
    for bucket, count in (first or {}).items():
        counts[bucket] = count
    return Measured(
        "gateway-1",
        NOW,
        (
            Series("freehold_calls", ("desk", "local", "complete"), (float(calls),)),
            Series("freehold_calls", ("desk", "", "refused"), (float(refused),)),
            Series("freehold_calls", ("desk", "local", "failed"), (float(failed),)),
            Series("freehold_tokens", ("desk", "local", "output"), (float(tokens),)),
            Series("freehold_time_to_first_token_seconds", ("desk", "local"), tuple(counts)),
        ),
        (Series("freehold_target_calls", ("local",), (2.0,)), Series("freehold_target_queue", ("local",), (1.0,))),
    )


def view(activity: Activity, since: float = 0.0, services: tuple[str, ...] = ("desk",)) -> dict[str, Any]:
    return dict(activity.view(services, since, NOW + 60))


def test_each_step_has_what_came_in_it() -> None:
    totals = Totals(NOW)
    activity = Activity(totals)
    activity.take(NOW)
    totals.take(told(3, refused=1, tokens=120, first={2: 3}))
    activity.take(NOW + 5)
    totals.take(told(4, refused=1, failed=2, tokens=130, first={2: 3, 4: 1}))
    activity.take(NOW + 10)
    (desk,) = view(activity)["services"]
    assert view(activity)["at_unix"] == [NOW + 5, NOW + 10]
    assert (desk["calls"], desk["refused"], desk["failed"]) == ([4, 3], [1, 0], [0, 2])
    assert desk["output_tokens"] == [120, 10]
    assert desk["first_median_s"] == [0.0375, 0.175]
    assert view(activity)["targets"] == [{"target": "local", "calls": 2, "queue": 1}]


def test_only_what_came_since_is_told() -> None:
    totals = Totals(NOW)
    activity = Activity(totals)
    for step in range(4):
        totals.take(told(step))
        activity.take(NOW + 5 * step)
    assert view(activity, since=NOW + 5)["at_unix"] == [NOW + 10, NOW + 15]
    assert view(activity, since=NOW + 5)["services"][0]["calls"] == [1, 1]


def test_a_service_that_answered_nothing_is_there() -> None:
    activity = Activity(Totals(NOW))
    activity.take(NOW)
    activity.take(NOW + 5)
    (quiet,) = view(activity, services=("quiet",))["services"]
    assert (quiet["service"], quiet["calls"], quiet["first_median_s"]) == ("quiet", [0], [None])


def test_a_quarter_of_an_hour_is_kept() -> None:
    activity = Activity(Totals(NOW))
    for step in range(KEPT + 10):
        activity.take(NOW + 5 * step)
    assert len(view(activity)["at_unix"]) == KEPT


def test_a_clock_that_is_set_back_begins_anew_and_one_before_the_release_is_told() -> None:
    activity = Activity(Totals(NOW))
    for at in (NOW, NOW + 5, NOW - 3600):
        activity.take(at)
    assert view(activity)["at_unix"] == [NOW - 3600]
    assert view(activity)["clock"] == ""
    assert "before this release" in str(activity.view((), 0.0, 86400.0)["clock"])


@pytest.mark.parametrize(
    ("share", "counts", "expected"),
    [
        (0.5, {}, None),
        (0.5, {0: 2}, FIRST_S[0] / 2),
        (0.5, {1: 1, 3: 1}, FIRST_S[1]),
        (0.95, {1: 95, 3: 5}, FIRST_S[1]),
        (0.5, {len(FIRST_S): 1}, FIRST_S[-1]),  # longer than any bound
    ],
)
def test_a_quantile_is_read_off_the_histogram(share: float, counts: dict[int, int], expected: float | None) -> None:
    first = [0.0] * (len(FIRST_S) + 2)
    for bucket, count in counts.items():
        first[bucket] = count
    found = quantile_s(share, tuple(first))
    assert found == (None if expected is None else pytest.approx(expected))
