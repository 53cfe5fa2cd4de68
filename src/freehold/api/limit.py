# SPDX-License-Identifier: Apache-2.0
"""How large a body may be: looked at when it is announced, and again while it comes."""

from collections.abc import Mapping

from freehold.errors import InvalidRequest, TooLarge


def require_announced_within(limit_bytes: int, headers: Mapping[str, str]) -> None:
    """Raises TooLarge, InvalidRequest, before any of the body is read."""
    announced = headers.get("content-length", "0")
    if not announced.isdecimal():
        raise InvalidRequest("Content-Length is not a number")
    if int(announced) > limit_bytes:
        raise too_large(limit_bytes)


def too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"the body is over the limit of {limit_bytes // 2**20} MB")
