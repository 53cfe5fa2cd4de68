# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable

import pytest

from freehold.dialect.fields import Fields
from freehold.errors import InvalidRequest, Unsupported

Read = Callable[[Fields], object]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (1, lambda fields: fields.text("x")),
        (" ", lambda fields: fields.need_text("x")),
        (1, lambda fields: fields.flag("x")),
        ("true", lambda fields: fields.flag("x")),
        (True, lambda fields: fields.whole("x", 0, 9)),
        (1.0, lambda fields: fields.whole("x", 0, 9)),
        ("1", lambda fields: fields.whole("x", 0, 9)),
        (10, lambda fields: fields.whole("x", 0, 9)),
        (True, lambda fields: fields.number("x", 0, 2)),
        (2.01, lambda fields: fields.number("x", 0, 2)),
        (10**400, lambda fields: fields.number("x", 0, 2)),
        ("c", lambda fields: fields.one_of("x", "a", "b")),
        ([], lambda fields: fields.one_of("x", "a", "b")),
        ([], lambda fields: fields.inner("x")),
        ({}, lambda fields: fields.each("x")),
        ([], lambda fields: fields.need_each("x")),
        ([""], lambda fields: fields.stops("x")),
        (["a"] * 17, lambda fields: fields.stops("x")),
        ([1], lambda fields: fields.stops("x")),
        (0, lambda fields: fields.max_tokens("x")),
        (-5, lambda fields: fields.max_tokens("x")),
        (1_048_577, lambda fields: fields.max_tokens("x")),
        (10**30, lambda fields: fields.max_tokens("x")),
        (2**64, lambda fields: fields.seed("x")),
    ],
)
def test_wrong_value_is_refused_by_its_path(value: object, read: Read) -> None:
    with pytest.raises(InvalidRequest, match=r"a\.x must be") as caught:
        read(Fields({"x": value}, "a"))
    assert caught.value.param == "a.x"


def test_element_that_is_not_an_object_is_named_by_its_index() -> None:
    with pytest.raises(InvalidRequest, match="an object") as caught:
        Fields({"messages": [{}, 1]}).each("messages")
    assert caught.value.param == "messages[1]"


def test_null_is_absent() -> None:
    fields = Fields({"x": None})
    assert [fields.text("x"), fields.flag("x"), fields.whole("x", 1, 2), fields.stops("x")] == [None] * 4
    assert fields.each("x") == []


def test_missing_field_is_said_to_be_missing() -> None:
    with pytest.raises(InvalidRequest, match="model is missing; it must be"):
        Fields({}).need_text("model")


@pytest.mark.parametrize(("seed", "sent"), [(7, 7), (-1, 2**32 - 2), (2**32 - 1, 0), (2**63, 2**63 % (2**32 - 1))])
def test_seed_is_folded_and_never_the_one_that_means_random(seed: int, sent: int) -> None:
    assert Fields({"seed": seed}).seed("seed") == sent != 2**32 - 1


def test_what_asks_for_nothing_is_not_refused() -> None:
    nothing: list[object] = [None, False, 0, [], {}]
    for value in nothing:
        Fields({"store": value}).refuse_if("store", "why")
    with pytest.raises(Unsupported, match="store: why"):
        Fields({"store": True}).refuse_if("store", "why")
