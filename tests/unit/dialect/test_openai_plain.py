# SPDX-License-Identifier: Apache-2.0
"""Whatever the reader of plain requests takes, the reader of all requests takes alike."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from freehold.dialect.openai.chat import read_request
from freehold.dialect.openai.plain import read_plain
from freehold.errors import CallerError

_NUMBERS = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 3), st.floats(-1, 3, allow_nan=False), st.text(max_size=2)
)
_MESSAGES = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["system", "user", "assistant", "developer", "tool", "nobody"])},
            optional={
                "content": st.one_of(st.none(), st.text(max_size=5), st.just([{"type": "text", "text": "a"}])),
                "name": st.text(max_size=3),
            },
        ),
        st.none(),
    ),
    max_size=3,
)
_REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.one_of(st.none(), st.text(max_size=4), st.just(" \u00a0\u2003"), st.just("\x1f")),
        "messages": st.one_of(st.none(), _MESSAGES),
        "stream": st.one_of(st.none(), st.booleans(), st.integers(0, 1)),
        "max_tokens": st.one_of(_NUMBERS, st.just(2**70)),
        "temperature": _NUMBERS,
        "top_p": _NUMBERS,
        "user": st.text(max_size=2),
    },
)
_PLAIN = st.fixed_dictionaries(
    {
        "model": st.text(min_size=1, max_size=4),
        "messages": st.lists(
            st.fixed_dictionaries(
                {"content": st.text(max_size=5), "role": st.sampled_from(["system", "user", "assistant"])}
            ),
            min_size=1,
            max_size=3,
        ),
    },
    optional={
        "stream": st.one_of(st.none(), st.booleans()),
        "max_tokens": st.one_of(st.none(), st.integers(1, 9)),
        "temperature": st.one_of(st.none(), st.integers(0, 2), st.floats(0, 2)),
        "top_p": st.one_of(st.none(), st.floats(0, 1)),
    },
)


@given(st.one_of(_PLAIN, _REQUESTS))
def test_both_readers_make_the_same_of_a_request(fields: dict[str, Any]) -> None:
    plain = read_plain(fields)
    if plain is not None:
        assert plain == read_request(fields)


def test_the_usual_request_is_plain() -> None:
    message = {"role": "user", "content": "Say hi"}
    assert read_plain({"model": "m", "messages": [message], "stream": True, "max_tokens": 9, "temperature": 1})


def test_what_is_wrong_or_unusual_is_left_to_the_other_reader() -> None:
    for fields in ({}, {"model": "m", "messages": []}, {"model": "m", "messages": [{"role": "user"}], "n": 2}):
        assert read_plain(fields) is None


def test_what_is_refused_is_refused_by_both() -> None:
    for fields in ({"model": " ", "messages": [{"role": "user", "content": ""}]},):
        assert read_plain(fields) is None
        try:
            read_request(fields)
        except CallerError:
            continue
        raise AssertionError(fields)
