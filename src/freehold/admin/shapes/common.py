# SPDX-License-Identifier: Apache-2.0
"""Words that many answers share, and problems."""

from typing import Annotated

import msgspec
from msgspec import Meta

At = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]  # RFC 3339, in UTC
ETag = Annotated[str, Meta(pattern=r'^"[0-9a-f]{32}"$', description="What to send as If-Match.")]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
Next = Annotated[str | None, Meta(description="The cursor of the next page; null: this is the last one.")]


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of an answer."""


class Changed(Shape, frozen=True):
    """The newest act on what was to be changed."""

    act: str
    by: str
    at: At


class OldError(Shape, frozen=True):
    """An error in the words of the releases before problem details."""

    code: str
    message: str
    hint: str


class Problem(Shape, frozen=True):
    """RFC 9457 problem details. ``param``: the field that is to blame. ``etag`` and ``changed``: of a conflict."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    hint: str
    error: OldError
    param: str | msgspec.UnsetType = msgspec.UNSET
    etag: str | msgspec.UnsetType = msgspec.UNSET
    changed: Changed | msgspec.UnsetType | None = msgspec.UNSET


class ProblemKind(Shape, frozen=True):
    """One kind of error."""

    type: str
    code: str
    title: str
    status: int
    hint: str


class Problems(Shape, frozen=True):
    problems: list[ProblemKind]


class OneProblem(Shape, frozen=True):
    problem: ProblemKind
