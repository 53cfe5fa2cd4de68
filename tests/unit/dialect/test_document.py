# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.dialect.document import read_object
from freehold.errors import InvalidRequest


def nested(levels: int) -> bytes:
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def test_object_is_read() -> None:
    assert read_object(b'{"a": [1, "\\ud83d\\ude00"]}') == {"a": [1, "\U0001f600"]}


def test_last_of_duplicate_keys_counts() -> None:
    assert read_object(b'{"n": 1, "n": 2}') == {"n": 2}


def test_depth_is_bounded_exactly() -> None:
    assert read_object(nested(128))
    with pytest.raises(InvalidRequest, match="deeper than 128"):
        read_object(nested(129))


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert len(read_object(b'{"a":[' + b",".join([b"{}"] * 1000) + b"]}")["a"]) == 1000


def test_message_says_what_the_body_is_not() -> None:
    with pytest.raises(InvalidRequest, match="not UTF-8"):
        read_object(b'{"a": "\xff"}')
    with pytest.raises(InvalidRequest, match="not well-formed JSON"):
        read_object(b"{")
    with pytest.raises(InvalidRequest, match="must be a JSON object"):
        read_object(b"[]")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'\xef\xbb\xbf{"a": 1}', r"invalid character \(byte 0\)"),
        (b'{"a": "secret \\ud83d and on"}', r"surrogate pair \(byte 20\)"),
        (b'{"a": NaN}', r"invalid character \(byte 6\)"),
        (b'{"a": 1e999}', "number out of range$"),
        (b'{"secret": "\xff"}', r"not UTF-8 \(byte 12\)"),
    ],
)
def test_message_says_where_it_breaks_off_and_nothing_of_what_stands_there(body: bytes, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why) as caught:
        read_object(body)
    assert "secret" not in str(caught.value)
