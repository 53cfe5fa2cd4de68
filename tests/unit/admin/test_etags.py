# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.admin.etags import etag_of, read_known, read_tags, with_etag
from freehold.errors import InvalidRequest


def test_the_same_json_has_the_same_tag_in_whatever_order() -> None:
    assert etag_of({"a": 1, "b": (2,)}) == etag_of({"b": [2], "a": 1})
    assert etag_of({"a": 1}) != etag_of({"a": 2})


def test_what_changes_by_itself_changes_no_tag() -> None:
    first, second = ({"state": "active", "seen": number} for number in (1, 2))
    assert with_etag(first, "seen")["etag"] == with_etag(second, "seen")["etag"]
    assert with_etag(first)["etag"] != with_etag(second)["etag"]


@pytest.mark.parametrize(
    ("header", "strong", "known"),
    [
        ('"a"', {'"a"'}, {'"a"'}),
        ('"a", W/"b" ,"c"', {'"a"', '"c"'}, {'"a"', '"b"', '"c"'}),
        ("*", {"*"}, {"*"}),
        ('"a,b"', {'"a,b"'}, {'"a,b"'}),
        ('""', {'""'}, {'""'}),
    ],
)
def test_a_header_is_read_as_http_has_it(header: str, strong: set[str], known: set[str]) -> None:
    assert (set(read_tags(header)), set(read_known(header))) == (strong, known)


@pytest.mark.parametrize("header", ["", "a", '"a" "b"', '"a",', 'w/"a"', '"a\n"', '*, "a"'])
def test_what_is_no_tag_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest):
        read_tags(header)
