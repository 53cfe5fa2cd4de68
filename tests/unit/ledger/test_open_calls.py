# SPDX-License-Identifier: Apache-2.0
from freehold.ledger.keeper.open_calls import OpenCalls


def _calls() -> OpenCalls:
    calls = OpenCalls()
    calls.admitted("a", 3, "one", None)
    calls.admitted("b", 5, "two", None)
    calls.admitted("c", 8, "one", None)
    return calls


def test_calls_are_lost_when_the_time_since_their_gateway_left_is_up() -> None:
    calls = _calls()
    calls.leave("one", 100.0)
    assert calls.next_loss_s() == 100.0
    assert calls.lost(99.0) == []
    assert calls.lost(100.0) == ["a", "c"]


def test_a_claimed_call_is_not_lost_whoever_had_it_before() -> None:
    calls = _calls()
    calls.leave("one", 100.0)
    calls.claim("three", ["c", "unknown"])
    assert calls.lost(200.0) == ["a"]
    calls.leave("three", 300.0)
    assert calls.lost(300.0) == ["a", "c"]


def test_leaving_twice_does_not_put_the_loss_off() -> None:
    calls = _calls()
    calls.leave("one", 100.0)
    calls.leave("one", 500.0)
    assert calls.lost(100.0) == ["a", "c"]


def test_a_call_whose_outcome_is_being_written_is_not_lost() -> None:
    calls = _calls()
    calls.leave("one", 100.0)
    calls.open["a"].closing = True
    assert calls.lost(100.0) == ["c"]


def test_the_low_water_mark_is_the_oldest_open_call_or_the_size() -> None:
    calls = _calls()
    assert calls.low_water(10) == 3
    calls.concluded("a", 10)
    assert calls.low_water(11) == 5
    calls.concluded("b", 11)
    calls.concluded("c", 12)
    assert calls.low_water(13) == 13
    assert calls.ended["b"] == 11
