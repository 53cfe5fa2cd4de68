# SPDX-License-Identifier: Apache-2.0
"""Small questions to an engine's HTTP server, without an HTTP library in the supervisor. Never a caller's content.

An ``address`` is a socket's name that fits ``sun_path`` (``channel.reachable_path``).
"""

import asyncio
from typing import Final

import msgspec

from freehold.errors import EngineBroke, EngineUnavailable

_LARGEST_ANSWER_BYTES: Final = 4 * 2**20
_LONGEST_S: Final = 10.0


class _Capabilities(msgspec.Struct):
    supports_tools: bool = False


class Properties(msgspec.Struct, kw_only=True):
    """The part of GET /props that matters here."""

    total_slots: int
    build_info: str = ""
    chat_template_caps: _Capabilities = msgspec.field(default_factory=_Capabilities)


_PROPERTIES_DECODER: Final = msgspec.json.Decoder(Properties)


class Card(msgspec.Struct, kw_only=True):
    """The part of a model in GET /v1/models that matters here."""

    id: str
    max_model_len: int


class _Cards(msgspec.Struct):
    data: list[Card]


_CARDS_DECODER: Final = msgspec.json.Decoder(_Cards)


async def is_loaded(address: str) -> bool:
    """Whether the model answers. Raises EngineUnavailable while nothing listens."""
    return await _ask(address, "GET", "/health") == 200


async def comes_round(address: str, *, longest_s: float) -> None:
    """Return once llama.cpp has come to its next round of work: it answers this there. Raises EngineUnavailable."""
    await exchange(address, "GET", "/lora-adapters", longest_s=longest_s)


async def properties(address: str) -> Properties:
    """What the engine says of itself. Raises EngineUnavailable, EngineBroke."""
    status, body = await exchange(address, "GET", "/props")
    try:
        return _PROPERTIES_DECODER.decode(body)
    except msgspec.MsgspecError as exc:
        raise EngineBroke(f"the engine answered {status} to GET /props with what is not its protocol") from exc


async def card(address: str) -> Card:
    """What vLLM says of its model. Raises EngineUnavailable, EngineBroke."""
    status, body = await exchange(address, "GET", "/v1/models")
    try:
        return _CARDS_DECODER.decode(body).data[0]
    except (msgspec.MsgspecError, IndexError) as exc:
        raise EngineBroke(f"the engine answered {status} to GET /v1/models with what is not its protocol") from exc


async def fills_in_the_middle(address: str) -> bool:
    """Whether the model knows infill, which no property says. Raises EngineUnavailable."""
    return await _ask(address, "POST", "/infill", b'{"input_prefix":"a","input_suffix":"b","n_predict":1}') == 200


async def _ask(address: str, method: str, path: str, body: bytes = b"") -> int:
    return (await exchange(address, method, path, body))[0]


async def exchange(
    address: str, method: str, path: str, body: bytes = b"", *, longest_s: float = _LONGEST_S
) -> tuple[int, bytes]:
    """HTTP status and body. The engine closes the connection after them. Raises EngineUnavailable."""
    try:
        async with asyncio.timeout(longest_s):
            reader, writer = await asyncio.open_unix_connection(address)
            try:
                head = f"{method} {path} HTTP/1.1", "Host: engine", "Connection: close", f"Content-Length: {len(body)}"
                writer.write("\r\n".join((*head, "", "")).encode("ascii") + body)
                answer = await reader.read(_LARGEST_ANSWER_BYTES)
                while more := await reader.read(_LARGEST_ANSWER_BYTES):
                    answer += more
            finally:
                writer.close()
    except (OSError, TimeoutError) as exc:
        raise EngineUnavailable("the engine does not answer on its socket") from exc
    return _parse(answer)


def _parse(answer: bytes) -> tuple[int, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise EngineUnavailable("the engine does not answer in HTTP")
    return int(words[1]), body
