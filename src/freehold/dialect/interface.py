# SPDX-License-Identifier: Apache-2.0
"""The seam between a caller's dialect and a backend's wire.

A ``Codec`` knows one dialect: it reads a request, and writes models, errors and events. For each call it makes one
``Exchange``, which knows what to send to a backend and turns what comes back into the caller's bytes. Where the backend
speaks the caller's dialect the exchange hands events on as they came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from freehold.contract.call import Dialect, Operation
from freehold.errors import FreeholdError


class Wire(StrEnum):
    """What a backend speaks; for an engine, one HTTP path each."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    MESSAGES = "/v1/messages"
    COUNT_TOKENS = "/v1/messages/count_tokens"
    INFILL = "/infill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What an exchange must know of whoever will answer."""

    model: str  # its name, as it stands in the answer
    wires: frozenset[Wire]
    context_tokens: int
    tools: bool
    fim: bool = False
    most_choices: int = 16  # to one prompt; an engine makes at most as many at once as it has slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that is well-formed in its dialect. ``fields`` is the decoded body, never changed in place.

    ``id`` and ``at_unix`` name and date an answer for which the backend gives neither; who has the call sets them.
    """

    operation: Operation
    asked: str
    stream: bool
    fields: Mapping[str, Any]
    id: str = ""
    at_unix: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What to send to the backend."""

    wire: Wire
    body: bytes
    stream: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: its bytes as they came, blank line included, and its parsed parts."""

    raw: bytes
    name: str
    data: bytes


@dataclass(slots=True)
class Tally:
    """What the exchange has learnt of the answer so far."""

    input_tokens: int = 0
    output_tokens: int = 0
    finish: str = ""
    finished: bool = field(default=False)  # the backend said that the answer is whole


class Exchange(Protocol):
    """One answer on its way from a backend to the caller. Used once, for one target."""

    upstream: Upstream
    tally: Tally

    def event(self, event: Event) -> bytes:
        """The caller's bytes for one event of the backend; may be empty, may be several events. Raises EngineBroke."""
        ...

    def whole(self, body: bytes) -> bytes:
        """The caller's body for a whole answer. Raises EngineBroke if the backend's is not its protocol."""
        ...


class Codec(Protocol):
    """One dialect."""

    dialect: Dialect

    def parse(self, operation: Operation, body: bytes) -> Request:
        """Read a request. Raises InvalidRequest naming the field, Unsupported for what no target could do."""
        ...

    def exchange(self, request: Request, backend: Backend) -> Exchange:
        """Plan the call for one backend. Raises Unsupported where the backend cannot do what is asked."""
        ...

    def error(self, problem: FreeholdError, request_id: str) -> tuple[int, bytes]:
        """HTTP status and JSON body of a problem, in this dialect's shape."""
        ...

    def error_event(self, problem: FreeholdError, request_id: str) -> bytes:
        """The events that end a stream which has already begun."""
        ...

    def models(self, names: Sequence[str], created_unix: int) -> bytes:
        """The body of GET /v1/models."""
        ...

    def model(self, name: str, created_unix: int) -> bytes:
        """The body of GET /v1/models/{id}."""
        ...
