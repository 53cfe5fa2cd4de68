# SPDX-License-Identifier: Apache-2.0
"""A drill's timeline: every call is drawn once, within the frame."""

from hypothesis import given
from hypothesis import strategies as st

from freehold.console.drawing.timeline import NOT_ANSWERED, Frame, Timeline, timeline
from freehold.continuity.drill.scorecard import Happened, Slice

FRAME = Frame(width=600, height=100, most_bars=60)


def second(at_s: int, not_answered: int = 0, **answered: int) -> Slice:
    began = sum(answered.values()) + not_answered
    return Slice(at_s=at_s, began=began, answered=answered, not_answered=not_answered, waiting=0)


def drawn(picture: Timeline, series: str) -> int:
    return sum(bar.count for bar in picture.bars if bar.series == series)


def test_who_did_not_answer_lies_on_top() -> None:
    picture = timeline([second(0, 1, paris=3)], [], FRAME)
    below, above = picture.bars
    assert (below.series, above.series) == ("paris", NOT_ANSWERED)
    assert above.y + above.height == below.y == 25
    assert (picture.peak, picture.series) == (4, ("paris", NOT_ANSWERED))


def test_what_happened_stands_where_it_did() -> None:
    steps = [Happened(at_s=5.0, what="gone", targets=("paris",)), Happened(at_s=99.0, what="late", targets=())]
    marks = timeline([second(at) for at in range(10)], steps, FRAME).marks
    assert [(mark.x, mark.label) for mark in marks] == [(300.0, "1"), (600.0, "2")]


def test_what_happened_at_once_shares_a_line() -> None:
    steps = [Happened(at_s=5.0, what="gone", targets=()), Happened(at_s=5.1, what="ordered off", targets=())]
    (mark,) = timeline([second(at) for at in range(10)], steps, FRAME).marks
    assert (mark.label, mark.said) == ("1, 2", "5 s: gone; 5.1 s: ordered off")


def test_of_a_drill_without_calls_there_is_an_empty_picture() -> None:
    assert timeline([], [], FRAME).bars == ()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), max_size=3000))
def test_every_call_is_drawn_once_and_within_the_frame(counts: list[tuple[int, int, int]]) -> None:
    seconds = [second(at, lost, paris=paris, local=local) for at, (lost, paris, local) in enumerate(counts)]
    picture = timeline(seconds, [], FRAME)
    assert drawn(picture, NOT_ANSWERED) == sum(lost for lost, _, _ in counts)
    assert drawn(picture, "paris") == sum(paris for _, paris, _ in counts)
    assert len({bar.x for bar in picture.bars}) <= FRAME.most_bars
    assert all(bar.y >= -0.2 and bar.y + bar.height <= FRAME.height + 0.2 for bar in picture.bars)
    assert all(bar.x + bar.width <= FRAME.width + 0.2 for bar in picture.bars)
    assert len(picture.ticks) <= 8
