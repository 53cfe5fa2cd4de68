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

from msgspec import Struct

from freehold.contract.backend import Priority
from freehold.contract.call import Dialect, Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect.limits import RateLimits
from freehold.errors import FreeholdError


class Wire(StrEnum):
    """What a backend speaks: one endpoint of one API each."""

    CHAT = "chat"  # OpenAI's chat completions, and what engines make of them
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
    COUNT_TOKENS = "count_tokens"
    MISTRAL_CHAT = "mistral_chat"
    FIM = "fim"
    EMBEDDINGS = "embeddings"
    MISTRAL_EMBEDDINGS = "mistral_embeddings"
    INFILL = "infill"  # llama.cpp's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """What an exchange must know of somebody else's API, beside its wires."""

    preferred: Wire  # over which a request in a dialect that it does not speak goes
    prefill: Prefill
    answer_tokens: int  # bound on an answer, where the API demands one and the caller gave none
    max_tokens_name: str = "max_tokens"  # what its chat completions call that bound
    reasoning: bool = True  # whether the model can be told how much to reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What an exchange must know of whoever will answer."""

    model: str  # its name, as it stands in the answer
    wires: frozenset[Wire]
    context_tokens: int  # 0: not known
    tools: bool
    fim: bool = False
    most_choices: int = 16  # to one prompt; an engine makes at most as many at once as it has slots
    foreign: Foreign | None = None  # None: an engine of this estate


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A part of a request that not every backend has a place for. One that speaks the caller's dialect does.

    ``name`` is what a service may let go, in ``drop``: the field, or a kind of content such as ``image``. One that is
    harmless asks for nothing that shows in the answer, and is left out without leave; that it was is said all the same.
    One that is passed over has no meaning for any engine of this estate, which leave it out without leave, too.
    """

    name: str
    param: str  # where it stands in the request
    why: str  # it is refused where it has no place, for whoever sent it
    harmless: bool = False
    passed_over: bool = False


class Request(Struct, frozen=True, kw_only=True):
    """A request that is well-formed in its dialect. ``fields`` is the decoded body, never changed in place.

    ``id`` and ``at_unix`` name and date an answer for which the backend gives neither; ``drop`` is what the service
    lets go, by the names of extras, ``*`` for all. Who has the call sets these three.
    """

    operation: Operation
    asked: str
    stream: bool
    fields: Mapping[str, Any]
    extras: tuple[Extra, ...] = ()
    id: str = ""
    at_unix: int = 0
    drop: frozenset[str] = frozenset()
    betas: str = ""  # the caller's header ``anthropic-beta``


class Upstream(Struct, frozen=True, kw_only=True):
    """What to send to the backend."""

    wire: Wire
    body: bytes
    stream: bool
    betas: str = ""  # features of Anthropic's API that the caller's own fields need
    priority: Priority = Priority.NORMAL  # where it has to wait
    traceparent: str = ""  # of the call's trace, for whoever may be told


class Event(Struct, frozen=True, gc=False):
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
    model: str = ""  # what a provider says it answered with
    finished: bool = field(default=False)  # the backend said that the answer is whole


class Exchange(Protocol):
    """One answer on its way from a backend to the caller. Used once, for one target."""

    upstream: Upstream
    tally: Tally
    dropped: tuple[str, ...]  # names of extras that were left out, as the service allows

    def event(self, event: Event) -> bytes:
        """The caller's bytes for one event of the backend; may be empty, may be several events. Raises BackendBroke."""
        ...

    def whole(self, body: bytes) -> bytes:
        """The caller's body for a whole answer. Raises BackendBroke if the backend's is not its protocol."""
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

    def limit_headers(self, limits: RateLimits) -> list[tuple[str, str]]:
        """A provider's rate limits as headers of this dialect, in small letters; of what it said nothing, none."""
        ...

    def models(self, names: Sequence[str], created_unix: int) -> bytes:
        """The body of GET /v1/models."""
        ...

    def model(self, name: str, created_unix: int) -> bytes:
        """The body of GET /v1/models/{id}."""
        ...
