# SPDX-License-Identifier: Apache-2.0
"""Long lists in pages. A cursor names the last row given, so that rows which come or go elsewhere do no harm."""

from collections.abc import Mapping, Sequence

from freehold.errors import InvalidRequest


def page_of(answer: Mapping[str, object], noun: str, field: str, *, limit: int, cursor: str) -> dict[str, object]:
    """The answer with ``limit`` rows of its list, those after ``cursor``; ``next`` is the cursor of the next page.

    Raises InvalidRequest for a row that is not there any more.
    """
    rows = answer[noun]
    assert isinstance(rows, Sequence)  # noqa: S101 - the route says that it is a list
    start = _after(rows, field, cursor)
    page = rows[start : start + limit]
    more = start + limit < len(rows)
    return {**answer, noun: page, "next": _name(page[-1], field) if more else None}


def _after(rows: Sequence[object], field: str, cursor: str) -> int:
    if not cursor:
        return 0
    found = next((number for number, row in enumerate(rows) if _name(row, field) == cursor), None)
    if found is None:
        raise InvalidRequest(
            "the list has changed, and the last row that was given is not in it any more",
            param="cursor",
            hint="Begin again, without a cursor.",
        )
    return found + 1


def _name(row: object, field: str) -> str:
    return str(row[field] if isinstance(row, Mapping) else getattr(row, field))
