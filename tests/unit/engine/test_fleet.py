# SPDX-License-Identifier: Apache-2.0
"""The fleet with processes that are engines in everything but the model."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from freehold.channel import connect
from freehold.contract.attempt import Attempt, Attempts, Bait, Reach
from freehold.contract.backend import EngineState, EngineStatus, Model
from freehold.contract.estate import Estate
from freehold.contract.report import ProcessReport
from freehold.contract.weights import VerifiedFile, VerifiedWeights
from freehold.engine.build import Program, digest_of, server_of
from freehold.engine.client import Engines
from freehold.engine.clock import SystemClock
from freehold.engine.fleet import EngineFleet
from freehold.engine.messages import (
    AskEgress,
    AskProcesses,
    EgressTried,
    EstateProcesses,
    FromSupervisor,
    InUse,
    Subscribe,
    Wake,
)
from freehold.engine.owned import Means
from freehold.engine.plan import Host
from freehold.engine.service import SupervisorService
from freehold.engine.supervise import Patience
from freehold.errors import VaultError
from freehold.settings import EngineTargetSection

FAKE = (sys.executable, "-I", "-m", "freehold.engine.fake")
SLEEPY = EngineTargetSection(engine="llamacpp", model="small", context_tokens=512, sleep_after_s=60)


class SteppedClock(SystemClock):
    """Idle time passes by hand; the fleet looks whenever it is let."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.look = asyncio.Event()

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        if seconds < 1:  # back-off
            return
        await self.look.wait()
        self.look.clear()


class Watcher:
    """Waits for a status."""

    def __init__(self) -> None:
        self.statuses: asyncio.Queue[EngineStatus] = asyncio.Queue()

    async def until(self, state: EngineState) -> EngineStatus:
        while (status := await self.statuses.get()).state is not state:
            pass
        return status


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    estate = Estate(tmp_path / "estate")
    estate.run.mkdir(parents=True)
    return estate


@pytest.fixture
def verify(tmp_path: Path) -> Callable[[str], VerifiedWeights]:
    path = tmp_path / "weights.gguf"
    path.write_bytes(b"GGUF")

    def opened(target: str) -> VerifiedWeights:
        return VerifiedWeights(
            model=Model(name="small", digest="sha256:0"),
            format="gguf",
            files=(VerifiedFile(path=path.name, fd=os.open(path, os.O_RDONLY | os.O_CLOEXEC), size_bytes=4),),
            context_train_tokens=2048,
            chat_template="",
        )

    return opened


@asynccontextmanager
async def running(
    estate: Estate,
    verify: Callable[[str], VerifiedWeights],
    section: EngineTargetSection = SLEEPY,
    *,
    clock: SteppedClock | None = None,
    worker: tuple[str, ...] = FAKE,
    sealed: bool = False,
) -> AsyncIterator[tuple[EngineFleet, Watcher]]:
    means = Means(
        host=lambda: Host(cores=2, memory_bytes=2**30),
        worker=worker,
        patience=Patience(early_deaths=3, clock=clock or SteppedClock()),
    )
    fleet = EngineFleet(estate, {"local": section}, verify, sealed=sealed, means=means)
    watcher = Watcher()
    fleet.subscribe(watcher.statuses.put_nowait)
    fleet.start()
    try:
        yield fleet, watcher
    finally:
        await fleet.close()


async def test_an_engine_becomes_ready_and_is_described(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    async with running(estate, verify) as (_, watcher):
        status = await watcher.until(EngineState.READY)
    assert (status.model, status.build, status.context_tokens, status.slots) == ("small", "fake", 512, 2)
    assert (status.tools, status.fim) == (True, False)
    assert status.engine_digest == digest_of(Program(server=server_of("", estate.engines)).file)
    assert status.jail.missing == ("everything: a fake",)


async def test_closing_the_fleet_ends_every_engine_and_leaks_no_descriptor(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    before = _descriptors()
    async with running(estate, verify) as (_, watcher):
        pid = (await watcher.until(EngineState.READY)).pid
    assert not Path(f"/proc/{pid}").exists()
    assert not [name for name in _descriptors() - before if "weights" in name or "memfd" in name]


async def test_an_engine_that_is_killed_is_ready_again(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    async with running(estate, verify) as (_, watcher):
        first = await watcher.until(EngineState.READY)
        os.kill(first.pid, signal.SIGKILL)
        assert "SIGKILL" in (await watcher.until(EngineState.RESTARTING)).reason
        again = await watcher.until(EngineState.READY)
    assert (again.restarts, again.reason) == (1, "")


async def test_the_weights_are_verified_before_every_start(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    verified: list[str] = []

    def counting(target: str) -> VerifiedWeights:
        verified.append(target)
        if len(verified) > 1:
            raise VaultError("one byte of the weights has changed")
        return verify(target)

    async with running(estate, counting) as (_, watcher):
        os.kill((await watcher.until(EngineState.READY)).pid, signal.SIGKILL)
        assert (await watcher.until(EngineState.FAILED)).reason == "one byte of the weights has changed"
    assert verified == ["local", "local"]


async def test_an_engine_that_cannot_load_its_model_fails_at_once(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    broken = (sys.executable, "-I", "-c", "raise SystemExit(65)")
    async with running(estate, verify, worker=broken) as (_, watcher):
        status = await watcher.until(EngineState.FAILED)
    assert "could not load the model small" in status.reason
    assert status.restarts == 0


async def test_a_sealed_estate_refuses_an_engine_without_the_whole_jail(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    async with running(estate, verify, sealed=True) as (_, watcher):
        reason = (await watcher.until(EngineState.FAILED)).reason
    assert reason.startswith("--sealed")
    assert "everything: a fake" in reason


async def test_a_failed_engine_is_not_woken_by_calls(estate: Estate, verify: Callable[[str], VerifiedWeights]) -> None:
    broken = (sys.executable, "-I", "-c", "raise SystemExit(65)")
    async with running(estate, verify, worker=broken) as (fleet, watcher):
        await watcher.until(EngineState.FAILED)
        fleet.wake("local")
        assert fleet.statuses[0].state is EngineState.FAILED


async def test_a_failed_engine_is_tried_again_once_its_model_was_brought_in(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    present = False

    def once_it_is_there(target: str) -> VerifiedWeights:
        if not present:
            raise VaultError("the vault has no model 'small'")
        return verify(target)

    async with running(estate, once_it_is_there) as (fleet, watcher):
        await watcher.until(EngineState.FAILED)
        fleet.retry("another")
        assert fleet.statuses[0].state is EngineState.FAILED
        present = True
        fleet.retry("small")
        await watcher.until(EngineState.READY)


async def test_an_idle_engine_sleeps_and_a_call_wakes_it(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    clock = SteppedClock()
    async with running(estate, verify, clock=clock) as (fleet, watcher):
        pid = (await watcher.until(EngineState.READY)).pid
        clock.now_s += 61
        clock.look.set()
        while (await watcher.until(EngineState.ASLEEP)).pid:
            pass  # told first, ended then
        assert not Path(f"/proc/{pid}").exists()
        fleet.wake("local")
        await watcher.until(EngineState.READY)


async def test_an_engine_in_use_does_not_sleep_until_its_last_user_is_gone(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    clock = SteppedClock()
    async with running(estate, verify, clock=clock) as (fleet, watcher):
        await watcher.until(EngineState.READY)
        fleet.use("a gateway", "local", 1)
        clock.now_s += 1000
        assert not fleet._engines["local"].drowsy
        fleet.leave("a gateway")
        assert not fleet._engines["local"].drowsy
        clock.now_s += 61
        assert fleet._engines["local"].drowsy


async def test_an_engine_that_must_not_sleep_does_not(estate: Estate, verify: Callable[[str], VerifiedWeights]) -> None:
    clock = SteppedClock()
    section = EngineTargetSection(engine="llamacpp", model="small", sleep_after_s=0)
    async with running(estate, verify, section, clock=clock) as (fleet, watcher):
        await watcher.until(EngineState.READY)
        clock.now_s += 10**9
        assert not fleet._engines["local"].drowsy


async def test_a_template_that_cannot_be_read_stops_the_engine(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    section = EngineTargetSection(engine="llamacpp", model="small", chat_template="missing.jinja")
    async with running(estate, verify, section) as (_, watcher):
        assert "missing.jinja" in (await watcher.until(EngineState.FAILED)).reason


async def test_the_supervisors_socket_tells_and_hears(estate: Estate, verify: Callable[[str], VerifiedWeights]) -> None:
    clock = SteppedClock()
    async with running(estate, verify, clock=clock) as (fleet, watcher):
        gateway = ProcessReport(name="gateway", pid=1, state="running")
        server = await SupervisorService(fleet, lambda: (gateway,)).listen(estate.supervisor_socket)
        channel = await connect(estate.supervisor_socket, FromSupervisor)
        channel.post(Subscribe())
        while (await channel.receive()).engine.state is not EngineState.READY:
            pass
        channel.post(AskProcesses())
        processes = await channel.receive()
        assert isinstance(processes, EstateProcesses)
        assert [process.name for process in processes.processes] == ["gateway", "engine local"]
        assert processes.engines == fleet.statuses

        channel.post(InUse("local", 3))
        channel.post(Wake("no such target"))
        channel.post(AskProcesses())  # answered after the ones before it
        await channel.receive()
        clock.now_s += 1000
        assert not fleet._engines["local"].drowsy
        channel.close()
        while fleet._engines["local"]._calls:
            await asyncio.sleep(0)
        server.close()
        await watcher.until(EngineState.READY)


async def test_the_supervisor_has_itself_and_its_gateways_try_to_get_out(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    bait = Bait(supervisor=1, port_host="127.0.0.1", port=1, path="/nowhere", abstract="none")

    def tries(name: str) -> Attempts:
        return lambda asked: (Attempt(name=f"{name} {asked.path}", outcome=Reach.REFUSED),)

    async with running(estate, verify) as (fleet, watcher):
        service = SupervisorService(fleet, attempt_all=tries("supervisor"))
        server = await service.listen(estate.supervisor_socket)
        assert not service.followed
        engines = Engines(estate.supervisor_socket, attempt_all=tries("gateway"))
        await engines.start()
        while not service.followed:
            await asyncio.sleep(0)
        channel = await connect(estate.supervisor_socket, FromSupervisor)
        channel.post(AskEgress(bait))
        answer = await channel.receive()
        assert isinstance(answer, EgressTried)
        assert [(tried.process, tried.attempts[0].name) for tried in answer.tried] == [
            ("supervisor", "supervisor /nowhere"),
            ("gateway", "gateway /nowhere"),
        ]
        channel.close()
        await engines.close()
        while service.followed:
            await asyncio.sleep(0)
        server.close()
        await watcher.until(EngineState.READY)


def _descriptors() -> set[str]:
    links = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            links.add(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return links
