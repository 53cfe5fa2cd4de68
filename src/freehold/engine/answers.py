# SPDX-License-Identifier: Apache-2.0
"""What an engine's HTTP answers mean: which event ends a stream, and which error is whose. Pure.

An error is told by its status and its ``type``, never by its text, which is not passed on either.
"""

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


class _Detail(msgspec.Struct):
    type: str = ""
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class _Problem(msgspec.Struct):
    error: _Detail


_PROBLEM_DECODER: Final = msgspec.json.Decoder(_Problem)


def problem(status: int, body: bytes) -> FreeholdError:
    """The error that an engine answered with instead of an answer."""
    try:
        detail = _PROBLEM_DECODER.decode(body).error
    except msgspec.MsgspecError:
        return EngineBroke(f"the engine answered with status {status} and what is not its protocol")
    if detail.type == "exceed_context_size_error":
        return ContextExceeded(prompt_tokens=detail.n_prompt_tokens, context_tokens=detail.n_ctx)
    if status == 400:
        return InvalidRequest("the engine cannot use the request: a field has a value that it does not take")
    if status == 501:
        return Unsupported("the model that answers cannot do what is asked")
    if status == 503:
        return EngineUnavailable("the engine is loading its model")
    return EngineBroke(f"the engine failed with status {status}")


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
    found = problem(500, data)
    return found if isinstance(found, ContextExceeded) else EngineBroke("the engine failed in the middle of its answer")
