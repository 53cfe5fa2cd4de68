# SPDX-License-Identifier: Apache-2.0
"""The gateway's end, against an engine that fails on command and a supervisor that says what it is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from tests.engine_fakes import StubSupervisor, engine_status

from freehold.contract.backend import EngineState, Priority
from freehold.contract.decision import Decision, Verdict
from freehold.dialect.interface import Event, Upstream, Wire
from freehold.engine.client import Engines
from freehold.engine.fake import FakeEngine, Fault
from freehold.engine.messages import InUse, Wake
from freehold.errors import EngineBroke, EngineBusy, EngineUnavailable

STREAM = Upstream(wire=Wire.CHAT, body=b'{"messages":[{"role":"user","content":"hi"}],"stream":true}', stream=True)
WHOLE = Upstream(wire=Wire.CHAT, body=b'{"messages":[{"role":"user","content":"hi"}]}', stream=False)
DECISION = Decision(
    id="dec_1",
    verdicts=(Verdict(target="local", allowed=True, rules=()),),
    policy_digest="",
    facts_digest="",
)


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    async with FakeEngine(tmp_path / "engine.sock") as engine:
        yield engine


@pytest.fixture
async def engines(supervisor: StubSupervisor) -> AsyncIterator[Engines]:
    client = Engines(supervisor.path)
    await client.start()
    yield client
    await client.close()


@pytest.fixture
async def running(supervisor: StubSupervisor, engines: Engines, fake: FakeEngine, tmp_path: Path) -> FakeEngine:
    """An engine that the client knows to be ready: two slots, two more may wait."""
    supervisor.say(engine_status(EngineState.READY, tmp_path))
    await engines.ready("local")
    return fake


async def ask(engines: Engines, upstream: Upstream = STREAM, seen: list[Event] | None = None) -> list[Event]:
    """Every event; those before a fault are in ``seen``."""
    events = [] if seen is None else seen
    async with engines.open("local", upstream, DECISION) as answer:
        async for event in answer.events:
            events += [event]
    return events


async def test_a_ready_engine_is_described_as_the_supervisor_described_it(
    engines: Engines, running: FakeEngine
) -> None:
    backend = await engines.ready("local")
    assert (backend.model, backend.context_tokens, backend.tools, backend.fim) == ("small", 512, True, False)
    assert Wire.INFILL not in backend.wires


async def test_an_engine_that_starts_is_waited_for(
    supervisor: StubSupervisor, engines: Engines, fake: FakeEngine, tmp_path: Path
) -> None:
    supervisor.say(engine_status(EngineState.STARTING, tmp_path))
    asking = asyncio.create_task(ask(engines))
    while engines.status("local") is None:
        await asyncio.sleep(0)
    assert fake.calls == 0
    supervisor.say(engine_status(EngineState.READY, tmp_path))
    assert (await asking)[-1].data == b"[DONE]"


async def test_a_sleeping_engine_is_woken(
    supervisor: StubSupervisor, engines: Engines, fake: FakeEngine, tmp_path: Path
) -> None:
    supervisor.say(engine_status(EngineState.ASLEEP, tmp_path))
    asking = asyncio.create_task(ask(engines))
    assert await supervisor.hear(Wake) == Wake("local")
    supervisor.say(engine_status(EngineState.READY, tmp_path))
    assert (await asking)[-1].data == b"[DONE]"


async def test_a_failed_engine_is_not_waited_for(supervisor: StubSupervisor, engines: Engines, tmp_path: Path) -> None:
    supervisor.say(replace(engine_status(EngineState.FAILED, tmp_path), reason="/srv/vault is broken"))
    with pytest.raises(EngineUnavailable, match="waits for the operator") as failed:
        await ask(engines)
    assert "/srv" not in failed.value.message


async def test_waiting_has_an_end(supervisor: StubSupervisor, tmp_path: Path) -> None:
    impatient = Engines(supervisor.path, patience_s=0)
    await impatient.start()
    supervisor.say(engine_status(EngineState.STARTING, tmp_path))
    with pytest.raises(EngineUnavailable, match="not ready in time"):
        await ask(impatient)
    await impatient.close()


async def test_more_calls_than_slots_and_queue_hold_are_turned_away(engines: Engines, running: FakeEngine) -> None:
    running.fault = Fault.HANG
    calls = [asyncio.create_task(ask(engines)) for _ in range(4)]
    while running.calls < 2:
        await asyncio.sleep(0)
    with pytest.raises(EngineBusy) as busy:
        await ask(engines)
    assert busy.value.retry_after_s > 0
    assert running.calls == 2  # the engine has two slots; the other calls wait in the gateway
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    running.fault = Fault.NONE
    assert await ask(engines)


def ranked(priority: Priority) -> Upstream:
    return structs.replace(STREAM, priority=priority)


async def test_calls_of_a_higher_priority_come_first_and_displace_others(engines: Engines, running: FakeEngine) -> None:
    running.fault = Fault.HANG
    calls = [asyncio.create_task(ask(engines, ranked(Priority.LOW))) for _ in range(4)]
    while running.calls < 2:
        await asyncio.sleep(0)
    high = asyncio.create_task(ask(engines, ranked(Priority.HIGH)))
    with pytest.raises(EngineBusy, match="higher priority"):
        await calls.pop()
    running.fault = Fault.NONE
    calls[0].cancel()
    assert (await high)[-1].data == b"[DONE]"
    assert (await calls.pop())[-1].data == b"[DONE]"
    calls[1].cancel()


async def test_a_call_is_let_go_on_as_soon_as_an_answer_is_whole(engines: Engines, running: FakeEngine) -> None:
    async with engines.open("local", WHOLE, DECISION), engines.open("local", STREAM, DECISION) as answer:
        assert [event async for event in answer.events]
        assert await ask(engines)


async def test_calls_that_wait_for_a_slot_outlast_a_restart_of_the_engine(
    supervisor: StubSupervisor, engines: Engines, running: FakeEngine, tmp_path: Path
) -> None:
    running.fault = Fault.REFUSE
    calls = [asyncio.create_task(ask(engines)) for _ in range(4)]
    await running.began.wait()
    supervisor.say(engine_status(EngineState.RESTARTING, tmp_path))
    running.fault = Fault.NONE
    supervisor.say(engine_status(EngineState.READY, tmp_path))
    assert [events[-1].data for events in await asyncio.gather(*calls)] == [b"[DONE]"] * 4


async def test_calls_that_wait_for_a_slot_of_an_engine_that_fails_for_good_are_told(
    supervisor: StubSupervisor, engines: Engines, running: FakeEngine, tmp_path: Path
) -> None:
    running.fault = Fault.REFUSE
    calls = [asyncio.create_task(ask(engines)) for _ in range(4)]
    await running.began.wait()
    supervisor.say(engine_status(EngineState.FAILED, tmp_path))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {EngineUnavailable}


async def test_an_engine_that_sleeps_is_described_at_once_and_woken(
    supervisor: StubSupervisor, engines: Engines, running: FakeEngine, tmp_path: Path
) -> None:
    supervisor.say(engine_status(EngineState.ASLEEP, tmp_path))
    while (status := engines.status("local")) is None or status.state is not EngineState.ASLEEP:
        await asyncio.sleep(0)
    assert (await engines.ready("local")).model == "small"
    assert await supervisor.hear(Wake) == Wake("local")
    calls = [asyncio.create_task(ask(engines, ranked(Priority.LOW))) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(EngineBusy):
        await ask(engines, ranked(Priority.LOW))
    urgent = asyncio.create_task(ask(engines, ranked(Priority.HIGH)))
    supervisor.say(engine_status(EngineState.READY, tmp_path))
    assert (await urgent)[-1].data == b"[DONE]"
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [list, list, list, EngineBusy]


async def test_an_engine_can_be_warmed_without_a_call(
    supervisor: StubSupervisor, engines: Engines, fake: FakeEngine, tmp_path: Path
) -> None:
    engines.warm("local")  # which nobody has told of yet
    supervisor.say(engine_status(EngineState.ASLEEP, tmp_path))
    while engines.status("local") is None:
        await asyncio.sleep(0)
    engines.warm("local")
    assert await supervisor.hear(Wake) == Wake("local")
    assert fake.calls == 0


async def test_tokens_are_counted_while_every_slot_is_taken(engines: Engines, running: FakeEngine) -> None:
    running.fault = Fault.HANG
    calls = [asyncio.create_task(ask(engines)) for _ in range(2)]
    while running.calls < 2:
        await asyncio.sleep(0)
    running.fault = Fault.NONE
    async with engines.open("local", structs.replace(WHOLE, wire=Wire.COUNT_TOKENS), DECISION) as answer:
        assert answer.body == b'{"input_tokens": 1}'
    for call in calls:
        call.cancel()


async def test_more_calls_than_may_wait_for_an_engine_are_turned_away(
    supervisor: StubSupervisor, engines: Engines, tmp_path: Path
) -> None:
    supervisor.say(engine_status(EngineState.STARTING, tmp_path))
    waiting = [asyncio.create_task(engines.ready("local")) for _ in range(4)]
    while engines.status("local") is None:
        await asyncio.sleep(0)
    with pytest.raises(EngineBusy):
        await engines.ready("local")
    supervisor.say(engine_status(EngineState.READY, tmp_path))
    await asyncio.gather(*waiting)


@pytest.mark.parametrize("fault", [Fault.BREAK, Fault.TRUNCATE, Fault.ERROR_EVENT])
async def test_an_answer_that_is_not_whole_is_never_taken_for_one(
    engines: Engines, running: FakeEngine, fault: Fault
) -> None:
    running.fault = fault
    seen: list[Event] = []
    with pytest.raises(EngineBroke) as broke:
        await ask(engines, STREAM, seen)
    assert len(seen) >= 2
    assert "secret" not in broke.value.message


async def test_an_engine_that_ends_before_it_answers_is_asked_once_more(
    supervisor: StubSupervisor, engines: Engines, running: FakeEngine, tmp_path: Path
) -> None:
    running.fault = Fault.REFUSE
    asking = asyncio.create_task(ask(engines))
    await running.began.wait()
    supervisor.say(engine_status(EngineState.RESTARTING, tmp_path))
    running.fault = Fault.NONE
    supervisor.say(engine_status(EngineState.READY, tmp_path))
    assert (await asking)[-1].data == b"[DONE]"
    assert running.calls == 2


async def test_an_engine_that_ends_twice_is_not_asked_a_third_time(
    supervisor: StubSupervisor, engines: Engines, running: FakeEngine, tmp_path: Path
) -> None:
    running.fault = Fault.REFUSE
    asking = asyncio.create_task(ask(engines))
    await running.began.wait()
    supervisor.say(engine_status(EngineState.RESTARTING, tmp_path))
    supervisor.say(engine_status(EngineState.READY, tmp_path))
    with pytest.raises(EngineBroke, match="twice"):
        await asking
    assert running.calls == 2


async def test_a_caller_who_goes_away_stops_the_engine(engines: Engines, running: FakeEngine) -> None:
    running.fault = Fault.STALL
    async with engines.open("local", STREAM, DECISION) as answer:
        await anext(aiter(answer.events))
    await running.hung_up.wait()


async def test_a_caller_who_goes_away_before_the_answer_stops_the_engine(engines: Engines, running: FakeEngine) -> None:
    running.fault = Fault.HANG
    asking = asyncio.create_task(ask(engines, WHOLE))
    await running.began.wait()
    asking.cancel()
    await running.hung_up.wait()


async def test_the_supervisor_is_told_of_use_once_and_not_of_every_call(
    supervisor: StubSupervisor, engines: Engines, running: FakeEngine
) -> None:
    for _ in range(3):
        await ask(engines)
    assert await supervisor.hear(InUse) == InUse("local", 1)
    assert supervisor.heard.empty()


async def test_a_supervisor_that_was_away_is_followed_again(
    supervisor: StubSupervisor, engines: Engines, running: FakeEngine, tmp_path: Path
) -> None:
    await ask(engines)
    await supervisor.hear(InUse)
    for channel in supervisor.channels:
        channel.close()
    assert await supervisor.hear(InUse) == InUse("local", 1)
    supervisor.say(replace(engine_status(EngineState.READY, tmp_path), model="other"))
    while (status := engines.status("local")) is None or status.model != "other":
        await asyncio.sleep(0)
