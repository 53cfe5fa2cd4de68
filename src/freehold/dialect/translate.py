# SPDX-License-Identifier: Apache-2.0
"""A call to an API that does not speak the caller's dialect: request and answer are written anew.

Each dialect has an ``ask.py``, which puts the chat wire's words into its own, and a ``reader.py``, which does the
opposite with the answer. What an API has no place for is refused here, or left out where the service allows it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from freehold.dialect.anthropic.ask import ask_messages
from freehold.dialect.anthropic.reader import MessagesReader
from freehold.dialect.chatwire import AnswerReader, ChatExchange, ChatRequest, ChatWriter
from freehold.dialect.fitting import Fitting
from freehold.dialect.interface import Backend, Upstream, Wire
from freehold.dialect.losses import Losses
from freehold.dialect.mistral.ask import ask_mistral
from freehold.dialect.mistral.reader import MistralReader
from freehold.dialect.openai.ask import ask_chat
from freehold.dialect.openai.reader import OpenAIReader
from freehold.dialect.responses.ask import ask_responses
from freehold.dialect.responses.reader import ResponsesReader

Ask = Callable[[ChatRequest, Backend, Losses], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Tongue:
    """One API, as it is asked and as it is read."""

    ask: Ask  # the whole body, the model and the stream included. Raises Unsupported
    reader: Callable[[], AnswerReader]
    repeats_prefill: bool = False  # whether an answer begins with the assistant's last message, which it goes on from


_TONGUES: Mapping[Wire, _Tongue] = MappingProxyType(
    {
        Wire.CHAT: _Tongue(ask_chat, OpenAIReader),
        Wire.RESPONSES: _Tongue(ask_responses, ResponsesReader),
        Wire.MESSAGES: _Tongue(ask_messages, MessagesReader),
        Wire.MISTRAL_CHAT: _Tongue(ask_mistral, MistralReader, repeats_prefill=True),
    }
)


def translated(request: ChatRequest, backend: Backend, writer: ChatWriter) -> ChatExchange:
    """Over the API's preferred wire. Raises Unsupported for what cannot be carried over and may not be dropped."""
    assert backend.foreign, "an engine is asked in its own words"  # noqa: S101
    wire = backend.foreign.preferred
    tongue, losses = _TONGUES[wire], Losses(request)
    body = msgspec.json.encode(tongue.ask(request, backend, losses))
    upstream = Upstream(wire=wire, body=body, stream=request.stream)
    fitting = Fitting(backend.model, request.prefill if tongue.repeats_prefill else "")
    return ChatExchange(upstream, writer, fitting, reader=tongue.reader(), dropped=losses.names)
