# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.admin.paging import page_of
from freehold.errors import InvalidRequest


@dataclass(frozen=True)
class Row:
    name: str


@given(count=st.integers(0, 40), limit=st.integers(1, 15))
def test_every_row_is_in_one_page(count: int, limit: int) -> None:
    rows = [{"id": f"row_{number}"} for number in range(count)]
    seen: list[object] = []
    cursor: object = ""
    while cursor is not None:
        page = page_of({"rows": rows, "beside": 1}, "rows", "id", limit=limit, cursor=str(cursor))
        assert isinstance(page["rows"], list)
        assert len(page["rows"]) <= limit
        seen += page["rows"]
        cursor = page["next"]
    assert seen == rows


def test_a_row_that_comes_in_front_moves_nothing() -> None:
    rows = [Row("a"), Row("b"), Row("c")]
    first = page_of({"rows": rows}, "rows", "name", limit=2, cursor="")
    second = page_of({"rows": [Row("0"), *rows]}, "rows", "name", limit=2, cursor=str(first["next"]))
    assert second == {"rows": [Row("c")], "next": None}


def test_a_row_that_is_gone_is_said_to_be() -> None:
    with pytest.raises(InvalidRequest, match="the list has changed") as caught:
        page_of({"rows": [Row("a")]}, "rows", "name", limit=2, cursor="b")
    assert caught.value.param == "cursor"
