# SPDX-License-Identifier: Apache-2.0
"""What sections make of what they saw, and how sides take turns."""

from itertools import groupby

import pytest
from bench.load.paced import Stream, Streams
from bench.peers.interface import Side
from bench.peers.upstream import EVENTS
from bench.sections.stage import in_turn
from bench.sections.streaming import is_steady, sustained
from bench.suite import NOT_IN_QUICK, SECTIONS, chosen


def _run(*, gap_ms: float = 20.0, whole: bool = True) -> Streams:
    at_ms = [20.0 + gap_ms * number for number in range(EVENTS)]
    return Streams(every=[Stream(whole=whole, status=200, events=EVENTS, at_ms=at_ms)])


def test_a_run_is_steady_if_all_came_whole_and_in_time() -> None:
    assert is_steady(_run())
    assert not is_steady(_run(gap_ms=31.0))
    assert not is_steady(_run(whole=False))


def test_the_highest_steady_level_is_what_is_sustained() -> None:
    assert sustained({1: _run(), 16: _run(), 64: _run(gap_ms=40)}) == 16
    assert sustained({1: _run(gap_ms=40)}) == 0


def test_each_side_begins_a_round_in_its_turn() -> None:
    sides = [Side(name=name, port=1) for name in "abc"]
    turns = ["".join(side.name for side in in_turn(sides, number)) for number in range(4)]
    assert turns == ["abc", "bca", "cab", "abc"]


def test_a_quick_look_leaves_out_what_takes_long_unless_it_is_asked_for() -> None:
    assert {section.name for section in chosen([], quick=True)} == set(SECTIONS) - NOT_IN_QUICK
    assert [section.name for section in chosen(["ledger"], quick=True)] == ["ledger"]
    assert [section.name for section in chosen([], quick=False)] == list(SECTIONS)


def test_sections_run_in_the_order_of_the_suite_whatever_the_order_of_the_names() -> None:
    assert [section.name for section in chosen(["memory", "calls"], quick=False)] == ["calls", "memory"]


@pytest.mark.parametrize(("quick", "most_minutes"), [(False, 25), (True, 4)])
def test_the_whole_says_that_it_ends_in_time(quick: bool, most_minutes: float) -> None:
    assert sum(section.seconds[quick] for section in chosen([], quick=quick)) <= most_minutes * 60


def test_what_several_sections_share_stands_side_by_side() -> None:
    once_only = [
        build for build, _ in groupby(section.build.__name__ for section in SECTIONS.values()) if build != "_nothing"
    ]
    assert len(once_only) == len(set(once_only))
