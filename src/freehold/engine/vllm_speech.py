# SPDX-License-Identifier: Apache-2.0
"""vLLM's words for what llama.cpp calls otherwise, both ways. Pure.

It goes on from an assistant's last message only if told to, and does not repeat it; counts all choices at once; refuses
more tokens than its context holds instead of stopping there; says of a long prompt that it is too long, and not by how
much; calls reasoning by another name; and fills its answers with nulls that no vendor sends. Its own messages know no
message to go on from, so messages go over chat completions.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from freehold.contract.backend import EngineStatus
from freehold.dialect.interface import Event, Upstream, Wire
from freehold.engine.speech import Asked
from freehold.errors import (
    ContextExceeded,
    EngineBroke,
    EngineUnavailable,
    FreeholdError,
    InvalidRequest,
    Unsupported,
)

_TOO_LONG: Final = frozenset({"input_tokens", "input_text"})  # what it blames for a prompt beyond its context
_COUNTED: Final = ("model", "messages", "tools", "chat_template_kwargs", "add_generation_prompt")
_MAY_BE_NULL: Final = frozenset({"content", "refusal", "logprobs", "finish_reason"})
_Document = dict[str, Any]


class VllmSpeech:
    """vLLM's words."""

    wires = frozenset({Wire.CHAT, Wire.COMPLETIONS, Wire.COUNT_TOKENS})

    def ask(self, upstream: Upstream, status: EngineStatus) -> Asked:
        return _Asked(upstream, status.context_tokens)


class _Detail(msgspec.Struct):
    param: str | None = None


class _Problem(msgspec.Struct):
    error: _Detail = msgspec.field(default_factory=_Detail)


_PROBLEM_DECODER: Final = msgspec.json.Decoder(_Problem)


class _Count(msgspec.Struct):
    count: int = 0


_COUNT_DECODER: Final = msgspec.json.Decoder(_Count)


class _Asked:
    """One call. What is no JSON object is sent as it is, for the engine to refuse."""

    __slots__ = ("_asked", "_context_tokens", "_prefill", "_wire", "body")

    def __init__(self, upstream: Upstream, context_tokens: int) -> None:
        self._wire = upstream.wire
        self._context_tokens = context_tokens
        self._asked = _decoded(upstream.body)
        self._prefill = _prefill(self._asked) if self._wire is Wire.CHAT else ""
        self.body = msgspec.json.encode(self._in_its_words()) if self._asked else upstream.body

    @property
    def counting(self) -> tuple[str, bytes] | None:
        if self._wire is Wire.CHAT:
            asked = {name: value for name, value in self._in_its_words().items() if name in _COUNTED}
        elif isinstance(self._asked.get("prompt"), str):
            asked = {"model": self._asked.get("model"), "prompt": self._asked["prompt"]}
        else:
            return None
        return "/tokenize", msgspec.json.encode(asked)

    def event(self, event: Event) -> Event:
        data = event.data
        if b'"reasoning":"' in data or (self._wire is Wire.COMPLETIONS and b'"logprobs":{' in data):
            document = _answer(data)
            for choice in document.get("choices", ()):
                self._put_back(choice, "delta")
            data = msgspec.json.encode(document)
            return Event(b"data: " + data + b"\n\n", event.name, data)
        return event

    def whole(self, body: bytes) -> bytes:
        if self._wire is Wire.COUNT_TOKENS:
            return body
        document = _answer(body)
        usage, choices = document.get("usage") or {}, document.get("choices") or []
        for choice in choices:
            self._put_back(choice, "message")
            message = choice.get("message")
            if self._prefill and isinstance(message, dict):
                message["content"] = self._prefill + (message.get("content") or "")
        for choice in choices[1:]:  # the others are counted again by their logprobs
            usage["completion_tokens"] -= len((choice.get("logprobs") or {}).get("content") or ())
        return msgspec.json.encode(_without_nulls(document))

    def problem(self, status: int, body: bytes) -> FreeholdError:
        if status == 400 and _blamed(body) in _TOO_LONG:
            asked = self._asked.get("prompt")
            known = len(asked) if isinstance(asked, list) else 0
            return ContextExceeded(prompt_tokens=known, context_tokens=self._context_tokens)
        if status in (400, 422):
            return InvalidRequest("the engine cannot use the request: a field has a value that it does not take")
        if status in (404, 405, 501):
            return Unsupported("the model that answers cannot do what is asked")
        if status == 503:
            return EngineUnavailable("the engine is not well")
        return EngineBroke(f"the engine failed with status {status}")

    def counted(self, body: bytes) -> int:
        try:
            return _COUNT_DECODER.decode(body).count
        except msgspec.MsgspecError:
            return 0

    def _in_its_words(self) -> _Document:
        asked = dict(self._asked)
        if "repeat_penalty" in asked:
            asked["repetition_penalty"] = asked.pop("repeat_penalty")
        wanted = asked.get("max_tokens")
        if self._context_tokens and isinstance(wanted, int) and wanted > self._context_tokens:
            asked["max_tokens"] = self._context_tokens
        if (asked.get("n") or 1) > 1 and asked.get("temperature") == 0:
            asked |= {"temperature": 1, "top_k": 1}  # it refuses several choices where it could only make the same one
        if self._prefill:
            asked |= {"continue_final_message": True, "add_generation_prompt": False}
        if asked.get("tools") and asked.get("response_format"):
            asked["tool_choice"] = "none"  # the answer is what must follow the schema, and no call for it to find
        return asked

    def _put_back(self, choice: _Document, said: str) -> None:
        """Put a choice into llama.cpp's words."""
        message = choice.get(said)
        if isinstance(message, dict) and message.get("reasoning"):
            message["reasoning_content"] = message.pop("reasoning")
        if self._wire is Wire.COMPLETIONS and choice.get("logprobs"):
            choice["logprobs"] = {"content": _tokens(choice["logprobs"])}


def _decoded(body: bytes) -> _Document:
    try:
        return msgspec.json.decode(body, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _answer(body: bytes) -> _Document:
    document = _decoded(body)
    if not document:
        raise EngineBroke("the engine answered what is not its protocol")
    return document


def _blamed(body: bytes) -> str:
    try:
        return _PROBLEM_DECODER.decode(body).error.param or ""
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def _prefill(asked: Mapping[str, Any]) -> str:
    messages = asked.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict) or last.get("role") != "assistant" or last.get("tool_calls"):
        return ""
    return str(last.get("content") or "")


def _tokens(legacy: Mapping[str, Any]) -> list[_Document]:
    """Logprobs in the shape of chat completions, out of that of the older endpoint."""
    texts, numbers = legacy.get("tokens") or (), legacy.get("token_logprobs") or ()
    tops = legacy.get("top_logprobs") or [None] * len(texts)
    return [
        {"token": text, "logprob": number or 0.0, "top_logprobs": _top(top)}
        for text, number, top in zip(texts, numbers, tops, strict=False)
    ]


def _top(numbers: Mapping[str, float] | None) -> list[_Document]:
    return [{"token": text, "logprob": number} for text, number in (numbers or {}).items()]


def _without_nulls(value: Any) -> Any:
    """Nulls stay only where vendors send them."""
    if isinstance(value, list):
        return [_without_nulls(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None or name in _MAY_BE_NULL}
