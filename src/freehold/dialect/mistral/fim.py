# SPDX-License-Identifier: Apache-2.0
"""``/v1/fim/completions`` over the engine's ``/infill``, which has a shape, and an end, of its own."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from freehold.contract.call import Operation
from freehold.dialect.beyond import Beyond, note_beyond
from freehold.dialect.chatwire import not_the_protocol
from freehold.dialect.fields import Fields, present
from freehold.dialect.interface import Backend, Event, Request, Tally, Upstream, Wire
from freehold.dialect.mistral.chat import read_sampling
from freehold.dialect.sse import DONE, data_event, ping_for
from freehold.errors import Unsupported

_KNOWN = frozenset({"model", "prompt", "suffix", "max_tokens", "stop", "stream", "temperature", "top_p", "random_seed"})
_BEYOND = {"min_tokens": Beyond(why="the target ends an answer where the model does", passed_over=False)}


class FimRequest(Request, frozen=True, kw_only=True):
    """A request to fill in the middle, in the engine's words."""

    body: Mapping[str, Any]


def read_request(fields: dict[str, Any]) -> FimRequest:
    """Raises InvalidRequest, Unsupported."""
    body = Fields(fields)
    asked = body.need_text("model")
    note_beyond(body, _KNOWN, _BEYOND)
    prompt = body.text("prompt")
    if prompt is None:
        raise body.invalid("prompt", "a string")
    wire = present(
        input_prefix=prompt,
        input_suffix=body.text("suffix") or "",
        n_predict=body.max_tokens("max_tokens"),
        stop=body.stops("stop"),
        **read_sampling(body),
    )
    stream = body.flag("stream") or False
    return FimRequest(operation=Operation.FIM, asked=asked, stream=stream, fields=fields, extras=body.extras, body=wire)


def cannot_fill(backend: Backend) -> Unsupported:
    return Unsupported(f"{backend.model} cannot fill in the middle", param="model")


class _Infill(Struct):
    content: str
    stop: bool
    stop_type: str = ""
    tokens_predicted: int = 0
    tokens_evaluated: int = 0


_decoder = msgspec.json.Decoder(_Infill)


class FimExchange:
    """Writes the engine's infill as chat. It names and dates no answer, so the request's id and time stand in."""

    def __init__(self, request: FimRequest, backend: Backend) -> None:
        if not backend.fim or Wire.INFILL not in backend.wires:
            raise cannot_fill(backend)
        body = {"stream": request.stream, **request.body}
        self.upstream = Upstream(wire=Wire.INFILL, body=msgspec.json.encode(body), stream=request.stream)
        self.tally = Tally()
        self.dropped: tuple[str, ...] = ()
        self._request = request
        self._model = backend.model

    def event(self, event: Event) -> bytes:
        if not event.data:
            return ping_for(event)
        infill = self._read(event.data)
        delta = {"role": "assistant", "content": infill.content}
        if not infill.stop:
            return data_event(self._written("chat.completion.chunk", delta=delta, finish_reason=None))
        last = self._written("chat.completion.chunk", delta=delta, finish_reason=self.tally.finish)
        return data_event(last) + DONE

    def whole(self, body: bytes) -> bytes:
        infill = self._read(body)
        message = {"role": "assistant", "content": infill.content, "tool_calls": None}
        return self._written("chat.completion", message=message, finish_reason=self.tally.finish)

    def _read(self, data: bytes) -> _Infill:
        try:
            infill = _decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            raise not_the_protocol(data) from exc
        self.tally.input_tokens, self.tally.output_tokens = infill.tokens_evaluated, infill.tokens_predicted
        if infill.stop:
            self.tally.finish = "length" if infill.stop_type == "limit" else "stop"
            self.tally.finished = True
        return infill

    def _written(self, kind: str, **choice: object) -> bytes:
        chat = {
            "id": self._request.id,
            "object": kind,
            "created": self._request.at_unix,
            "model": self._model,
            "choices": [{"index": 0, **choice}],
        }
        if self.tally.finished:
            read, written = self.tally.input_tokens, self.tally.output_tokens
            chat["usage"] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        return msgspec.json.encode(chat)
