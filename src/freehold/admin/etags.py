# SPDX-License-Identifier: Apache-2.0
"""Entity tags, RFC 9110 §8.8.3: what a thing was when somebody looked at it, and whether it still is.

Two kinds are given out. The header is over the very bytes of an answer. The field ``etag`` of a view is over what a
decision depends on, so that a counter that moves on does not stand in an operator's way.
"""

import hashlib
import re
from collections.abc import Mapping

import msgspec

from freehold.errors import InvalidRequest

ANY = "*"
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_LIST = re.compile(rf"\s*{_TAG.pattern}(\s*,\s*{_TAG.pattern})*\s*")
_HEX_DIGITS = 32


def etag_of(value: object) -> str:
    """The strong tag of a value: the same for the same JSON."""
    return etag_of_bytes(msgspec.json.encode(value, order="sorted"))


def etag_of_bytes(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:_HEX_DIGITS]}"'


def with_etag(view: Mapping[str, object], *leaving_out: str) -> dict[str, object]:
    """A view with its tag, over all of it but what changes without anybody's decision."""
    decided = {name: value for name, value in view.items() if name not in leaving_out}
    return {**view, "etag": etag_of(decided)}


def read_tags(header: str) -> frozenset[str]:
    """The strong tags of an If-Match, §13.1.1: a weak one matches nothing. Raises InvalidRequest."""
    return frozenset(tag for weak, tag in _tags(header) if not weak)


def read_known(header: str) -> frozenset[str]:
    """The tags of an If-None-Match, §13.1.2, where a weak one counts. Raises InvalidRequest."""
    return frozenset(tag for _, tag in _tags(header))


def _tags(header: str) -> list[tuple[str, str]]:
    if header.strip() == ANY:
        return [("", ANY)]
    if not _LIST.fullmatch(header):
        raise InvalidRequest(
            "an entity tag is not in double quotes", hint='Send it as it was given: If-Match: "3f9a..."'
        )
    return [(found[1] or "", found[2]) for found in _TAG.finditer(header)]
