# SPDX-License-Identifier: Apache-2.0
"""An engine without a model: speaks llama.cpp's HTTP on a unix socket, says deterministic things, fails when told to.

For tests. It can also be started in place of the worker, by the supervisor: ``python -m freehold.engine.fake``.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from aiohttp import web

from freehold.channel import reachable_path
from freehold.contract.backend import Jail
from freehold.engine.order import UNFIT, Order, Report

_ORDER_DECODER: Final = msgspec.json.Decoder(Order)

_REASONS: Final = {"OPENAI": ("length", "stop"), "ANTHROPIC": ("max_tokens", "end_turn")}
_ERRORS: Final = {400: web.HTTPBadRequest, 501: web.HTTPNotImplemented}
_FAILURE: Final = {"error": {"code": 500, "message": "a secret of the engine", "type": "server_error"}}
_WORDS: Final = ("One", " house", " of", " one's", " own")


class Fault(StrEnum):
    """What the fake does wrong, for every call until told otherwise."""

    NONE = "none"
    REFUSE = "refuse"  # cuts the connection before it answers
    BREAK = "break"  # cuts it after two events
    TRUNCATE = "truncate"  # ends a stream in good order, but without its closing event
    ERROR_EVENT = "error_event"  # an error in the middle of a stream
    HANG = "hang"  # answers nothing
    STALL = "stall"  # stops after two events, without ending


class FakeEngine:
    """Listens while its context is open. ``hung_up`` is set whenever a caller went away in the middle."""

    def __init__(
        self, socket: Path, *, model: str = "fake", context_tokens: int = 512, weights_bytes: int = 2**20
    ) -> None:
        self._socket = socket
        self._model = model
        self._context_tokens = context_tokens
        self._weights_bytes = weights_bytes
        self._open = AsyncExitStack()
        self.fault = Fault.NONE
        self.calls = 0
        self.began = asyncio.Event()
        self.hung_up = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/health", self._health)
        app.router.add_get("/props", self._properties)
        for path, serve in (
            ("/v1/chat/completions", self._chat),
            ("/v1/completions", self._completion),
            ("/v1/messages", self._messages),
            ("/v1/messages/count_tokens", self._count),
            ("/infill", self._infill),
            ("/tokenize", self._tokens),
            ("/completion", self._measured),
        ):
            app.router.add_post(path, serve)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
        await runner.setup()
        self._open.push_async_callback(runner.cleanup)
        self._socket.unlink(missing_ok=True)
        await web.UnixSite(runner, reachable_path(self._socket)).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _properties(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "total_slots": 2,
                "build_info": "fake",
                "model_alias": self._model,
                "default_generation_settings": {"n_ctx": self._context_tokens},
                "chat_template_caps": {"supports_tools": True},
            }
        )

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        asked = await self._asked(request)
        words, finish = _words(asked, "OPENAI")
        if not asked.get("stream"):
            choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": "".join(words)}}
            return web.json_response(
                {"object": "chat.completion", "model": self._model, "choices": [choice], "usage": _usage(asked, words)}
            )
        first = _chat_chunk(self._model, {"role": "assistant", "content": None})
        last = _chat_chunk(self._model, {}, finish)
        chunks = [_chat_chunk(self._model, {"content": word}) for word in words]
        return await self._stream(request, [*map(_data, [first, *chunks, last]), b"data: [DONE]\n\n"])

    async def _completion(self, request: web.Request) -> web.StreamResponse:
        asked = await self._asked(request)
        words, finish = _words(asked, "OPENAI")
        if not asked.get("stream"):
            choice = {"index": 0, "finish_reason": finish, "text": "".join(words)}
            return web.json_response(
                {"object": "text_completion", "model": self._model, "choices": [choice], "usage": _usage(asked, words)}
            )
        pairs = [*((word, None) for word in words), ("", finish)]
        chunks = [{"model": self._model, "choices": [{"text": word, "finish_reason": end}]} for word, end in pairs]
        return await self._stream(request, [*map(_data, chunks), b"data: [DONE]\n\n"])

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        asked = await self._asked(request)
        words, finish = _words(asked, "ANTHROPIC")
        message: dict[str, Any] = {"id": "msg_fake", "type": "message", "role": "assistant", "model": self._model}
        usage = {"input_tokens": _prompt_tokens(asked), "output_tokens": len(words)}
        if not asked.get("stream"):
            content = [{"type": "text", "text": "".join(words)}]
            return web.json_response(message | {"content": content, "stop_reason": finish, "usage": usage})
        start = message | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 0}}
        deltas = [{"type": "text_delta", "text": word} for word in words]
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": finish}, "usage": {"output_tokens": len(words)}},
            {"type": "message_stop"},
        ]
        return await self._stream(request, [f"event: {event['type']}\n".encode() + _data(event) for event in events])

    async def _count(self, request: web.Request) -> web.Response:
        return web.json_response({"input_tokens": _prompt_tokens(await self._asked(request))})

    async def _tokens(self, request: web.Request) -> web.Response:
        said = (await self._asked(request))["content"]
        return web.json_response({"tokens": [len(word) for word in said.split()]})

    async def _measured(self, request: web.Request) -> web.Response:
        """The smaller the weights, the faster, and the worse at foreseeing a token."""
        asked = await self._asked(request)
        speeds = {"prompt_per_second": 1e9 / self._weights_bytes, "predicted_per_second": 1e8 / self._weights_bytes}
        known = [
            {"id": token, "logprob": -1.0 - token % 3 - 2000 / self._weights_bytes}
            for token, _ in asked.get("logit_bias", [])
        ]
        return web.json_response({"timings": speeds, "completion_probabilities": known})

    async def _infill(self, _request: web.Request) -> web.Response:
        raise _error(501, {"type": "not_supported_error"})

    async def _asked(self, request: web.Request) -> dict[str, Any]:
        """The request, after the fault that comes before an answer. Raises what llama.cpp would answer instead."""
        self.calls += 1
        self.began.set()
        if self.fault is Fault.REFUSE and request.transport is not None:
            request.transport.abort()
            raise asyncio.CancelledError
        if self.fault is Fault.HANG:
            await self._forever()
        try:
            asked: dict[str, Any] = msgspec.json.decode(await request.read(), type=dict[str, Any])
        except msgspec.MsgspecError as exc:
            raise _error(400, {"type": "invalid_request_error"}) from exc
        if _prompt_tokens(asked) > self._context_tokens:
            numbers = {"n_prompt_tokens": _prompt_tokens(asked), "n_ctx": self._context_tokens}
            raise _error(400, {"type": "exceed_context_size_error", **numbers})
        return asked

    async def _stream(self, request: web.Request, events: list[bytes]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number, event in enumerate(events):
            if number == 2 and self.fault is Fault.BREAK and request.transport is not None:
                request.transport.abort()
                raise asyncio.CancelledError
            if number == 2 and self.fault is Fault.STALL:
                await self._forever()
            if number == len(events) - 1 and self.fault is Fault.TRUNCATE:
                break
            failed = number == 2 and self.fault is Fault.ERROR_EVENT
            await response.write(_data(_FAILURE) if failed else event)
        await response.write_eof()
        return response

    async def _forever(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.hung_up.set()


def _words(asked: dict[str, Any], dialect: str) -> tuple[tuple[str, ...], str]:
    limit = asked.get("max_tokens") or len(_WORDS)
    cut, whole = _REASONS[dialect]
    return _WORDS[:limit], cut if limit < len(_WORDS) else whole


def _prompt_tokens(asked: dict[str, Any]) -> int:
    """One a word, of all that was said."""
    said = [str(message.get("content", "")) for message in asked.get("messages", [])]
    return len(" ".join([*said, str(asked.get("prompt", ""))]).split())


def _usage(asked: dict[str, Any], words: tuple[str, ...]) -> dict[str, int]:
    prompt = _prompt_tokens(asked)
    return {"prompt_tokens": prompt, "completion_tokens": len(words), "total_tokens": prompt + len(words)}


def _chat_chunk(model: str, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "model": model, "choices": [choice]}


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def _error(status: int, detail: dict[str, Any]) -> web.HTTPException:
    body = msgspec.json.encode({"error": {"code": status, "message": "a secret of the engine", **detail}})
    return _ERRORS[status](text=body.decode(), content_type="application/json")


async def _serve(order: Order) -> None:
    socket = Path(order.folder) / order.socket
    weights_bytes = os.fstat(order.weights_fd).st_size
    context_tokens = order.plan.context_tokens
    async with FakeEngine(socket, model=order.model, context_tokens=context_tokens, weights_bytes=weights_bytes):
        await asyncio.Event().wait()


def main() -> None:
    order = _ORDER_DECODER.decode(sys.stdin.buffer.read())
    os.write(1, msgspec.json.encode(Report(jail=Jail(missing=("everything: a fake",)), build="fake")) + b"\n")
    if order.sealed:
        sys.exit(UNFIT)
    asyncio.run(_serve(order))


if __name__ == "__main__":
    main()
