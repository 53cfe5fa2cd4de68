# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from aiohttp import web
from tests.provider_builder import ALLOWED, FORBIDDEN, TARGET, endpoint, serving

from freehold.contract.drill import Drill, Faulted, FaultKind, Sabotage
from freehold.contract.estate import Estate
from freehold.egress.dialler import Dialler
from freehold.egress.interface import Break, Leave, Response, WayBroken
from freehold.egress.sabotage import Faults, Saboteur

LEAVE = Leave(decision=ALLOWED, target=TARGET)
EVENTS = [b'data: {"n": 1, "model": "m-1"}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n"]
BODY = b'{"model": "m-1", "text": "whole"}'
ENDS_UNIX = 1000.0


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in EVENTS:
        await response.write(event)
    return response


async def body(request: web.Request) -> web.Response:
    return web.Response(body=BODY, content_type="application/json")


def drill(sabotage: Sabotage | None, target: str = "there", id: str = "drill_1") -> Drill:  # noqa: A002
    return Drill(id=id, ends_unix=ENDS_UNIX, faults=(Faulted(target=target, sabotage=sabotage),) if sabotage else ())


class Place:
    """A way to a server for the calls of one drill, with the faults that a test puts there."""

    def __init__(self, dialler: Dialler) -> None:
        self.now_unix = 0.0
        self.faults = Faults(lambda: self.now_unix)
        self.slept_s: list[float] = []
        self.way = Saboteur(dialler, self.faults, "drill_1", sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)

    async def all(self) -> bytes:
        async with self.posted() as response:
            return b"".join([piece async for piece in response.content.iter_any()])

    @asynccontextmanager
    async def posted(self) -> AsyncIterator[Response]:
        with closing(await self.way.post("/x", b"{}", {}, LEAVE)) as response:
            yield response


@asynccontextmanager
async def place(tmp_path: Path, sabotage: Sabotage | None = None, *, handler: object = stream) -> AsyncIterator[Place]:
    async with serving(handler) as there:  # type: ignore[arg-type]  # one of the two above
        dialler = Dialler(endpoint(there.url()), Estate(tmp_path))
        made = Place(dialler)
        made.faults.put(drill(sabotage))
        try:
            yield made
        finally:
            dialler.close()


async def test_without_a_fault_an_answer_comes_as_it_came(tmp_path: Path) -> None:
    async with place(tmp_path) as there:
        assert await there.all() == b"".join(EVENTS)


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        (FaultKind.REFUSE, Break.REFUSED),
        (FaultKind.DNS, Break.NAME),
        (FaultKind.TLS, Break.CERTIFICATE),
        (FaultKind.CUT, Break.LOST),
        (FaultKind.RESET, Break.LOST),
    ],
)
async def test_what_fails_before_an_answer_raises_what_the_connection_would(
    kind: FaultKind, raised: Break, tmp_path: Path
) -> None:
    async with place(tmp_path, Sabotage(kind=kind)) as there:
        with pytest.raises(WayBroken, match=raised):
            await there.all()


async def test_another_status_comes_with_its_wait_and_without_a_call(tmp_path: Path) -> None:
    sabotage = Sabotage(kind=FaultKind.STATUS, status=429, retry_after_s=7)
    async with place(tmp_path, sabotage) as there, there.posted() as response:
        assert (response.status, response.headers["retry-after"]) == (429, "7")


async def test_a_call_without_leave_meets_no_fault_but_the_bug_that_it_is(tmp_path: Path) -> None:
    forbidden = Leave(decision=FORBIDDEN, target=TARGET)
    async with place(tmp_path, Sabotage(kind=FaultKind.STATUS)) as there:
        with pytest.raises(RuntimeError, match="does not allow"):
            await there.way.post("/x", b"{}", {}, forbidden)


async def test_a_stream_is_cut_in_the_middle_of_an_event(tmp_path: Path) -> None:
    async with (
        place(tmp_path, Sabotage(kind=FaultKind.CUT, after_events=1)) as there,
        there.posted() as response,
    ):
        assert await _until(response) == EVENTS[0] + EVENTS[1][: len(EVENTS[1]) // 2]


async def test_a_stream_is_reset_between_two_events(tmp_path: Path) -> None:
    async with (
        place(tmp_path, Sabotage(kind=FaultKind.RESET, after_events=2)) as there,
        there.posted() as response,
    ):
        assert await _until(response) == EVENTS[0] + EVENTS[1]


async def test_a_stream_lacks_its_terminator(tmp_path: Path) -> None:
    async with place(tmp_path, Sabotage(kind=FaultKind.NO_TERMINATOR)) as there:
        assert await there.all() == EVENTS[0] + EVENTS[1]


async def test_an_error_comes_within_a_stream_that_ends_with_it(tmp_path: Path) -> None:
    async with place(tmp_path, Sabotage(kind=FaultKind.ERROR_EVENT, after_events=1)) as there:
        said = await there.all()
    assert said.startswith(EVENTS[0] + b"event: error\n")
    assert b"[DONE]" not in said


async def test_half_a_document_stands_where_an_event_should(tmp_path: Path) -> None:
    async with place(tmp_path, Sabotage(kind=FaultKind.MALFORMED, after_events=1)) as there:
        said = await there.all()
    assert said.count(b"\n\n") == len(EVENTS) + 1


async def test_events_drip(tmp_path: Path) -> None:
    async with place(tmp_path, Sabotage(kind=FaultKind.DRIP, pause_s=0.7)) as there:
        assert await there.all() == b"".join(EVENTS)
        assert there.slept_s[: len(EVENTS)] == [0.7] * len(EVENTS)


@pytest.mark.parametrize("handler", [stream, body])
async def test_another_model_is_named(handler: object, tmp_path: Path) -> None:
    async with place(tmp_path, Sabotage(kind=FaultKind.OTHER_MODEL, model="cheap"), handler=handler) as there:
        said = await there.all()
    assert b'"model": "cheap"' in said
    assert b"m-1" not in said


async def test_silence_lasts_until_the_caller_gives_up(tmp_path: Path) -> None:
    async with place(tmp_path, Sabotage(kind=FaultKind.SILENCE, after_events=0)) as there:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await there.all()


async def test_a_whole_answer_is_cut_at_its_half(tmp_path: Path) -> None:
    async with (
        place(tmp_path, Sabotage(kind=FaultKind.CUT, after_events=2), handler=body) as there,
        there.posted() as response,
    ):
        assert await _until(response) == BODY[: len(BODY) // 2]


async def test_only_a_share_of_the_calls_meets_the_fault(tmp_path: Path) -> None:
    faults = Faults(lambda: 0.0)
    faults.put(drill(Sabotage(kind=FaultKind.REFUSE, share=0.25)))
    met = [faults.met_by_a_call("there", "drill_1") is not None for _ in range(8)]
    assert met == [False, False, False, True] * 2


async def test_a_fault_befalls_one_target_of_one_drill_until_its_end() -> None:
    now = [0.0]
    faults = Faults(lambda: now[0])
    faults.put(drill(Sabotage(kind=FaultKind.REFUSE)))
    assert faults.met_by_a_call("there", "drill_1")
    assert not faults.met_by_a_call("elsewhere", "drill_1")
    assert not faults.met_by_a_call("there", "drill_2")
    now[0] = ENDS_UNIX
    assert not faults.met_by_a_call("there", "drill_1")


async def test_an_answer_under_way_meets_the_fault_that_is_for_those(tmp_path: Path) -> None:
    waiting = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(EVENTS[0])
        await waiting.wait()
        for event in EVENTS[1:]:
            await response.write(event)
        return response

    async with place(tmp_path, handler=slow) as there, there.posted() as response:
        assert await response.content.readany() == EVENTS[0]
        there.faults.put(drill(Sabotage(kind=FaultKind.RESET)))  # for new calls alone
        there.faults.put(drill(Sabotage(kind=FaultKind.RESET, running=True)))
        waiting.set()
        with pytest.raises(WayBroken):
            await response.content.readany()


async def _until(response: Response) -> bytes:
    """What comes until it breaks."""
    said = b""
    try:
        while piece := await response.content.readany():
            said += piece
    except WayBroken:
        return said
    raise AssertionError("it did not break")
