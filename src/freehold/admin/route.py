# SPDX-License-Identifier: Apache-2.0
"""What one operation is over HTTP: where it lies, what it takes, what it gives. The table of them is in ``routes``."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from freehold.admin.means import Answer, Raw
from freehold.admin.operations import Asker, Operations
from freehold.admin.requests import Request

ROOT = "/admin/v1/"


# an operation takes exactly its route's request, which a tuple of differently typed routes cannot say
Operation = Callable[[Operations, Any, Asker], Awaitable[Answer | Raw]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation over HTTP. ``{name}`` in the path is a field of the request, ``{name...}`` all that follows."""

    method: str
    path: str
    request: type[Request]
    operation: Operation
    long: bool = False  # answers with lines of progress
    gives: Any = None  # the answer's type, for the document; None: a file
    pages: tuple[str, str] | None = None  # the answer's list, and the field by which its rows are told apart
    guard: Operation | None = None  # what shows that which the operation changes, with its etag: for If-Match
