# SPDX-License-Identifier: Apache-2.0
"""Responses to a provider that speaks them: the caller's own fields, and the provider's own bytes.

Two fields are ours: ``model``, and ``store``, for nothing is to be kept there. And what such a provider cannot find is
left out: earlier reasoning of which only the id and a summary are there. Of the answer only the events are looked into
that may name the model, end it, or say what it cost.

``response.failed`` and ``error`` are never forwarded: another target may begin, or go on, and where none can the caller
is told in the same words by whoever knows that. What comes before the first word, ``response.created`` and the like,
waits for it, so that whoever answers in the end is the only one that the caller hears of.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from freehold.dialect.chatwire import demand
from freehold.dialect.interface import Backend, Event, Exchange, Request, Tally, Upstream, Wire
from freehold.dialect.responses.wire import Lifecycle, Response, kind_of, read, read_whole, type_of
from freehold.dialect.sse import as_it_came
from freehold.errors import BackendBroke

_OPENINGS = ("response.created", "response.queued", "response.in_progress")
_ENDS = ("response.completed", "response.incomplete")
_FAILURES = ("response.failed", "response.cancelled", "error")


def pass_response(request: Request, backend: Backend) -> Exchange:
    """Raises Unsupported where the backend does not speak Responses."""
    demand(Wire.RESPONSES, backend)
    fields, dropped = _findable(request.fields)
    body = msgspec.json.encode({**fields, "model": backend.model, "store": False})
    return PassedResponse(Upstream(wire=Wire.RESPONSES, body=body, stream=request.stream), dropped)


class PassedResponse:
    """One response on its way. Used once."""

    def __init__(self, upstream: Upstream, dropped: tuple[str, ...]) -> None:
        self.upstream = upstream
        self.tally = Tally()
        self.dropped = dropped
        self._held: list[bytes] | None = []  # the opening; None once the model has said something

    def event(self, event: Event) -> bytes:
        kind = kind_of(event) if event.data and event.data != b"[DONE]" else ""
        if kind.endswith(".delta"):
            self.tally.output_tokens += 1
        elif kind in _OPENINGS:
            self.tally.model = read(event.data, Lifecycle).response.model
        elif kind in _FAILURES:
            raise BackendBroke("the backend failed while it answered")
        elif kind in _ENDS:
            self._end(kind, event.data)
        if self._held is None:
            return as_it_came(event)
        self._held.append(as_it_came(event))
        return b"" if kind in _OPENINGS or not event.data else self._release(self._held)

    def whole(self, body: bytes) -> bytes:
        response = read_whole(body)
        self._count(response)
        return body

    def _end(self, kind: str, data: bytes) -> None:
        response = read(data, Lifecycle).response
        if kind == "response.incomplete":
            response.status = "incomplete"
        self._count(response)

    def _count(self, response: Response) -> None:
        calls = any(type_of(item) == "function_call" for item in response.output or ())
        self.tally.finish = response.cut() or ("tool_calls" if calls else "stop")
        self.tally.model = response.model or self.tally.model
        if response.usage:
            self.tally.input_tokens = response.usage.input_tokens
            self.tally.output_tokens = response.usage.output_tokens
        self.tally.finished = True

    def _release(self, held: list[bytes]) -> bytes:
        self._held = None
        return b"".join(held)


def _findable(fields: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The fields without reasoning that stands nowhere, and the name of what was left out."""
    items = fields["input"]
    if not isinstance(items, list):
        return fields, ()
    kept = [item for item in items if item.get("type") != "reasoning" or _is_here(item)]
    return ({**fields, "input": kept}, ("reasoning",)) if len(kept) < len(items) else (fields, ())


def _is_here(reasoning: Mapping[str, Any]) -> bool:
    return bool(reasoning.get("encrypted_content") or reasoning.get("content"))
