# SPDX-License-Identifier: Apache-2.0
"""What may be asked of the admin operations, typed. A field that is not named here is refused, never ignored."""

from typing import Annotated

import msgspec
from msgspec import Meta

from freehold.admin.keys import EVERY_SERVICE
from freehold.settings import DataClassName

Label = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=128)]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a request, and the names in its path."""


class Nothing(Request, frozen=True):
    """A request that needs no words."""


class CreateKey(Request, frozen=True):
    """An API key. Without services it may use every one; without a rate, gateway.requests_per_minute is its rate."""

    label: Label = ""
    services: Annotated[tuple[Name, ...], Meta(min_length=1)] = EVERY_SERVICE
    requests_per_minute: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    data_class: DataClassName = "public"
    expires_in_s: Annotated[float, Meta(gt=0, le=100 * 366 * 86400)] | None = None


class CreateOperator(Request, frozen=True):
    """Somebody who may use the admin port."""

    label: Label = ""


class ById(Request, frozen=True):
    """One key or operator."""

    id: Name


class ByName(Request, frozen=True):
    """One model."""

    name: Name


class ImportModel(Request, frozen=True):
    """A model file on this machine: a path, absolute, because the control process has a folder of its own."""

    source: Annotated[str, Meta(min_length=1, max_length=4096)]
    name: Name | None = None
    sha256: Annotated[str, Meta(pattern=r"^(sha256:)?[0-9a-fA-F]{64}\Z")] | None = None
