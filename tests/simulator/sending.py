# SPDX-License-Identifier: Apache-2.0
"""Sends an answer, or what a fault makes of it. A new kind of fault has its case here."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator

from aiohttp import web
from tests.simulator.faults import Fault, FaultKind
from tests.simulator.heard import Heard
from tests.simulator.reply import Reply

_SLICES = 4
_FOREVER_S = 3600.0
_LOOKED_AT_S = 0.01  # whether what is held may go on
_UNTIL_READ_S = 0.15  # an end without warning takes back what was sent and lies unread
_HALF_A_DOCUMENT = '{"id": "x", "choices": ['
_CUTS = (FaultKind.CLOSE, FaultKind.TORN, FaultKind.RESET, FaultKind.SILENCE)


async def send(
    request: web.Request, heard: Heard, reply: Reply, fault: Fault | None, error_event: bytes
) -> web.StreamResponse:
    """``error_event`` is how the vendor breaks off."""
    if fault and fault.before_headers and fault.kind in _CUTS:
        await _cut(request, fault.kind)
        return web.Response()
    response = _response(request, reply, fault)
    heard.status = response.status
    await response.prepare(request)
    async for piece in _pieces(request, heard, reply, fault, error_event):
        heard.sending(piece)
        await response.write(piece)
    await response.write_eof()
    heard.answered = True
    return response


def _response(request: web.Request, reply: Reply, fault: Fault | None) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    if reply.stream:
        response.content_type, response.charset = "text/event-stream", "utf-8"
        response.headers["cache-control"] = "no-cache"
        return response
    response.content_type = "application/json"
    if fault is None and "gzip" in request.headers.get("accept-encoding", ""):
        response.enable_compression(web.ContentCoding.gzip)
    elif fault is None or fault.kind in (*_CUTS, FaultKind.DRIP):
        response.content_length = len(reply.pieces[0])
    return response


async def _pieces(
    request: web.Request, heard: Heard, reply: Reply, fault: Fault | None, error_event: bytes
) -> AsyncIterator[bytes]:
    pieces = reply.pieces
    if fault is None or fault.kind in {FaultKind.STATUS, FaultKind.REDIRECT}:
        for piece in pieces:
            yield piece
        return
    if not reply.stream and fault.kind is not FaultKind.OVERSIZE:
        pieces = _sliced(pieces[0])
    begin = fault.begins_at(pieces)
    is_reached = begin < len(pieces)  # else the text at which it was to begin is in none of them
    if fault.kind is FaultKind.NO_TERMINATOR:
        pieces = pieces[: begin or len(pieces) - reply.terminators]
    for piece in pieces[:begin]:
        yield piece
    heard.broke_s = time.monotonic() if is_reached else 0.0
    while fault.kind is FaultKind.HELD and not heard.let_go:
        await asyncio.sleep(_LOOKED_AT_S)
    async for piece in _spoiled(request, pieces[begin:], fault, error_event):
        yield piece


async def _spoiled(request: web.Request, rest: list[bytes], fault: Fault, error_event: bytes) -> AsyncIterator[bytes]:
    """What comes from where the fault begins."""
    if fault.kind is FaultKind.TORN and rest:
        yield rest[0][: len(rest[0]) // 2]
    if fault.kind in _CUTS:
        await _cut(request, fault.kind)
    elif fault.kind is FaultKind.ERROR_EVENT:
        yield fault.text.encode() or error_event
    elif fault.kind is FaultKind.ENDLESS:
        while True:
            yield fault.text.encode() or rest[0]
            await asyncio.sleep(fault.pause_s)
    elif fault.kind is not FaultKind.EMPTY:
        async for piece in _changed(rest, fault):
            yield piece


async def _changed(rest: list[bytes], fault: Fault) -> AsyncIterator[bytes]:
    """All the rest, though not as it was."""
    if fault.kind is FaultKind.MALFORMED:
        yield fault.text.encode() or b"data: " + _HALF_A_DOCUMENT.encode() + b"\n\n"
    elif fault.kind is FaultKind.OVERSIZE:
        rest[:1] = [rest[0].replace(b"{", b"{" + b" " * fault.size_bytes, 1)]
    for piece in rest:
        if fault.kind is FaultKind.DRIP:
            for at in range(len(piece)):
                yield piece[at : at + 1]
                await asyncio.sleep(fault.pause_s)
        else:
            yield piece


async def _cut(request: web.Request, kind: FaultKind) -> None:
    """End the connection, or say nothing until the caller does."""
    transport = request.transport
    await asyncio.sleep(_FOREVER_S if kind is FaultKind.SILENCE else _UNTIL_READ_S)
    if transport is not None and kind is FaultKind.RESET:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    elif transport is not None:
        transport.close()
    raise ConnectionResetError


def _sliced(body: bytes) -> list[bytes]:
    size = -(-len(body) // _SLICES)
    return [body[at : at + size] for at in range(0, len(body), size)]
