# SPDX-License-Identifier: Apache-2.0
"""How a kind of engine is spoken to. What is sent and what comes back is in llama.cpp's words for every other layer.

Another kind's speech puts what is sent into its own words, and what it says back into those. Pure.
"""

from typing import Final, Protocol

from freehold.contract.backend import EngineStatus
from freehold.dialect.interface import Event, Upstream, Wire
from freehold.engine.answers import problem
from freehold.errors import FreeholdError

PATHS: Final = {
    Wire.CHAT: "/v1/chat/completions",
    Wire.COMPLETIONS: "/v1/completions",
    Wire.MESSAGES: "/v1/messages",
    Wire.COUNT_TOKENS: "/v1/messages/count_tokens",
    Wire.INFILL: "/infill",
    Wire.EMBEDDINGS: "/v1/embeddings",
}


class Asked(Protocol):
    """One call, as the engine is asked it. Used once."""

    body: bytes

    @property
    def counting(self) -> tuple[str, bytes] | None:
        """Path and body of the question how many tokens the prompt has, where a refusal of the engine's lacks that."""
        ...

    def event(self, event: Event) -> Event:
        """An event of the answer. Raises EngineBroke for what is not the engine's protocol."""
        ...

    def whole(self, body: bytes) -> bytes:
        """A whole answer. Raises EngineBroke."""
        ...

    def problem(self, status: int, body: bytes) -> FreeholdError:
        """What the engine answered with instead."""
        ...

    def counted(self, body: bytes) -> int:
        """The answer to ``counting``; 0 for what is none."""
        ...


class Speech(Protocol):
    """One kind of engine. It answers on ``wires``, as far as its model can."""

    wires: frozenset[Wire]

    def ask(self, upstream: Upstream, status: EngineStatus) -> Asked: ...


class _AsItIs:
    """llama.cpp is asked, and answers, in its own words, and tells every number at once."""

    __slots__ = ("_context_tokens", "body")
    counting = None

    def __init__(self, body: bytes, context_tokens: int) -> None:
        self.body = body
        self._context_tokens = context_tokens

    def event(self, event: Event) -> Event:
        return event

    def whole(self, body: bytes) -> bytes:
        return body

    def problem(self, status: int, body: bytes) -> FreeholdError:
        return problem(status, body, self._context_tokens)

    def counted(self, body: bytes) -> int:  # noqa: ARG002 - nothing was asked
        return 0


class LlamaCppSpeech:
    """llama.cpp's own words."""

    wires = frozenset(PATHS)

    def ask(self, upstream: Upstream, status: EngineStatus) -> Asked:
        return _AsItIs(upstream.body, status.context_tokens)
