# SPDX-License-Identifier: Apache-2.0
"""Ids of tool calls: kept where they fit, else made to fit, and the same wherever they stand."""

import re

from hypothesis import given
from hypothesis import strategies as st

from freehold.dialect.callids import CallIds

MISTRALS = re.compile("[a-zA-Z0-9]{9}")


@given(st.text(alphabet="azAZ09", min_size=9, max_size=9))
def test_an_id_that_fits_stays(identity: str) -> None:
    assert CallIds(MISTRALS).of(identity) == identity


@given(st.text())
def test_every_id_is_made_to_fit_and_always_in_the_same_way(identity: str) -> None:
    made = CallIds(MISTRALS).of(identity)
    assert MISTRALS.fullmatch(made)
    assert CallIds(MISTRALS).of(identity) == made == CallIds(MISTRALS).of(made)


@given(st.lists(st.text(), unique=True, max_size=50))
def test_different_ids_stay_different(identities: list[str]) -> None:
    ids = CallIds(MISTRALS)
    assert len({ids.of(identity) for identity in identities}) == len(identities)
