# SPDX-License-Identifier: Apache-2.0
"""The legacy ``/v1/completions``. The engine speaks it but for the shape of logprobs and the place of the usage.

What it would silently leave out of the answer (``echo``, ``suffix``, ``best_of``) it is not asked for. Nor for several
prompts at once, because it counts the tokens of the first alone.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from freehold.contract.call import Operation
from freehold.dialect.beyond import HARMLESS, Beyond, note_beyond
from freehold.dialect.chatwire import Logprobs, TokenLogprob, Usage, check_choices, demand, not_the_protocol
from freehold.dialect.fields import Fields, present
from freehold.dialect.interface import Backend, Event, Request, Tally, Upstream, Wire
from freehold.dialect.openai.chat import MOST_CHOICES, SAMPLING, read_sampling, reads_usage
from freehold.dialect.sse import data_event, ping_for
from freehold.errors import BackendBroke, Unsupported

_DEFAULT_MAX_TOKENS = 16  # OpenAI's
_KNOWN = SAMPLING | {"model", "prompt", "max_tokens", "stop", "n", "logprobs", "stream", "stream_options"}
_BEYOND = {
    "echo": Beyond(why="the prompt is not repeated in the answer", passed_over=False),
    "suffix": Beyond(why="use /v1/fim/completions with a model that can fill in the middle", passed_over=False),
    "best_of": Beyond(why="every choice that is made is returned; use n", passed_over=False, idle=(1,)),
    "user": HARMLESS,
}


class CompletionRequest(Request, frozen=True, kw_only=True):
    """A completion request in the engine's words, and what the caller wants to see. ``logprobs`` is None without."""

    body: Mapping[str, Any]
    include_usage: bool
    logprobs: int | None
    choices: int
    prompts: int = 1


def read_request(fields: dict[str, Any]) -> CompletionRequest:
    """Raises InvalidRequest, Unsupported."""
    body = Fields(fields)
    asked = body.need_text("model")
    body.whole("best_of", 1, MOST_CHOICES)
    note_beyond(body, _KNOWN, _BEYOND)
    prompts = _prompts(body)
    logprobs, choices, stream = body.whole("logprobs", 0, 5), body.whole("n", 1, MOST_CHOICES) or 1, body.flag("stream")
    counted = choices > 1 and not stream  # by their logprobs; the engine counts the first choice alone
    wire = present(
        prompt=prompts[0],
        max_tokens=body.max_tokens("max_tokens") or _DEFAULT_MAX_TOKENS,
        stop=body.stops("stop"),
        n=choices if choices > 1 else None,
        logprobs=max(1, logprobs or 0) if logprobs is not None or counted else None,
        **read_sampling(body),
    )
    return CompletionRequest(
        operation=Operation.COMPLETION,
        asked=asked,
        stream=stream or False,
        fields=fields,
        extras=body.extras,
        body=wire,
        include_usage=reads_usage(body),
        logprobs=logprobs,
        choices=choices,
        prompts=len(prompts),
    )


def _prompts(body: Fields) -> list[Any]:
    """Each is a text or its tokens. Most clients send one, some of them as the only element of a list."""
    given = body.get("prompt")
    prompts: list[Any] = given if isinstance(given, list) and given and isinstance(given[0], str | list) else [given]
    if all(_is_prompt(prompt) for prompt in prompts):
        return prompts
    raise body.invalid("prompt", "a string that is not empty, or a list of token ids")


def _is_prompt(prompt: object) -> bool:
    if isinstance(prompt, str):
        return bool(prompt)
    return isinstance(prompt, list) and bool(prompt) and all(_is_token(token) for token in prompt)


def _is_token(token: object) -> bool:
    return type(token) is int and 0 <= token < 2**31


def completion_exchange(request: CompletionRequest, backend: Backend) -> "CompletionExchange":
    """From an engine. Raises Unsupported where it has no text completions."""
    demand(Wire.COMPLETIONS, backend)
    check_choices(request.choices, backend)
    if request.prompts > 1:
        raise Unsupported("prompt: send one prompt in each request", param="prompt")
    body = {"model": backend.model, **request.body}
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    planned = Upstream(wire=Wire.COMPLETIONS, body=msgspec.json.encode(body), stream=request.stream)
    return CompletionExchange(planned, request)


class _Choice(Struct):
    text: str
    index: int
    logprobs: msgspec.Raw = msgspec.Raw(b"null")
    finish_reason: str | None = None


class _Text(Struct):
    id: str
    object: str
    created: int
    model: str
    choices: list[_Choice]
    usage: Usage | UnsetType = UNSET
    system_fingerprint: str | UnsetType = UNSET


_decoder = msgspec.json.Decoder(_Text)
_logprobs_decoder = msgspec.json.Decoder(Logprobs | None)


class CompletionExchange:
    """Forwards the engine's bytes, but for logprobs, and for the usage where the caller asked for it."""

    def __init__(self, upstream: Upstream, request: CompletionRequest) -> None:
        self.upstream = upstream
        self.tally = Tally()
        self.dropped: tuple[str, ...] = ()
        self._request = request
        self._usage = Usage()
        self._offsets: dict[int, int] = {}  # where in its choice's text the next token begins
        self._last: _Text | None = None

    def event(self, event: Event) -> bytes:
        data = event.data
        if self._request.logprobs is None and b'"finish_reason":null' in data and b'"usage"' not in data:
            self.tally.output_tokens += 1
            return event.raw
        if not data:
            return ping_for(event)
        if data == b"null":  # the engine opens some streams with it
            return b""
        if data == b"[DONE]":
            self.tally.finished = True
            return self._closing_usage() + event.raw
        text = _read(data)
        self._count_chunk(text)
        if self._request.include_usage:
            text.usage = UNSET  # it comes in an event of its own
        elif self._request.logprobs is None:
            return event.raw
        self._translate(text)
        return data_event(msgspec.json.encode(text))

    def whole(self, body: bytes) -> bytes:
        text = _read(body)
        if not isinstance(text.usage, Usage) or not text.choices:
            raise BackendBroke("the backend answered without usage or choices")
        usage = text.usage
        usage.completion_tokens += sum(len(_tokens(choice)) for choice in text.choices[1:])
        usage.total_tokens = usage.prompt_tokens + usage.completion_tokens
        finish = text.choices[0].finish_reason or ""
        self.tally = Tally(usage.prompt_tokens, usage.completion_tokens, finish, finished=True)
        if self._request.logprobs is None and self._request.choices == 1:
            return body
        self._translate(text)
        return msgspec.json.encode(text)

    def _count_chunk(self, text: _Text) -> None:
        self._last = text
        tally, usage = self.tally, self._usage
        tally.output_tokens += 1
        tally.finish = next((choice.finish_reason for choice in text.choices if choice.finish_reason), tally.finish)
        if isinstance(text.usage, Usage):  # one for each choice
            usage.prompt_tokens = tally.input_tokens = text.usage.prompt_tokens
            usage.prompt_tokens_details = text.usage.prompt_tokens_details
            usage.completion_tokens += text.usage.completion_tokens
            usage.total_tokens = usage.prompt_tokens + usage.completion_tokens
            tally.output_tokens = usage.completion_tokens

    def _closing_usage(self) -> bytes:
        if not self._request.include_usage or self._last is None:
            return b""
        self._last.choices, self._last.usage = [], self._usage
        return data_event(msgspec.json.encode(self._last))

    def _translate(self, text: _Text) -> None:
        """Put the logprobs into the shape of this endpoint, or leave out those that were only for counting."""
        for choice in text.choices:
            tokens = _tokens(choice)
            if self._request.logprobs is None or not tokens:
                choice.logprobs = msgspec.Raw(b"null")
                continue
            offsets = []
            for token in tokens:
                offsets.append(self._offsets.get(choice.index, 0))
                self._offsets[choice.index] = offsets[-1] + len(token.token)
            choice.logprobs = msgspec.Raw(msgspec.json.encode(self._legacy(tokens, offsets)))

    def _legacy(self, tokens: list[TokenLogprob], offsets: list[int]) -> dict[str, Any]:
        tops = [{top.token: top.logprob for top in token.top_logprobs or ()} for token in tokens]
        return {
            "tokens": [token.token for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": tops if self._request.logprobs else None,
            "text_offset": offsets,
        }


def _read(data: bytes) -> _Text:
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise not_the_protocol(data) from exc


def _tokens(choice: _Choice) -> list[TokenLogprob]:
    try:
        logprobs = _logprobs_decoder.decode(choice.logprobs)
    except msgspec.MsgspecError as exc:
        raise BackendBroke("the backend answered with logprobs of an unknown shape") from exc
    return (logprobs.content or []) if logprobs else []
