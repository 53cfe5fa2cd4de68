# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from freehold.ledger.tree.bundle import join_entries, split_entries


@given(st.lists(st.binary(max_size=300)))
def test_entries_come_back_as_they_went_in(entries: list[bytes]) -> None:
    assert split_entries(join_entries(entries)) == entries


@given(st.lists(st.binary(max_size=50), min_size=1), st.data())
def test_a_cut_off_entry_is_noticed(entries: list[bytes], data: st.DataObject) -> None:
    whole = join_entries(entries)
    last = 2 + len(entries[-1])
    cut = data.draw(st.integers(1, last))
    expected = entries[:-1] if cut == last else None
    assert split_entries(whole[:-cut]) == expected


def test_the_longest_entry_fits() -> None:
    assert join_entries([b"x" * 65_535])[:2] == b"\xff\xff"
