# SPDX-License-Identifier: Apache-2.0
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.errors import VaultError
from freehold.vault.inspect.documents import Node, read_json, tables

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_was_written_is_read(value: Node) -> None:
    assert read_json(json.dumps(value).encode(), "x") == value


@given(st.binary(max_size=200))
def test_anything_is_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(VaultError):
        read_json(content, "x")


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert read_json(b'"\\ud83d\\ude00"', "x") == "\U0001f600"


def test_more_values_than_any_vocabulary_has_are_refused() -> None:
    with pytest.raises(VaultError, match="x: has more than 5000000 values"):
        read_json(b"[" * 5_000_001, "x")


def test_the_refusal_names_the_line() -> None:
    with pytest.raises(VaultError, match="x, line 2: this is not JSON"):
        read_json(b'{\n"a": }', "x")


def test_every_table_is_found_with_its_path() -> None:
    found = dict(tables({"a": {"b": 1}, "c": [[{"d": 2}], 3], "e": []}))
    assert found == {"": {"a": {"b": 1}, "c": [[{"d": 2}], 3], "e": []}, "a": {"b": 1}, "c[0][0]": {"d": 2}}
