# SPDX-License-Identifier: Apache-2.0
"""Chat and text completions of somebody else's API that speaks the caller's dialect: handed on as they are, both ways.

Of the request, the model's name is replaced, the usage of a stream is asked for, and keeping is turned off. Of the
answer, the one event with nothing but the usage is withheld from a caller who did not ask for it.
"""

from typing import Any

import msgspec

from freehold.dialect.chatwire import demand
from freehold.dialect.interface import Backend, Event, Exchange, Request, Tally, Upstream, Wire
from freehold.dialect.openai.ask import foreign_of, unkept
from freehold.dialect.openai.wire import count, is_done, no_choices, read_host, read_whole
from freehold.dialect.sse import ping_for


def pass_chat(request: Request, backend: Backend) -> Exchange:
    """Raises Unsupported where the API has no chat completions."""
    return _pass(request, backend, Wire.CHAT, unkept(foreign_of(backend)))


def pass_completion(request: Request, backend: Backend) -> Exchange:
    """Raises Unsupported where the API has no text completions."""
    return _pass(request, backend, Wire.COMPLETIONS, {})


def _pass(request: Request, backend: Backend, wire: Wire, forced: dict[str, Any]) -> Exchange:
    if not request.stream:
        return Passed(own_words(request, backend, wire, forced))
    options = request.fields.get("stream_options") or {}
    forced |= {"stream_options": {**options, "include_usage": True}}
    withholds_usage = options.get("include_usage") is not True
    return Passed(own_words(request, backend, wire, forced), withholds_usage=withholds_usage)


def own_words(request: Request, backend: Backend, wire: Wire, forced: dict[str, Any]) -> Upstream:
    """The caller's own fields, but for the model's name and what must be. Raises Unsupported without this wire."""
    demand(wire, backend)
    body = {**request.fields, "model": backend.model, **forced}
    return Upstream(wire=wire, body=msgspec.json.encode(body), stream=request.stream)


class Passed:
    """An answer handed on byte for byte. On the way it is read for what it costs, how it ends and whether it fails."""

    __slots__ = ("_answers", "_withholds_usage", "dropped", "tally", "upstream")

    def __init__(self, upstream: Upstream, *, withholds_usage: bool = False) -> None:
        self.upstream = upstream
        self.tally = Tally()
        self.dropped: tuple[str, ...] = ()
        self._answers = False  # whether there was a choice
        self._withholds_usage = withholds_usage

    def event(self, event: Event) -> bytes:
        if not event.data:
            return ping_for(event)
        if is_done(event):
            if not self._answers:
                raise no_choices()
            self.tally.finished = True
            return event.raw
        host = read_host(event.data, event.name)
        if host.choices:
            self._answers = True
        count(host, self.tally)
        return b"" if self._withholds_usage and host.usage and not host.choices else event.raw

    def whole(self, body: bytes) -> bytes:
        count(read_whole(body), self.tally)
        self.tally.finished = True
        return body
