# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable

import pytest

from freehold.console.rendering import environment, moment, number, share, size

NOTHING = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("read", "value", "shown"),
    [
        (number, None, NOTHING),
        (number, 0, "0"),
        (number, 1234567, "1\u202f234\u202f567"),
        (number, 0.1234, "0.123"),
        (number, 1234.5, "1\u202f234"),
        (size, 0, "0 B"),
        (size, 1536, "1.5 KiB"),
        (size, 250 * 2**20, "250 MiB"),
        (size, 2**60, "1048576 TiB"),
        (moment, "2026-11-23T03:41:05Z", "2026-11-23 03:41:05"),
        (moment, "2026-11-23T03:41:05.123456Z", "2026-11-23 03:41:05"),
        (moment, 0, NOTHING),
        (moment, None, NOTHING),
        (moment, "no instant", "no instant"),
        (moment, 1e300, "1e+300"),
    ],
)
def test_values_are_shown_as_people_read_them(read: Callable[[object], str], value: object, shown: str) -> None:
    assert read(value) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 0, NOTHING),
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (1, 3, "33.3 %"),
        (1, 10000, "< 0.1 %"),
        (9999, 10000, "> 99.9 %"),
    ],
)
def test_a_share_is_never_nothing_or_all_if_it_is_not(part: int, whole: int, shown: str) -> None:
    assert share(part, whole) == shown


def test_what_a_template_is_given_is_escaped() -> None:
    page = (
        environment()
        .get_template("problem.html")
        .render(title="<b>", origin="<i>", problem={"message": "<script>1</script>", "advice": "\"'&", "code": "<u>"})
    )
    assert "<script>1" not in page
    assert "&lt;script&gt;1&lt;/script&gt;" in page
    assert "&lt;b&gt;" in page


def test_every_template_can_be_read() -> None:
    made = environment()
    for name in made.list_templates():
        made.get_template(name)
