# SPDX-License-Identifier: Apache-2.0
"""Vectors for texts, in the two dialects that have them: OpenAI's and Mistral's. Never streamed, never gone on with.

Engines are asked for the bits of their floats (base64), so that no digit is lost on the way. A shorter vector is the
beginning of the whole one, brought back to length 1.
"""

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from freehold.contract.call import Dialect, Operation
from freehold.dialect.beyond import Beyond, note_beyond, note_carried
from freehold.dialect.chatwire import demand, not_the_protocol
from freehold.dialect.fields import Fields
from freehold.dialect.interface import Backend, Event, Exchange, Request, Tally, Upstream, Wire
from freehold.dialect.losses import Losses, lost_at_engine
from freehold.errors import BackendBroke, InvalidRequest, Unsupported

_MOST_INPUTS = 2048
_MOST_DIMENSIONS = 65_536
_FORMATS = ("float", "base64")
_Answer = TypeVar("_Answer")
_WIRES: Mapping[Dialect, Wire] = MappingProxyType(
    {Dialect.OPENAI: Wire.EMBEDDINGS, Dialect.MISTRAL: Wire.MISTRAL_EMBEDDINGS}
)
_DIMENSIONS: Mapping[Wire, str] = MappingProxyType(
    {Wire.EMBEDDINGS: "dimensions", Wire.MISTRAL_EMBEDDINGS: "output_dimension"}
)
_BEYOND = {
    "output_dtype": Beyond(why="vectors are given as floats", passed_over=False, idle=("float",)),
}


class EmbeddingRequest(Request, frozen=True, kw_only=True):
    """Texts that are to be given vectors. An input that is a list holds tokens of the asked model's own tokenizer."""

    dialect: Dialect
    inputs: tuple[str | list[int], ...]
    dimensions: int | None  # how many of the vector's numbers are wanted; None: all
    as_base64: bool  # the bits of 32-bit floats, little-endian


def read_request(fields: dict[str, Any], dialect: Dialect) -> EmbeddingRequest:
    """Raises InvalidRequest, Unsupported."""
    body, shorter = Fields(fields), _DIMENSIONS[_WIRES[dialect]]
    asked = body.need_text("model")
    note_beyond(body, ("model", "input", "encoding_format", "user", shorter), _BEYOND)
    if body.get("user") is not None:
        note_carried(body, "user", "user", harmless=True)
    return EmbeddingRequest(
        operation=Operation.EMBED,
        asked=asked,
        stream=False,
        fields=fields,
        extras=body.extras,
        dialect=dialect,
        inputs=_inputs(body),
        dimensions=body.whole(shorter, 1, _MOST_DIMENSIONS),
        as_base64=body.one_of("encoding_format", *_FORMATS) == "base64",
    )


def embedding_exchange(request: EmbeddingRequest, backend: Backend) -> Exchange:
    """Raises Unsupported where the backend makes no vectors, or not of what was sent."""
    own = _WIRES[request.dialect]
    if backend.foreign is None:
        demand(Wire.EMBEDDINGS, backend)
        return _from_engine(request, backend)
    if own in backend.wires:
        return PassedVectors(request, backend)
    return _translated(request, backend)


def _inputs(body: Fields) -> tuple[str | list[int], ...]:
    """One text, several, the tokens of one, or those of several."""
    given = body.get("input")
    several = isinstance(given, list) and (not given or not isinstance(given[0], int))
    inputs: list[Any] = given if several and isinstance(given, list) else [given]
    if not 1 <= len(inputs) <= _MOST_INPUTS or not all(map(_is_input, inputs)):
        raise body.invalid("input", f"a string that is not empty, or a list of 1 to {_MOST_INPUTS} of them")
    return tuple(inputs)


def _is_input(given: object) -> bool:
    if isinstance(given, list):
        return bool(given) and all(type(token) is int and 0 <= token < 2**31 for token in given)
    return isinstance(given, str) and bool(given)


def _from_engine(request: EmbeddingRequest, backend: Backend) -> "WrittenVectors":
    dropped = lost_at_engine(request)
    _refuse_tokens(request, backend)
    body = {"model": backend.model, "input": request.inputs, "encoding_format": "base64"}
    return WrittenVectors(request, backend, _upstream(Wire.EMBEDDINGS, body), dropped)


def _translated(request: EmbeddingRequest, backend: Backend) -> "WrittenVectors":
    """Asked of an API in the other dialect's words. It shortens the vectors itself, as it was trained to."""
    wire = next((wire for wire in _DIMENSIONS if wire in backend.wires), None)
    if wire is None:
        raise Unsupported(f"{backend.model} does not offer this endpoint")
    losses = Losses(request)
    losses.lose_all_but((), request.extras)
    _refuse_tokens(request, backend)
    body: dict[str, Any] = {"model": backend.model, "input": request.inputs}
    if request.dimensions is not None:
        body[_DIMENSIONS[wire]] = request.dimensions
    return WrittenVectors(request, backend, _upstream(wire, body), losses.names)


def _refuse_tokens(request: EmbeddingRequest, backend: Backend) -> None:
    if any(isinstance(given, list) for given in request.inputs):
        why = f"input: {backend.model} has a tokenizer of its own; send texts, not tokens"
        raise Unsupported(why, param="input")


def _upstream(wire: Wire, body: Mapping[str, Any]) -> Upstream:
    return Upstream(wire=wire, body=msgspec.json.encode(body), stream=False)


class _Usage(Struct):
    prompt_tokens: int = 0
    total_tokens: int = 0


class _Vector(Struct):
    embedding: list[float] | str
    index: int = 0


class _Vectors(Struct):
    data: list[_Vector]
    usage: _Usage = msgspec.field(default_factory=_Usage)
    model: str = ""


class _Cost(Struct):
    """An answer that is handed on unread, but for this."""

    data: list[msgspec.Raw]
    usage: _Usage = msgspec.field(default_factory=_Usage)
    model: str = ""


_vectors = msgspec.json.Decoder(_Vectors)
_cost = msgspec.json.Decoder(_Cost)


class PassedVectors:
    """Somebody else's answer to a caller who speaks its dialect: handed on as it is."""

    def __init__(self, request: EmbeddingRequest, backend: Backend) -> None:
        self.upstream = _upstream(_WIRES[request.dialect], {**request.fields, "model": backend.model})
        self.tally = Tally()
        self.dropped: tuple[str, ...] = ()
        self._expected = len(request.inputs)

    def event(self, event: Event) -> bytes:
        raise _no_stream(event)

    def whole(self, body: bytes) -> bytes:
        cost = _decoded(_cost, body)
        if len(cost.data) != self._expected:
            raise _other_number(self._expected, len(cost.data))
        _count(cost.usage, cost.model, self.tally)
        return body


class WrittenVectors:
    """An answer that is read, and written in the caller's dialect."""

    def __init__(
        self, request: EmbeddingRequest, backend: Backend, upstream: Upstream, dropped: tuple[str, ...]
    ) -> None:
        self.upstream = upstream
        self.tally = Tally()
        self.dropped = dropped
        self._request = request
        self._backend = backend

    def event(self, event: Event) -> bytes:
        raise _no_stream(event)

    def whole(self, body: bytes) -> bytes:
        """Raises InvalidRequest where more numbers are asked for than the model's vectors have."""
        answer = _decoded(_vectors, body)
        vectors = {vector.index: vector.embedding for vector in answer.data}
        expected = len(self._request.inputs)
        if set(vectors) != set(range(expected)) or len(answer.data) != expected:
            raise _other_number(expected, len(answer.data))
        data = [
            {"object": "embedding", "index": index, "embedding": self._written(_floats(vectors[index]))}
            for index in range(expected)
        ]
        _count(answer.usage, answer.model, self.tally)
        return msgspec.json.encode(self._around(data, answer.usage.prompt_tokens))

    def _written(self, whole: "array[float]") -> list[float] | str:
        vector = whole if self._backend.foreign else self._shortened(whole)
        return _base64(vector) if self._request.as_base64 else vector.tolist()

    def _shortened(self, whole: "array[float]") -> "array[float]":
        wanted = self._request.dimensions
        if wanted is None or wanted == len(whole):
            return whole
        if wanted > len(whole):
            param = _DIMENSIONS[_WIRES[self._request.dialect]]
            raise InvalidRequest(f"{param}: the vectors of {self._backend.model} have {len(whole)}", param=param)
        beginning = whole[:wanted]
        length = math.sqrt(math.fsum(number * number for number in beginning))
        return array("f", (number / length for number in beginning)) if length else beginning

    def _around(self, data: list[dict[str, Any]], read_tokens: int) -> dict[str, Any]:
        usage = {"prompt_tokens": read_tokens, "total_tokens": read_tokens}
        answer: dict[str, Any] = {"object": "list", "data": data, "model": self._backend.model, "usage": usage}
        if self._request.dialect is Dialect.MISTRAL:
            usage["completion_tokens"] = 0
            answer["id"] = self._request.id
        return answer


def _decoded(decoder: "msgspec.json.Decoder[_Answer]", body: bytes) -> _Answer:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise not_the_protocol(body) from exc


def _count(usage: _Usage, model: str, tally: Tally) -> None:
    tally.input_tokens = max(0, usage.prompt_tokens)
    tally.model = model
    tally.finish = "stop"
    tally.finished = True


def _floats(vector: list[float] | str) -> "array[float]":
    """Raises BackendBroke for what is no vector of finite numbers."""
    numbers = array("f")
    try:
        if isinstance(vector, str):
            numbers.frombytes(base64.b64decode(vector, validate=True))
            _little_endian(numbers)
        else:
            numbers.extend(vector)
    except (binascii.Error, ValueError, OverflowError) as exc:
        raise BackendBroke("the backend answered with a vector that is none") from exc
    if not numbers or not all(map(math.isfinite, numbers)):
        raise BackendBroke("the backend answered with a vector that is none")
    return numbers


def _base64(vector: "array[float]") -> str:
    copy = vector[:]
    _little_endian(copy)
    return base64.b64encode(copy.tobytes()).decode()


def _little_endian(numbers: "array[float]") -> None:
    """From the order of this machine into that of the format, or back."""
    if sys.byteorder == "big":
        numbers.byteswap()


def _no_stream(event: Event) -> BackendBroke:
    return BackendBroke(f"the backend streams {event.name or 'events'} where vectors come whole")


def _other_number(expected: int, found: int) -> BackendBroke:
    return BackendBroke(f"the backend gave {found} vectors for {expected} inputs")
