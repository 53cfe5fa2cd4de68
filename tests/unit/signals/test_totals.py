# SPDX-License-Identifier: Apache-2.0
"""Sums over gateways that come and go, and counters that never go back while whoever adds up lives."""

from hypothesis import given
from hypothesis import strategies as st

from freehold.contract.signals import Measured, Series
from freehold.signals import totals
from freehold.signals.catalogue import BETWEEN, CALLS, IN_FLIGHT, REQUESTS
from freehold.signals.totals import Totals

NOTHING = (0.0,) * (len(BETWEEN.bounds_s) + 2)


def told(gateway: str, requests: float, *more: Series, since_unix: float = 200.0, in_flight: float = 0.0) -> Measured:
    counted = (Series(REQUESTS.name, (), (requests,)), *more)
    return Measured(gateway, since_unix, counted, (Series(IN_FLIGHT.name, (), (in_flight,)),))


def counted(known: Totals, name: str = REQUESTS.name) -> dict[tuple[str, ...], tuple[float, ...]]:
    return next(dict(rows) for metric, rows in known.counted() if metric.name == name)


def test_gateways_are_added_up() -> None:
    known = Totals(100.0)
    known.take(told("one", 3))
    known.take(told("two", 4))
    known.take(told("one", 5))
    assert counted(known) == {(): (9.0,)}


def test_a_gateway_that_ends_keeps_its_part_and_its_heir_adds_to_it() -> None:
    known = Totals(100.0)
    known.take(told("one", 5, in_flight=2))
    known.keep(())
    known.take(told("two", 1))
    assert counted(known) == {(): (6.0,)}
    assert dict(next(rows for metric, rows in known.now() if metric is IN_FLIGHT)) == {(): (0.0,)}


def test_what_a_gateway_counted_before_the_control_process_began_is_not_counted_again() -> None:
    """Else a scraper that saw 1000, and now sees 1000 from a counter that began anew, would take them for new ones."""
    known = Totals(100.0)
    known.take(told("older", 1000, since_unix=50.0))
    assert counted(known) == {(): (0.0,)}
    known.take(told("older", 1007, since_unix=50.0))
    assert counted(known) == {(): (7.0,)}


def test_a_gateway_that_counts_less_than_it_did_began_anew() -> None:
    known = Totals(100.0)
    known.take(told("one", 10))
    known.take(told("one", 2))
    assert counted(known) == {(): (12.0,)}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.sampled_from([50.0, 200.0])), max_size=30))
def test_no_sum_ever_goes_back(reports: list[tuple[str, int, float]]) -> None:
    known, last = Totals(100.0), 0.0
    for gateway, count, since_unix in reports:
        known.take(told(gateway, count, since_unix=since_unix))
        (now,) = counted(known)[()]
        assert now >= last
        last = now


def test_a_histogram_is_added_bucket_by_bucket() -> None:
    known = Totals(100.0)
    one = (*[1.0] * (len(NOTHING) - 1), 0.25)
    known.take(told("one", 0, Series(BETWEEN.name, ("s", "t"), one)))
    known.take(told("two", 0, Series(BETWEEN.name, ("s", "t"), one)))
    assert counted(known, BETWEEN.name)["s", "t"] == tuple(2 * number for number in one)


def test_what_is_in_no_catalogue_or_has_another_shape_is_not_kept() -> None:
    known = Totals(100.0)
    known.take(
        told(
            "one",
            0,
            Series("freehold_made_up", (), (1.0,)),
            Series(CALLS.name, ("too", "few"), (1.0,)),
            Series(BETWEEN.name, ("s", "t"), (1.0,)),
        )
    )
    assert not counted(known, CALLS.name)
    assert not counted(known, BETWEEN.name)


def test_the_number_of_series_is_bounded_whatever_is_told() -> None:
    known = Totals(100.0)
    flood = [Series(CALLS.name, (f"s{number}", "t", "complete"), (1.0,)) for number in range(totals.MOST_SERIES + 10)]
    known.take(told("one", 0, *flood))
    assert len(counted(known, CALLS.name)) < totals.MOST_SERIES
    assert known.left_out == 11
