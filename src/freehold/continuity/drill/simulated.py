# SPDX-License-Identifier: Apache-2.0
"""Two simulated providers, for drills on estates that have none: one speaks OpenAI's chat completions, one Anthropic's
messages. They listen on loopback for one drill, say what follows from the question alone, and go on from what was said.

They are for rehearsing what happens around an answer. What they say is worth nothing, and they are called "simulated"
wherever they are named.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from freehold.contract.backend import BackendKind, Model, Service, Target
from freehold.contract.call import DataClass, Dialect
from freehold.contract.drill import Stage
from freehold.contract.endpoint import AnswerLimits, Endpoint, Prefill
from freehold.contract.facts import BackendFacts
from freehold.contract.law import RuleFile

SERVICE: Final = "simulated"
NAMES: Final = ("simulated-1", "simulated-2")

_WORDS: Final = (
    "the a slow bright river old stone quiet lamp carries finds keeps opens north field paper harbour and under over"
    " small green winter clock turns holds light bridge near far copper song"
)
_SENTENCES: Final = 5
_WORDS_EACH: Final = 8
_EVENT_EVERY_S: Final = 0.02
_LIMITS: Final = AnswerLimits(connect_s=2.0, first_event_s=3.0, idle_s=2.0, whole_answer_s=20.0)
_RULES: Final = RuleFile(
    name="drill.cedar",
    text="""// The rules of Freehold for the calls of one drill with simulated providers, and for those alone.
@id("drill-owned-engines")
@says("The estate's own engines may see the made-up words of a drill.")
permit (principal, action, resource)
when { resource.owned };

@id("drill-simulated-providers")
@says("The simulated providers of a drill may see its made-up words.")
permit (principal, action, resource)
when { ["simulated-1", "simulated-2"].contains(resource.operator) && context.data_class == 0 };
""",
)


def known_text(prompt: str) -> str:
    """What a simulated provider says to a question, to the last character."""
    digest = hashlib.sha256(prompt.encode()).digest()
    words_known = _WORDS.split()
    words = [words_known[digest[at % len(digest)] % len(words_known)] for at in range(_SENTENCES * _WORDS_EACH)]
    sentences = [words[at : at + _WORDS_EACH] for at in range(0, len(words), _WORDS_EACH)]
    return " ".join(f"{' '.join(sentence).capitalize()} {number}." for number, sentence in enumerate(sentences, 1))


@asynccontextmanager
async def simulated_providers(owned: Sequence[Target]) -> AsyncIterator[Stage]:
    """Both of them, from here to the end of the context, with a service whose last targets are the estate's own."""
    application = web.Application()
    application.router.add_post("/v1/chat/completions", _chat)
    application.router.add_post("/v1/messages", _messages)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        (address,) = runner.addresses
        yield _stage(f"http://127.0.0.1:{address[1]}", owned)
    finally:
        await runner.cleanup()


def _stage(base_url: str, owned: Sequence[Target]) -> Stage:
    dialects = (Dialect.OPENAI, Dialect.ANTHROPIC)
    targets = tuple(
        Target(name=name, kind=BackendKind.PROVIDER, model=Model(name=f"{name}-model", digest=""), operator=name)
        for name in NAMES
    )
    return Stage(
        services=(
            Service(
                name=SERVICE,
                data_class=DataClass.PUBLIC,
                targets=(*NAMES, *(target.name for target in owned)),
                drop=("*",),
            ),
        ),
        targets=targets,
        endpoints=tuple(
            Endpoint(
                provider=name,
                dialects=(dialect,),
                base_url=f"{base_url}/v1" if dialect is Dialect.OPENAI else base_url,
                prefill=Prefill.TEXT,
                allow_private=True,
                limits=_LIMITS,
            )
            for name, dialect in zip(NAMES, dialects, strict=True)
        ),
        facts=tuple(
            BackendFacts(operator=name, owned=False, authorities=(), locations=(), retention_days=0, trains=False)
            for name in NAMES
        ),
        rules=_RULES,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is taken of a request: nothing but what decides the answer."""

    model: str
    stream: bool
    text: str  # that is left to say
    tool: str  # to be called; empty: none


async def _chat(request: web.Request) -> web.StreamResponse:
    """OpenAI's chat completions, as far as this estate's own reader and writer use them."""
    body = await request.json()
    named = (body.get("tool_choice") or {}).get("function", {}) if body.get("tools") else {}
    asked = _asked(body, str(named.get("name", "")))
    if not asked.stream:
        return web.json_response(_completion(asked))
    return await _sent(request, _chat_events(asked))


async def _messages(request: web.Request) -> web.StreamResponse:
    """Anthropic's messages, as far."""
    body = await request.json()
    asked = _asked(body, str((body.get("tool_choice") or {}).get("name", "")) if body.get("tools") else "")
    if not asked.stream:
        return web.json_response(_message(asked))
    return await _sent(request, _message_events(asked))


def _asked(body: dict[str, Any], tool: str) -> _Asked:
    messages = [(turn["role"], _words_of(turn["content"])) for turn in body["messages"]]
    said = messages.pop()[1] if messages[-1][0] == "assistant" else ""
    known = known_text(next(text for role, text in reversed(messages) if role == "user"))
    return _Asked(
        model=str(body["model"]),
        stream=bool(body.get("stream")),
        text=known.removeprefix(said),
        tool=tool,
    )


def _words_of(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(str(part.get("text", "")) for part in content)


def _arguments() -> str:
    return json.dumps({"city": "Bern"})


def _pieces(asked: _Asked) -> Iterator[str]:
    """The text in pieces of a word each, the space before it included."""
    words = asked.text.split(" ")
    for number, word in enumerate(words):
        yield word if number == 0 else f" {word}"


def _completion(asked: _Asked) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None if asked.tool else asked.text}
    if asked.tool:
        function = {"name": asked.tool, "arguments": _arguments()}
        message["tool_calls"] = [{"id": f"call_{secrets.token_hex(8)}", "type": "function", "function": function}]
    finish = "tool_calls" if asked.tool else "stop"
    return {
        "id": f"chatcmpl-{secrets.token_hex(8)}",
        "object": "chat.completion",
        "created": 0,
        "model": asked.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 40, "total_tokens": 48},
    }


def _chat_events(asked: _Asked) -> Iterator[bytes]:
    id_ = f"chatcmpl-{secrets.token_hex(8)}"

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": id_, "object": "chat.completion.chunk", "created": 0, "model": asked.model, "choices": [choice]}
        return f"data: {json.dumps(chunk)}\n\n".encode()

    yield event({"role": "assistant", "content": None if asked.tool else ""})
    if asked.tool:
        function = {"name": asked.tool, "arguments": ""}
        call = {"index": 0, "id": f"call_{secrets.token_hex(8)}", "type": "function", "function": function}
        yield event({"tool_calls": [call]})
        for piece in _halves(_arguments()):
            yield event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    else:
        yield from (event({"content": piece}) for piece in _pieces(asked))
    yield event({}, "tool_calls" if asked.tool else "stop")
    yield b"data: [DONE]\n\n"


def _message(asked: _Asked) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": asked.text}
    if asked.tool:
        block = {
            "type": "tool_use",
            "id": f"toolu_{secrets.token_hex(8)}",
            "name": asked.tool,
            "input": json.loads(_arguments()),
        }
    return {
        "id": f"msg_{secrets.token_hex(8)}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [block],
        "stop_reason": "tool_use" if asked.tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 8, "output_tokens": 40},
    }


def _message_events(asked: _Asked) -> Iterator[bytes]:
    def event(kind: str, **fields: object) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()

    whole = _message(asked)
    (block,) = whole["content"]
    opening = {**block, "input": {}} if asked.tool else {**block, "text": ""}
    yield event("message_start", message={**whole, "content": [], "stop_reason": None})
    yield event("content_block_start", index=0, content_block=opening)
    for piece in _halves(_arguments()) if asked.tool else _pieces(asked):
        delta = {"type": "input_json_delta", "partial_json": piece}
        if not asked.tool:
            delta = {"type": "text_delta", "text": piece}
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    stopped = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield event("message_delta", delta=stopped, usage={"output_tokens": 40})
    yield event("message_stop")


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


async def _sent(request: web.Request, events: Iterator[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        await response.write(event)
        await asyncio.sleep(_EVENT_EVERY_S)
    return response
