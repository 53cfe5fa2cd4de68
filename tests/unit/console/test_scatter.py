# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from freehold.console.drawing.scatter import HEIGHT, WIDTH, Point, scatter


def test_lines_stand_at_round_numbers_and_zero_is_one_of_them() -> None:
    drawn = scatter([Point(mark="a", x=1.0, y=0.0), Point(mark="b", x=2.3, y=0.031)])
    assert [line.value for line in drawn.columns] == [0.0, 1.0, 2.0, 3.0]
    assert [line.value for line in drawn.rows] == [0.0, 0.01, 0.02, 0.03, 0.04]


def test_more_stands_further_to_the_right_and_higher() -> None:
    slow, fast = scatter([Point(mark="a", x=1.0, y=-0.01), Point(mark="b", x=2.0, y=0.02, chosen=True)]).places
    assert slow.x < fast.x
    assert slow.y > fast.y
    assert (slow.chosen, fast.chosen) == (False, True)


def test_one_point_at_zero_is_drawn() -> None:
    (place,) = scatter([Point(mark="a", x=0.0, y=0.0)]).places
    assert 0 <= place.x <= WIDTH


def test_a_bound_that_is_far_from_every_point_does_not_press_them_together() -> None:
    points = [Point(mark="a", x=1.0, y=0.001)]
    assert scatter(points, limit=0.5).limit_y is None
    assert scatter(points, limit=0.001).limit_y is not None


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-1, 10)), min_size=1, max_size=16))
def test_every_point_is_inside_the_picture(found: list[tuple[float, float]]) -> None:
    drawn = scatter([Point(mark="a", x=x, y=y) for x, y in found], limit=0.05)
    assert all(0 <= place.x <= WIDTH and 0 <= place.y <= HEIGHT for place in drawn.places)
    assert 2 <= len(drawn.columns) <= 8
    assert 2 <= len(drawn.rows) <= 8
