# SPDX-License-Identifier: Apache-2.0
"""Faults in the connections of a drill's calls, below whoever asks: what a provider's failure looks like from here.

The call is made for real wherever the fault is of a kind that needs an answer to spoil. Nobody else's calls come here.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from freehold.contract.drill import BEFORE_HEADERS, Drill, FaultKind, Sabotage
from freehold.contract.endpoint import Endpoint
from freehold.egress.dialler import Dialler
from freehold.egress.interface import Break, Content, Leave, Response, WayBroken

Sleep = Callable[[float], Awaitable[None]]

_STREAM: Final = "text/event-stream"
_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_CLOSING: Final = re.compile(rb"data: ?\[DONE\]|message_stop|response\.(completed|incomplete|failed)")
_MODEL: Final = re.compile(rb'("model"\s*:\s*")[^"]*(")')
_HALF: Final = b'data: {"id": "drill", "choices": [{"delta": {"content": "\n\n'
_ERROR: Final = b'{"type": "error", "error": {"type": "overloaded_error", "message": "a fault of a drill"}}'
_ERROR_EVENT: Final = b"event: error\ndata: " + _ERROR + b"\n\n"
_NO_CONNECTION: Final = MappingProxyType(
    {FaultKind.REFUSE: Break.REFUSED, FaultKind.DNS: Break.NAME, FaultKind.TLS: Break.CERTIFICATE}
)


class Faults:
    """What is wrong at the moment, by target, as the drill's newest configuration has it."""

    def __init__(self, now_unix: Callable[[], float]) -> None:
        self._now_unix = now_unix
        self._drill: Drill | None = None
        self._met: dict[str, int] = {}  # calls, by target, since the fault there began
        self._changed = asyncio.Event()

    def put(self, drill: Drill) -> None:
        """From now on these faults and no others."""
        before = {} if self._drill is None else {item.target: item.sabotage for item in self._drill.faults}
        for item in drill.faults:
            if before.get(item.target) != item.sabotage:
                self._met[item.target] = 0
        self._drill = drill
        self._changed.set()
        self._changed = asyncio.Event()

    def met_by_a_call(self, target: str, drill_id: str) -> Sabotage | None:
        """What a call meets that begins now; every so many of them, where it is a share that does."""
        fault = self._fault(target, drill_id)
        if fault is None:
            return None
        count = self._met[target] = self._met.get(target, 0) + 1
        return fault if int(count * fault.share) > int((count - 1) * fault.share) else None

    def met_under_way(self, target: str, drill_id: str) -> Sabotage | None:
        """What an answer meets that is under way."""
        fault = self._fault(target, drill_id)
        return fault if fault and fault.running else None

    @property
    def changed(self) -> asyncio.Event:
        """Set once they are others."""
        return self._changed

    def _fault(self, target: str, drill_id: str) -> Sabotage | None:
        drill = self._in_force(drill_id)
        return next((item.sabotage for item in drill.faults if item.target == target), None) if drill else None

    def _in_force(self, drill_id: str) -> Drill | None:
        drill = self._drill
        return drill if drill and drill.id == drill_id and self._now_unix() < drill.ends_unix else None


class Saboteur:
    """The way to one endpoint for the calls of one drill."""

    def __init__(self, dialler: Dialler, faults: Faults, drill_id: str, *, sleep: Sleep = asyncio.sleep) -> None:
        self._dialler = dialler
        self._faults = faults
        self._drill_id = drill_id
        self._sleep = sleep

    @property
    def endpoint(self) -> Endpoint:
        return self._dialler.endpoint

    async def post(self, path: str, body: bytes, headers: Mapping[str, str], leave: Leave) -> Response:
        """As the dialler does, but for what goes wrong on purpose."""
        self._dialler.require(leave)
        target = leave.target.name
        fault = self._faults.met_by_a_call(target, self._drill_id)
        if fault is not None and fault.kind is FaultKind.STATUS:
            return _made(fault)
        if fault is not None and fault.kind in _NO_CONNECTION:
            raise WayBroken(_NO_CONNECTION[fault.kind])
        response = await self._dialler.post(path, body, headers, leave)
        if fault is not None and fault.after_events == BEFORE_HEADERS:
            try:
                await _spoil_head(fault.kind)
            except BaseException:
                response.close()
                raise
        spoilt = _Spoilt(
            response.content,
            lambda: self._faults.met_under_way(target, self._drill_id),
            self._faults,
            fault,
            stream=response.content_type == _STREAM,
            sleep=self._sleep,
        )
        return _SpoiltAnswer(response, spoilt)


class _SpoiltAnswer:
    """An answer whose bytes may be others than those that came."""

    def __init__(self, answer: Response, content: "_Spoilt") -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.content_type = answer.content_type
        self.content = content
        self._answer = answer

    def close(self) -> None:
        self.content.close()
        self._answer.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _MadeAnswer:
    """An answer that nobody gave."""

    status: int
    headers: Mapping[str, str]
    content_type: str
    content: Content

    def close(self) -> None:
        """There is nothing to cut off."""


class _Made:
    """The bytes of an answer that nobody gave."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def readany(self) -> bytes:
        body, self._body = self._body, b""
        return body

    async def iter_any(self) -> AsyncIterator[bytes]:
        while piece := await self.readany():
            yield piece

    def flow(self, sink: Callable[[bytes], None] | None) -> bool:  # noqa: ARG002 - what goes wrong takes its time
        return False


class _Spoilt:
    """The bytes of an answer, with what goes wrong among them."""

    def __init__(  # noqa: PLR0913 - what it reads, and all that can go wrong with it
        self,
        content: Content,
        under_way: Callable[[], Sabotage | None],
        faults: Faults,
        fault: Sabotage | None,
        *,
        stream: bool,
        sleep: Sleep,
    ) -> None:
        self._content = content
        self._under_way = under_way
        self._faults = faults
        self._fault = fault
        self._stream = stream
        self._sleep = sleep
        self._buffer = b""
        self._events = 0  # that were handed on
        self._broken = self._ended = self._over = False
        self._coming: asyncio.Future[bytes] | None = None

    async def readany(self) -> bytes:
        """What has come, as far as it is let through. Raises as a broken connection does."""
        if self._over:
            return b""
        if self._broken:
            raise WayBroken(Break.LOST)
        block = await self._block()
        fault = self._fault
        if not block or fault is None:
            return block
        if fault.kind is FaultKind.DRIP:
            await self._sleep(fault.pause_s)
        if fault.kind is FaultKind.OTHER_MODEL:
            return _MODEL.sub(rb"\g<1>" + fault.model.encode() + rb"\g<2>", block)
        if self._events < max(fault.after_events, 0) and self._stream:
            self._events += 1
            return block
        return await self._spoil(fault, block)

    async def iter_any(self) -> AsyncIterator[bytes]:
        while piece := await self.readany():
            yield piece

    def flow(self, sink: Callable[[bytes], None] | None) -> bool:  # noqa: ARG002 - what goes wrong takes its time
        return False

    def close(self) -> None:
        """Wait for nothing more."""
        if self._coming is not None:
            self._coming.cancel()
            self._coming.add_done_callback(_heard)

    async def _spoil(self, fault: Sabotage, block: bytes) -> bytes:
        match fault.kind:
            case FaultKind.SILENCE:
                await asyncio.Event().wait()
            case FaultKind.RESET:
                raise WayBroken(Break.LOST)
            case FaultKind.CUT:
                self._broken = True
                return block[: len(block) // 2]
            case FaultKind.MALFORMED:
                self._over = not self._stream
                self._fault = None
                return _HALF + block if self._stream else block[: len(block) // 2]
            case FaultKind.ERROR_EVENT:
                self._over = True
                return _ERROR_EVENT if self._stream else _ERROR
            case FaultKind.NO_TERMINATOR if self._stream and _CLOSING.search(block):
                self._over = True
                return b""
        return block

    async def _block(self) -> bytes:
        """What comes next: one event where a fault counts them, else whatever is there. Empty at the end."""
        while True:
            if self._fault is None and (met := self._under_way()):
                self._fault, self._events = met, max(met.after_events, 0)
            if self._fault is None and self._buffer:
                block, self._buffer = self._buffer, b""
                return block
            end = _END.search(self._buffer) if self._stream else None
            if end:
                block, self._buffer = self._buffer[: end.end()], self._buffer[end.end() :]
                return block
            if self._ended:
                block, self._buffer = self._buffer, b""
                return block
            await self._more()

    async def _more(self) -> None:
        """Wait for bytes, or for other faults."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._content.readany())
        changed = asyncio.ensure_future(self._faults.changed.wait())
        try:
            await asyncio.wait((self._coming, changed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        if self._coming.done():
            coming, self._coming = self._coming, None
            piece = coming.result()
            self._buffer += piece
            self._ended = not piece


def _heard(coming: "asyncio.Future[bytes]") -> None:
    """Nobody asks any more what became of it."""
    if not coming.cancelled():
        coming.exception()


def _made(fault: Sabotage) -> _MadeAnswer:
    """An answer with the fault's status, in words that every vendor's reader takes."""
    headers = {"content-type": "application/json"}
    if fault.retry_after_s:
        headers["retry-after"] = f"{fault.retry_after_s:g}"
    return _MadeAnswer(
        status=fault.status,
        headers=headers,
        content_type="application/json",
        content=_Made(b'{"error": {"message": "a fault of a drill"}}'),
    )


async def _spoil_head(kind: FaultKind) -> None:
    """What goes wrong before an answer's headers are there; other kinds wait for its events."""
    match kind:
        case FaultKind.SILENCE:
            await asyncio.Event().wait()
        case FaultKind.CUT | FaultKind.RESET:
            raise WayBroken(Break.LOST)
