# SPDX-License-Identifier: Apache-2.0
"""How large a body may be: looked at when it is announced, and again while it comes."""

from collections.abc import Mapping

from freehold.errors import InvalidRequest, TooLarge


def announced_within(limit_bytes: int, headers: Mapping[str, str]) -> int | None:
    """How long the body is, if that is said. Raises TooLarge, InvalidRequest, before any of it is read."""
    announced = headers.get("content-length")
    if announced is None:
        return None
    if not announced.isdecimal():
        raise InvalidRequest("Content-Length is not a number")
    announced_bytes = int(announced)
    if announced_bytes > limit_bytes:
        raise too_large(limit_bytes)
    return announced_bytes


def too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"the body is over the limit of {limit_bytes // 2**20} MB")
