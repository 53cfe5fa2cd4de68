# SPDX-License-Identifier: Apache-2.0
from freehold.cli.chart import Axis, Point, beside, chart

X = Axis(name="speed", write=lambda value: f"{value:.0f}x", from_zero=True)
Y = Axis(name="loss", write=lambda value: f"{value:.0%}")


def test_points_lie_where_their_values_say() -> None:
    points = (Point(mark="a", x=1, y=0), Point(mark="b", x=2, y=0.5), Point(mark="c", x=4, y=1))
    assert [line.rstrip() for line in chart(points, X, Y, width=9, height=3)] == [
        "     loss",
        "100% |        c",
        "     |    b",
        "  0% |  a",
        "     +---------",
        "      0x     4x",
        "        speed",
    ]


def test_of_two_points_in_one_place_the_first_is_seen() -> None:
    lines = chart((Point(mark="a", x=1, y=1), Point(mark="b", x=1, y=1)), X, Y)
    assert "a" in "".join(lines[1:-1])
    assert "b" not in "".join(lines[1:-1])


def test_charts_stand_beside_each_other() -> None:
    one = chart((Point(mark="a", x=1, y=1), Point(mark="b", x=2, y=2)), X, Y)
    assert all(line.count(left.strip()) >= 1 for line, left in zip(beside(one, one), one, strict=True))
