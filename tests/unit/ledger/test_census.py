# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger_builder import act_bytes, admission_bytes, outcome_bytes

from freehold.ledger.check.census import Census

INDEXES = st.integers(min_value=0, max_value=40)
CALLS = st.sampled_from(["a", "b"])
ENTRIES = st.lists(
    st.one_of(
        st.builds(admission_bytes, CALLS),
        st.builds(outcome_bytes, INDEXES, CALLS),
        st.builds(admission_bytes, CALLS, allowed=st.just(value=False)),
        st.just(act_bytes()),
        st.just(b"of another release"),
        st.just(b'{"admission":1,"ending":"odd","call":"a","kind":"outcome","v":1}'),
        st.just(b'{"call":1,"kind":"admission","v":1}'),
    ),
    max_size=40,
)


def _counted(entries: list[bytes], start: int = 0) -> Census:
    census = Census(start=start)
    for entry in entries:
        census.count(entry)
    return census


@given(ENTRIES)
def test_a_log_counted_in_stretches_is_counted_the_same(entries: list[bytes]) -> None:
    joined = Census(start=0)
    for start in range(0, len(entries), 8):
        joined.join(_counted(entries[start : start + 8], start))
    assert joined == _counted(entries)


def test_an_effect_that_is_neither_is_no_refusal() -> None:
    census = _counted([b'{"call":"a","effect":"Allow","kind":"admission","v":1}'])
    assert (census.admissions, census.refusals, census.unknown) == (0, 0, 1)


def test_an_outcome_closes_only_what_stands_before_it() -> None:
    census = Census(start=0)
    census.join(_counted([*[act_bytes()] * 7, outcome_bytes(8, "a")]))
    census.join(_counted([admission_bytes("a")], 8))
    assert (census.left, census.open) == ([(8, "a")], {8: "a"})


def test_the_memory_of_a_long_log_is_a_bit_for_each_entry() -> None:
    census = _counted([act_bytes()] * 1000)
    assert len(census.closed) == 125
    assert not census.open
