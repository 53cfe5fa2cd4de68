# SPDX-License-Identifier: Apache-2.0
"""What an engine's HTTP answers mean: which event ends a stream, and which error is whose. Pure.

An error is told by its status and its ``type``, and its text is not passed on. Two have no type of their own, and are
told by their text.
"""

import re
from typing import Final

import msgspec

from freehold.dialect.interface import Event, Wire
from freehold.errors import (
    ContextExceeded,
    EngineBroke,
    EngineUnavailable,
    FreeholdError,
    InvalidRequest,
    Unsupported,
)

# A text to be made a vector of that all slots together could not hold. One that only its own cannot hold has a type.
_TOO_LARGE: Final = re.compile(r"input \((\d{1,9}) tokens\) is too large to process")
# What it says of the schema is not passed on either: it would say where in what was made of the caller's.
_OF_A_SCHEMA: Final = "JSON schema error"


class _Detail(msgspec.Struct):
    type: str = ""
    message: str = ""
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class _Problem(msgspec.Struct):
    error: _Detail


_PROBLEM_DECODER: Final = msgspec.json.Decoder(_Problem)


def problem(status: int, body: bytes, context_tokens: int) -> FreeholdError:
    """The error that an engine with such a context answered with instead of an answer."""
    try:
        detail = _PROBLEM_DECODER.decode(body).error
    except msgspec.MsgspecError:
        return EngineBroke(f"the engine answered with status {status} and what is not its protocol")
    if too_long := _too_long(detail, context_tokens):
        return too_long
    if status == 400:
        return _refused(detail)
    if status == 501:
        return Unsupported("the model that answers cannot do what is asked")
    if status == 503:
        return EngineUnavailable("the engine is loading its model")
    return EngineBroke(f"the engine failed with status {status}")


def _refused(detail: _Detail) -> InvalidRequest:
    if _OF_A_SCHEMA in detail.message:
        return InvalidRequest(
            "the engine can make no grammar of a JSON schema in the request, that of the answer or of a tool",
            hint="Look for a $ref that leads nowhere, a type that is none, false as a schema, an empty enum.",
        )
    return InvalidRequest("the engine cannot use the request: a field has a value that it does not take")


def _too_long(detail: _Detail, context_tokens: int) -> ContextExceeded | None:
    if detail.type == "exceed_context_size_error":
        return ContextExceeded(prompt_tokens=detail.n_prompt_tokens, context_tokens=detail.n_ctx)
    if too_large := _TOO_LARGE.match(detail.message):
        return ContextExceeded(prompt_tokens=int(too_large[1]), context_tokens=context_tokens)
    return None


def closes(event: Event, wire: Wire) -> bool:
    """Whether this event says that the answer is whole. Raises what the engine says went wrong instead."""
    if event.data.startswith(b'{"error"') or event.name == "error":
        raise _broken(event.data)
    if wire is Wire.MESSAGES:
        return event.name == "message_stop"
    if wire is Wire.INFILL:
        return b'"stop":true' in event.data  # inside a JSON string the quotes would be escaped
    return event.data == b"[DONE]"


def _broken(data: bytes) -> FreeholdError:
    found = problem(500, data, 0)
    return found if isinstance(found, ContextExceeded) else EngineBroke("the engine failed in the middle of its answer")
