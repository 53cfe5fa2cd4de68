# SPDX-License-Identifier: Apache-2.0
"""The flow diagram: what is wide is wide everywhere, nothing lies on anything else, and much of it stays readable."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from freehold.console.drawing.sankey import OTHERS, Sankey, Shape, Stop, Stream, folded, sankey

TONES = ("own", "foreign")
SHAPE = Shape(width=800, height=300, room=120)
NAMES = st.sampled_from("abcdefgh")
STREAMS = st.lists(
    st.builds(
        Stream,
        stops=st.tuples(NAMES, NAMES, NAMES, NAMES),
        tone=st.sampled_from(TONES),
        weight=st.integers(min_value=1, max_value=10**6),
    ),
    max_size=30,
)


def stream(*stops: str, weight: int = 1, tone: str = "own") -> Stream:
    return Stream(stops=stops, tone=tone, weight=weight)


def column(picture: Sankey, number: int) -> list[Stop]:
    return sorted((stop for stop in picture.stops if stop.column == number), key=lambda stop: stop.y)


def test_of_nothing_there_is_an_empty_picture() -> None:
    picture = sankey([], TONES, SHAPE)
    assert (picture.stops, picture.ribbons, picture.height) == ((), (), SHAPE.height)


def test_heights_are_true_to_the_numbers_in_every_column() -> None:
    picture = sankey([stream("a", "x", weight=30), stream("b", "x", weight=10)], TONES, SHAPE)
    heights = {stop.name: stop.height for stop in picture.stops}
    assert heights["a"] == 3 * heights["b"]
    assert heights["x"] == heights["a"] + heights["b"]


def test_a_single_call_among_a_million_can_still_be_seen() -> None:
    picture = sankey([stream("a", "x", weight=10**6), stream("b", "x")], TONES, SHAPE)
    assert min(stop.height for stop in picture.stops) >= 1


def test_neighbours_lie_opposite_each_other() -> None:
    """b leads to x and a to y: without sorting, the two ribbons would cross."""
    picture = sankey([stream("a", "y", weight=5), stream("b", "x", weight=6)], TONES, SHAPE)
    left, right = ([stop.name for stop in column(picture, number)] for number in (0, 1))
    assert list(zip(left, right, strict=True)) == [("b", "x"), ("a", "y")]


def test_more_names_than_fit_make_the_picture_higher() -> None:
    picture = sankey([stream(f"service-{n}", "x") for n in range(60)], TONES, SHAPE)
    assert picture.height > SHAPE.height
    assert all(above.middle + SHAPE.gap <= below.middle + 0.2 for above, below in pairwise(column(picture, 0)))


def test_the_lightest_are_folded_into_one() -> None:
    streams = [stream(f"s{n}", "x", weight=n + 1) for n in range(20)]
    few = folded(streams, most=5)
    assert {one.stops[0] for one in few} == {"s19", "s18", "s17", "s16", OTHERS}
    assert sum(one.weight for one in few) == sum(one.weight for one in streams)
    assert column(sankey(few, TONES, SHAPE), 0)[-1].name == OTHERS


@given(STREAMS)
def test_no_two_stops_of_a_column_overlap_and_all_lie_within_the_picture(streams: list[Stream]) -> None:
    picture = sankey(streams, TONES, SHAPE)
    for number in range(4):
        stops = column(picture, number)
        assert all(above.y + above.height <= below.y + 0.2 for above, below in pairwise(stops))
        assert all(stop.y >= 0 and stop.y + stop.height <= picture.height + 0.2 for stop in stops)
        assert all(stop.x + stop.width <= SHAPE.width - SHAPE.room + 0.1 for stop in stops)


@given(STREAMS)
def test_what_enters_a_stop_leaves_it(streams: list[Stream]) -> None:
    picture = sankey(streams, TONES, SHAPE)
    for stop in picture.stops:
        if 0 < stop.column < 3:
            entering = sum(
                one.weight for one in picture.ribbons if (one.column + 1, one.right) == (stop.column, stop.name)
            )
            leaving = sum(one.weight for one in picture.ribbons if (one.column, one.left) == (stop.column, stop.name))
            assert entering == leaving == stop.weight


@given(STREAMS)
def test_a_path_is_numbers_and_letters_alone_whatever_stops_are_called(streams: list[Stream]) -> None:
    hostile = [Stream(stops=tuple(f'"><script>{s}' for s in one.stops), tone=one.tone, weight=1) for one in streams]
    assert all(re.fullmatch(r"[MCLZ0-9. -]+", one.path) for one in sankey(hostile, TONES, SHAPE).ribbons)


@given(STREAMS)
def test_the_same_streams_give_the_same_picture(streams: list[Stream]) -> None:
    assert sankey(streams, TONES, SHAPE) == sankey(list(streams), TONES, SHAPE)
