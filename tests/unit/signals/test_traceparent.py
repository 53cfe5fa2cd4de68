# SPDX-License-Identifier: Apache-2.0
"""W3C Trace Context: what is a traceparent, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.signals.traceparent import Parent, read, written

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_a_parent_is_read_with_whether_it_is_sampled() -> None:
    assert read(f"00-{TRACE}-{SPAN}-01") == Parent(TRACE, SPAN, sampled=True)
    assert read(f"00-{TRACE}-{SPAN}-00") == Parent(TRACE, SPAN, sampled=False)


def test_of_a_later_version_as_much_is_read_as_is_known() -> None:
    assert read(f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like") == Parent(TRACE, SPAN, sampled=True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
        "a secret that somebody put here",
    ],
)
def test_what_is_none_is_not_taken(header: str) -> None:
    assert read(header) is None


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_is_written_is_read_again(trace: int, span: int, sampled: bool) -> None:
    parent = Parent(f"{trace:032x}", f"{span:016x}", sampled)
    assert read(written(parent.trace_id, parent.span_id, sampled=parent.sampled)) == parent


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    read(text)
