# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.provider_builder import (
    ALLOWED,
    FORBIDDEN,
    TARGET,
    Handler,
    Serving,
    endpoint,
    limits,
    looking_up,
    never_look_up,
    serving,
    snapshot,
    speaking,
    upstream,
)

from freehold.contract.call import Dialect
from freehold.contract.drill import Drill, Faulted, FaultKind, Sabotage
from freehold.contract.endpoint import Endpoint, Prefill
from freehold.contract.estate import Estate
from freehold.dialect.interface import Event, Upstream, Wire
from freehold.egress.deadlines import Deadline, Deadlines
from freehold.egress.dialler import Dialler, look_up
from freehold.egress.secrets import Secrets
from freehold.errors import FreeholdError, ProviderBroke, ProviderRefused, ProviderUnavailable
from freehold.provider import Provided, Providers
from freehold.provider.reading import Events, Watch

CHUNK = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = upstream(stream=True)


class Time:
    """Time that passes only where a test says so; and what is waited for with a given patience ends at once."""

    def __init__(self, *expire_s: float) -> None:
        self.now_s = 0.0
        self.expire_s = expire_s
        self.waits: list[Deadline] = []
        self._deadlines = Deadlines()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        wait = self._deadlines.within(30)
        self.waits.append(wait)
        with wait:
            if seconds in self.expire_s:
                asyncio.get_running_loop().call_soon(wait.expire)
            yield

    @property
    def watch(self) -> Watch:
        return Watch(unix=lambda: 1_795_000_000.0, monotonic=lambda: self.now_s, within=self.within)


def providing(at: Endpoint, tmp_path: Path, time: Time | None = None, **environment: str) -> Provided:
    providers = Providers(Estate(tmp_path), Secrets(Estate(tmp_path), environment), watch=(time or Time()).watch)
    return providers.under(snapshot(at))


async def closing(provided: Provided) -> None:
    for way in provided._ways.values():
        assert isinstance(way, Dialler)
        way.close()


@pytest.fixture(params=["waited for", "poured"])
def how(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each event is waited for by a task, or handed on in the turn of the loop that brings it."""
    _HOW.append(request.param)
    yield request.param
    _HOW.pop()


_HOW = ["waited for"]


async def asked(provided: Provided, sent: Upstream) -> tuple[bytes, list[Event]]:
    async with provided.open("there", sent, ALLOWED) as answer:
        return answer.body, await heard(answer.events)


async def heard(events: AsyncIterator[Event]) -> list[Event]:
    """All of them. To pour is to be given none by iteration but what ends the pouring."""
    found: list[Event] = []

    def take(event: Event) -> bool:
        found.append(event)
        return True

    async for event in events:
        found.append(event)
        if _HOW[-1] == "poured" and isinstance(events, Events):
            await events.pour(take)
    return found


@asynccontextmanager
async def at_server(
    handler: Handler, tmp_path: Path, time: Time | None = None, **more: Any
) -> AsyncIterator[tuple[Provided, Serving]]:
    async with serving(handler) as there:
        provided = providing(endpoint(there.url(), **more), tmp_path, time)
        yield provided, there
        await closing(provided)


def saying(body: bytes, kind: str = "application/json", status: int = 200, **headers: str) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        return web.Response(body=body, status=status, headers={"Content-Type": kind, **sent})

    return handle


def streaming(*pieces: bytes, then: Callable[[], Any] | None = None, kind: str = "text/event-stream") -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0)
        if then is not None:
            await then()
        return response

    return handle


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_whole_answer_comes_back_as_it_is(tmp_path: Path) -> None:
    handler = saying(b'{"id":"x"}', x_ratelimit_limit_requests="10", x_ratelimit_remaining_requests="9")
    async with (
        at_server(handler, tmp_path) as (provided, there),
        provided.open("there", upstream(body=b'{"a":1}'), ALLOWED) as answer,
    ):
        assert answer.body == b'{"id":"x"}'
        assert answer.limits is not None
        assert answer.limits.requests.remaining == 9
    assert [request.path for request in there.asked] == ["/v1/chat/completions"]


async def test_a_stream_comes_back_event_by_event_with_every_byte(tmp_path: Path, how: str) -> None:
    pieces = (b": ping\n\n", CHUNK[:7], CHUNK[7:] + CHUNK, DONE)
    async with at_server(streaming(*pieces), tmp_path) as (provided, _):
        _, events = await asked(provided, STREAM)
    assert b"".join(event.raw for event in events) == b"".join(pieces)


@pytest.mark.parametrize(
    ("wire", "last"),
    [
        (Wire.CHAT, DONE),
        (Wire.MISTRAL_CHAT, DONE),
        (Wire.RESPONSES, b'event: response.completed\ndata: {"type":"response.completed"}\n\n'),
        (Wire.RESPONSES, b'data: {"type": "response.incomplete"}\n\n'),
        (Wire.RESPONSES, b'event: response.failed\ndata: {"type":"response.failed","response":{"error":{}}}\n\n'),
        (Wire.MESSAGES, b'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
    ],
)
async def test_a_stream_ends_with_the_event_that_its_api_ends_with(wire: Wire, last: bytes, tmp_path: Path) -> None:
    first = b'event: first\ndata: {"type":"first"}\n\n'
    async with at_server(streaming(first, last), tmp_path) as (provided, _):
        _, events = await asked(provided, upstream(wire, stream=True))
        assert [event.raw for event in events] == [first, last]
    async with at_server(streaming(first), tmp_path) as (provided, _):
        with pytest.raises(ProviderBroke, match="ended its answer before it was whole"):
            await asked(provided, upstream(wire, stream=True))


async def test_a_whole_stream_whose_connection_stays_open_is_whole(tmp_path: Path, how: str) -> None:
    time = Time(0.2)
    async with at_server(streaming(CHUNK, DONE, then=forever), tmp_path, time) as (provided, _):
        _, events = await asked(provided, STREAM)
    assert events[-1].raw == DONE


@pytest.mark.parametrize("pieces", [(CHUNK, DONE + CHUNK + b": ping\n\n" + DONE), (CHUNK, DONE, CHUNK, DONE)])
async def test_what_follows_the_end_of_an_answer_is_no_part_of_it(
    pieces: tuple[bytes, ...], tmp_path: Path, how: str
) -> None:
    async with at_server(streaming(*pieces), tmp_path) as (provided, _):
        _, events = await asked(provided, STREAM)
    assert [event.raw for event in events] == [CHUNK, DONE]


@pytest.mark.parametrize(
    "pieces", [(CHUNK, CHUNK.replace(b'"a"', b'"\xe6\x97"'), DONE), (CHUNK + b": \xff\n\n" + DONE,)]
)
async def test_half_a_character_breaks_a_stream_off_behind_what_came_before_it(
    pieces: tuple[bytes, ...], tmp_path: Path, how: str
) -> None:
    handed_on = []

    def take(event: Event) -> bool:
        handed_on.append(event.raw)
        return True

    async def all_of(events: AsyncIterator[Event]) -> None:
        async for event in events:
            take(event)
            if how == "poured" and isinstance(events, Events):
                await events.pour(take)

    async with (
        at_server(streaming(*pieces), tmp_path) as (provided, _),
        provided.open("there", STREAM, ALLOWED) as answer,
    ):
        with pytest.raises(ProviderBroke, match="not UTF-8"):
            await all_of(answer.events)
    assert handed_on == [CHUNK]


async def test_an_end_with_nothing_before_it_is_no_answer(tmp_path: Path) -> None:
    async with at_server(streaming(b": ping\n\n", DONE), tmp_path) as (provided, _):
        with pytest.raises(ProviderBroke, match="before it said anything"):
            await asked(provided, STREAM)


async def test_connections_outlast_a_snapshot_that_leaves_the_endpoint_as_it_is(tmp_path: Path) -> None:
    async with serving(saying(b"{}")) as there:
        providers = Providers(Estate(tmp_path), Secrets(Estate(tmp_path), {}))
        for _ in range(2):
            await asked(providers.under(snapshot(endpoint(there.url()))), upstream())
        await asked(providers.under(snapshot(endpoint(there.url(), prefill=Prefill.TEXT))), upstream())
        providers.close()
    assert len(there.connections) == 2


async def test_a_call_reaches_whom_it_was_decided_for_though_the_target_is_somebody_elses_by_now(
    tmp_path: Path,
) -> None:
    async with serving(saying(b'{"by":"paris"}')) as paris, serving(saying(b'{"by":"lyon"}')) as lyon:
        providers = Providers(Estate(tmp_path), Secrets(Estate(tmp_path), {}))
        before = providers.under(snapshot(endpoint(paris.url())))
        providers.under(snapshot(endpoint(lyon.url(), provider="lyon"), targets=(replace(TARGET, operator="lyon"),)))
        body, _ = await asked(before, upstream())
        providers.close()
    assert body == b'{"by":"paris"}'
    assert not lyon.asked


async def test_a_call_that_the_decision_forbids_is_a_bug_and_not_even_resolved(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    providers = Providers(estate, Secrets(estate, {}), lookup=never_look_up)
    provided = providers.under(snapshot(endpoint("https://llm.example.fr/v1")))
    with pytest.raises(RuntimeError, match="does not allow the target there"):
        async with provided.open("there", upstream(), FORBIDDEN):
            raise AssertionError
    providers.close()


async def test_a_key_that_is_missing_costs_the_call_and_nobody_is_asked(tmp_path: Path) -> None:
    async with at_server(saying(b"{}"), tmp_path, key="env:NONE") as (provided, there):
        with pytest.raises(ProviderUnavailable, match=r"no usable key: env:NONE"):
            await asked(provided, upstream())
    assert not there.connections


async def test_a_key_is_sent_and_never_said(tmp_path: Path) -> None:
    wrong = saying(b'{"error":{"message":"hunter2 is wrong"}}', status=400)
    async with serving(wrong) as there:
        provided = providing(endpoint(there.url(), key="env:KEY"), tmp_path, KEY="hunter2")
        with pytest.raises(FreeholdError) as refused:
            await asked(provided, upstream())
        await closing(provided)
    assert there.asked[0].headers["authorization"] == "Bearer hunter2"
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (saying(b"<html>", "text/html"), "something else than JSON"),
        (streaming(CHUNK, DONE), "something else than JSON"),
        (saying(b"{}", content_encoding="gzip"), "compressed bytes"),
        (saying(b"", status=204), "status 204"),
        (saying(b'{"choices":[{"message":{"content":"\xe6\x97"}}]}'), "not UTF-8"),
        (saying(b"x" * (2**20 + 1)), "more than max_answer_mb, 1 MB"),
    ],
)
async def test_what_is_no_whole_answer_is_refused(handler: Handler, said: str, tmp_path: Path) -> None:
    async with at_server(handler, tmp_path, limits=limits(answer_bytes=2**20)) as (provided, _):
        with pytest.raises(ProviderBroke, match=said):
            await asked(provided, upstream())


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (saying(b"<html>", "text/html"), "something else than a stream of events"),
        (saying(b'{"id":"x"}'), "something else than a stream of events"),
        (streaming(), "before the first event"),
        (streaming(b": ping\n\n"), "before the first event"),
        (streaming(CHUNK), "before it was whole"),
        (streaming(CHUNK, b"data: [DO"), "before it was whole"),
        (streaming(CHUNK, b"x" * (2**20)), "more than max_answer_mb"),
        (streaming(CHUNK, b'data: {"error":{"message":"gone"}}\n\n', DONE), "failed in the middle"),
        (streaming(CHUNK, b'event: error\ndata: {"type":"error"}\n\n', DONE), "failed in the middle"),
    ],
)
async def test_what_is_no_stream_is_refused(handler: Handler, said: str, tmp_path: Path, how: str) -> None:
    async with at_server(handler, tmp_path, limits=limits(answer_bytes=2**20)) as (provided, _):
        with pytest.raises(ProviderBroke, match=said):
            await asked(provided, STREAM)


@pytest.mark.parametrize("sent", [upstream(), STREAM])
async def test_an_error_with_status_200_is_one(sent: Upstream, tmp_path: Path) -> None:
    body = json.dumps({"error": {"type": "not_found_error", "message": "x"}}).encode()
    async with at_server(saying(body), tmp_path) as (provided, _):
        with pytest.raises(ProviderRefused, match="no such model"):
            await asked(provided, sent)


async def test_an_error_as_first_event_comes_before_the_answer(tmp_path: Path) -> None:
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n'
    async with at_server(streaming(b": ping\n\n", error), tmp_path) as (provided, _):
        with pytest.raises(FreeholdError, match="no room for the call"):
            async with provided.open("there", upstream(Wire.MESSAGES, stream=True), ALLOWED):
                raise AssertionError


@pytest.mark.parametrize(
    ("sent", "patience_s", "said"),
    [(upstream(), 600.0, "whole_answer_s, 600 s"), (STREAM, 30.0, "first_event_s, 30 s")],
)
async def test_a_provider_that_does_not_answer_is_given_up(
    sent: Upstream, patience_s: float, said: str, tmp_path: Path
) -> None:
    async def silent(request: web.Request) -> web.Response:
        await forever()
        raise AssertionError

    async with at_server(silent, tmp_path, Time(patience_s)) as (provided, _):
        with pytest.raises(ProviderUnavailable, match=f"did not answer within {said}"):
            await asked(provided, sent)


async def test_headers_and_pings_are_no_first_event(tmp_path: Path, how: str) -> None:
    time = Time()

    async def run_out() -> None:
        for _ in range(50):
            await asyncio.sleep(0)
        time.waits[0].expire()
        await forever()

    handler = streaming(b": ping\n\n", b": ping\n\n", then=run_out)
    async with at_server(handler, tmp_path, time) as (provided, _):
        with pytest.raises(ProviderUnavailable, match="first_event_s"):
            await asked(provided, STREAM)


async def test_silence_after_the_first_event_ends_the_answer(tmp_path: Path, how: str) -> None:
    async with at_server(streaming(CHUNK, then=forever), tmp_path, Time(7.0), limits=limits(idle_s=7.0)) as (
        provided,
        _,
    ):
        with pytest.raises(ProviderBroke, match=r"sent nothing for idle_s, 7 s"):
            await asked(provided, STREAM)


async def test_pings_do_not_make_up_for_events(tmp_path: Path, how: str) -> None:
    time = Time()

    async def pinging(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(CHUNK)
        while True:
            await asyncio.sleep(0.001)
            time.now_s += 20
            await response.write(b": ping\n\n")

    async with at_server(pinging, tmp_path, time, limits=limits(least_events_per_minute=1)) as (provided, _):
        with pytest.raises(ProviderBroke, match="fewer events than least_events_per_minute, 1"):
            await asked(provided, STREAM)


async def test_a_high_pace_shows_within_seconds_that_it_is_not_kept(tmp_path: Path, how: str) -> None:
    time = Time()

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(CHUNK)
            await asyncio.sleep(0.001)
            time.now_s += 0.4

    async with at_server(slow, tmp_path, time, limits=limits(least_events_per_minute=300)) as (provided, _):
        with pytest.raises(ProviderBroke, match="fewer events than least_events_per_minute, 300"):
            await asked(provided, STREAM)
    assert time.now_s < 10


async def test_a_slow_caller_is_not_the_providers_fault(tmp_path: Path) -> None:
    time = Time()
    async with (
        at_server(streaming(CHUNK, CHUNK, CHUNK, DONE), tmp_path, time) as (provided, _),
        provided.open("there", STREAM, ALLOWED) as answer,
    ):
        taken = 0
        async for _event in answer.events:
            time.now_s += 1000
            taken += 1
    assert taken == 4


async def test_leaving_an_answer_cuts_the_connection(tmp_path: Path) -> None:
    cut = asyncio.Event()

    async def endless() -> None:
        try:
            await forever()
        finally:
            cut.set()

    async with at_server(streaming(CHUNK, then=endless), tmp_path) as (provided, _):
        async with provided.open("there", STREAM, ALLOWED):
            pass
        await cut.wait()


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ((), ProviderUnavailable, "broke the connection before it answered"),
        ((b"SSH-2.0-OpenSSH_9\r\n",), ProviderBroke, "not HTTP"),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",), ProviderBroke, "not HTTP"),
        (
            (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",),
            ProviderBroke,
            "broke off in the middle",
        ),
        (
            (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",),
            ProviderBroke,
            "broke off in the middle|not HTTP",
        ),
    ],
)
async def test_what_is_not_http_or_breaks_off_is_said_apart(
    words: tuple[bytes, ...], kind: type[FreeholdError], said: str, tmp_path: Path
) -> None:
    async with speaking(*words) as there:
        provided = providing(endpoint(there.url()), tmp_path)
        with pytest.raises(kind, match=said):
            await asked(provided, upstream())
        await closing(provided)


async def test_a_refused_connection_an_unknown_name_and_bad_tls_are_said_apart(tmp_path: Path) -> None:
    async with serving(saying(b"{}")) as there:
        closed, plain = there.url(), there.url(scheme="https")
        provided = providing(endpoint(plain), tmp_path)
        with pytest.raises(ProviderUnavailable, match="TLS with provider paris cannot be agreed on"):
            await asked(provided, upstream())
        await closing(provided)
    provided = providing(endpoint(closed), tmp_path)
    with pytest.raises(ProviderUnavailable, match="refuses connections"):
        await asked(provided, upstream())
    await closing(provided)
    estate = Estate(tmp_path)
    providers = Providers(estate, Secrets(estate, {}), lookup=looking_up([]))
    with pytest.raises(ProviderUnavailable, match="the name of provider paris cannot be resolved"):
        await asked(providers.under(snapshot(endpoint("https://llm.example.fr/v1"))), upstream())
    providers.close()


async def test_a_redirect_says_that_it_is_not_followed(tmp_path: Path) -> None:
    async with at_server(saying(b"", status=308, location="https://other.example"), tmp_path) as (provided, there):
        with pytest.raises(ProviderRefused, match="redirects, which is not followed"):
            await asked(provided, upstream())
    assert len(there.asked) == 1


async def test_a_target_is_known_by_the_snapshot(tmp_path: Path) -> None:
    provided = providing(endpoint("https://llm.example.fr/v1", dialects=(Dialect.ANTHROPIC,)), tmp_path)
    assert ("there" in provided.targets, "local" in provided.targets) == (True, False)
    backend = await provided.ready("there")
    assert (backend.model, set(backend.wires)) == ("m-1", {Wire.MESSAGES, Wire.COUNT_TOKENS})


async def test_the_system_resolves_names(tmp_path: Path) -> None:
    assert {str(info[4][0]) for info in await look_up("localhost", 80)} <= {"127.0.0.1", "::1"}


async def test_a_drill_spoils_the_connections_of_its_own_calls_and_of_no_other(tmp_path: Path) -> None:
    refuse = Faulted(target="there", sabotage=Sabotage(kind=FaultKind.REFUSE))
    async with serving(saying(b"{}")) as there:
        providers = Providers(Estate(tmp_path), Secrets(Estate(tmp_path), {}), watch=Time().watch)
        live = providers.under(snapshot(endpoint(there.url())))
        drill = Drill(id="drill_1", ends_unix=2e9, faults=(refuse,))
        theirs = providers.under(replace(snapshot(endpoint(there.url())), drill=drill))
        with pytest.raises(ProviderUnavailable, match="refuses connections"):
            await asked(theirs, upstream())
        assert await asked(live, upstream()) == (b"{}", [])
        over = providers.under(replace(snapshot(endpoint(there.url())), drill=replace(drill, faults=())))
        assert await asked(over, upstream()) == (b"{}", [])
        providers.close()


def into(poured: list[Event], *, more: bool = True) -> Callable[[Event], bool]:
    """Puts each event there, and says whether it wants more."""

    def take(event: Event) -> bool:
        poured.append(event)
        return more

    return take


async def test_pouring_stops_where_the_taker_has_enough_and_goes_on_behind_it(tmp_path: Path) -> None:
    async with (
        at_server(streaming(CHUNK, CHUNK, CHUNK, DONE), tmp_path) as (provided, _),
        provided.open("there", STREAM, ALLOWED) as answer,
    ):
        events, poured = answer.events, list[Event]()
        assert isinstance(events, Events)
        await events.pour(into(poured, more=False))
        await events.pour(into(poured, more=False))
        rest = [event async for event in events]
    assert [len(poured), len(rest), rest[-1].data] == [2, 2, b"[DONE]"]


async def test_after_pouring_was_stopped_what_comes_is_kept_for_whoever_asks(tmp_path: Path) -> None:
    going_on = asyncio.Event()
    async with (
        at_server(streaming(CHUNK, then=going_on.wait), tmp_path) as (provided, _),
        provided.open("there", STREAM, ALLOWED) as answer,
    ):
        events, poured = answer.events, list[Event]()
        assert isinstance(events, Events)
        assert (await anext(events)).data

        pouring = asyncio.ensure_future(events.pour(into(poured)))
        await asyncio.sleep(0)
        events._came(CHUNK)
        events.stop()
        events._came(CHUNK.replace(b'"a"', b'"b"'))
        await pouring
        assert (await anext(events)).data == CHUNK[6:-2].replace(b'"a"', b'"b"')
        going_on.set()
    assert [event.data for event in poured] == [CHUNK[6:-2]]


@pytest.mark.parametrize(
    "last",
    [
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
        b'data: {"type":"message_stop"}\n\n',
        b'event: error\ndata: {"type":"overloaded"}\n\n',
        b'data: {"type":"error","error":{"type":"overloaded_error"}}\n\n',
    ],
)
async def test_what_ends_an_answer_is_never_poured(last: bytes, tmp_path: Path) -> None:
    said = b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"an \\"error\\""}}\n\n'
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    streamed = Upstream(wire=Wire.MESSAGES, body=b"{}", stream=True)
    async with (
        at_server(streaming(said, said, ping, last), tmp_path, dialects=(Dialect.ANTHROPIC,)) as (provided, _),
        provided.open("there", streamed, ALLOWED) as answer,
    ):
        events, poured = answer.events, list[Event]()
        assert isinstance(events, Events)
        await events.pour(into(poured))
    assert [event.raw for event in poured] == [said, said, ping]


async def test_the_time_of_a_slow_taker_is_not_the_providers(tmp_path: Path) -> None:
    time = Time()
    async with (
        at_server(streaming(CHUNK, CHUNK, CHUNK, DONE), tmp_path, time) as (provided, _),
        provided.open("there", STREAM, ALLOWED) as answer,
    ):
        events, taken = answer.events, 0
        assert isinstance(events, Events)

        def slow(_event: Event) -> bool:
            time.now_s += 1000
            return False

        async for _event in events:
            taken += 1
            await events.pour(slow)
    assert taken == 3  # the other one was poured


async def test_a_bug_of_whoever_takes_what_is_poured_reaches_whoever_poured_it(tmp_path: Path) -> None:
    going_on = asyncio.Event()
    async with (
        at_server(streaming(CHUNK, then=going_on.wait), tmp_path) as (provided, _),
        provided.open("there", STREAM, ALLOWED) as answer,
    ):
        events = answer.events
        assert isinstance(events, Events)
        assert (await anext(events)).data

        def buggy(_event: Event) -> bool:
            raise ZeroDivisionError

        pouring = asyncio.ensure_future(events.pour(buggy))
        await asyncio.sleep(0)
        events._came(CHUNK)
        with pytest.raises(ZeroDivisionError):
            await pouring
        going_on.set()
