# SPDX-License-Identifier: Apache-2.0
"""The fleet with vLLM: the stand-in, started as the real one is, in the jail that the real one is put into."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests import vllm_builder
from tests.unit.engine.test_fleet import Watcher

from freehold.channel import reachable_path
from freehold.contract.backend import EngineState
from freehold.contract.estate import Estate
from freehold.contract.weights import VerifiedWeights
from freehold.engine import probe
from freehold.engine.fleet import EngineFleet
from freehold.engine.owned import Means
from freehold.engine.supervise import Patience
from freehold.seal.bpf import machine
from freehold.settings import EngineTargetSection

SECTION = EngineTargetSection(
    engine="vllm",
    model="tiny",
    environment="environment",
    tool_parser="hermes",
    context_tokens=512,
    slots=3,
    sleep_after_s=0,
)

pytestmark = pytest.mark.skipif(machine() is None, reason="there is a jail for Linux on x86_64 and aarch64 only")


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    """One with an environment in it."""
    estate = Estate(tmp_path / "estate")
    estate.run.mkdir(parents=True)
    vllm_builder.write_environment(estate.directory / "environment")
    return estate


@pytest.fixture
def verify(tmp_path: Path) -> Callable[[str], VerifiedWeights]:
    folder = vllm_builder.write_model(tmp_path / "model", context_tokens=2048)
    return lambda _: vllm_builder.opened_model(folder, "tiny")


@asynccontextmanager
async def running(
    estate: Estate,
    verify: Callable[[str], VerifiedWeights],
    section: EngineTargetSection = SECTION,
    *,
    sealed: bool = False,
) -> AsyncIterator[tuple[EngineFleet, Watcher]]:
    means = Means(patience=Patience(early_deaths=3, health_every_s=0.2))
    fleet, watcher = EngineFleet(estate, {"local": section}, verify, sealed=sealed, means=means), Watcher()
    fleet.subscribe(watcher.statuses.put_nowait)
    fleet.start()
    try:
        yield fleet, watcher
    finally:
        await fleet.close()


async def asked(estate: Estate, method: str, path: str, body: object = None) -> int:
    address = reachable_path(estate.engine_folder("local") / "engine.sock")
    return (await probe.exchange(address, method, path, msgspec.json.encode(body)))[0]


async def test_it_becomes_ready_and_says_of_itself_what_it_was_started_with(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    async with running(estate, verify) as (_, watcher):
        status = await watcher.until(EngineState.READY)
    assert (status.engine, status.build, status.model) == ("vllm", "vllm 0.33.0", "tiny")
    assert (status.context_tokens, status.slots, status.tools, status.fim) == (512, 3, True, False)
    assert status.jail.missing == ()
    assert status.jail.left
    assert status.engine_digest.startswith("sha256:")


async def test_with_gpus_the_context_is_what_it_found_room_for(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    section = EngineTargetSection(engine="vllm", model="tiny", environment="environment", gpus=1, sleep_after_s=0)
    async with running(estate, verify, section) as (_, watcher):
        status = await watcher.until(EngineState.READY)
    assert (status.context_tokens, status.slots, status.tools) == (2048, 32, False)


async def test_routes_for_developers_are_off_whatever_the_supervisor_was_started_with(
    estate: Estate, verify: Callable[[str], VerifiedWeights], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_SERVER_DEV_MODE", "1")
    async with running(estate, verify) as (_, watcher):
        await watcher.until(EngineState.READY)
        assert await asked(estate, "GET", "/health") == 200
        assert {await asked(estate, "POST", path, {}) for path in ("/sleep", "/collective_rpc")} == {404}
        assert await asked(estate, "GET", "/server_info") == 404


async def test_one_whose_inner_process_died_is_started_again(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    async with running(estate, verify) as (_, watcher):
        first = await watcher.until(EngineState.READY)
        body = {"messages": [{"role": "user", "content": "Die!"}]}
        assert await asked(estate, "POST", "/v1/chat/completions", body) == 500
        assert "no longer answered" in (await watcher.until(EngineState.RESTARTING)).reason
        assert (await watcher.until(EngineState.READY)).pid != first.pid


async def test_closing_the_fleet_leaves_none_of_its_processes(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    async with running(estate, verify) as (_, watcher):
        leader = (await watcher.until(EngineState.READY)).pid
        assert len(_of_group(leader)) == 3  # who waits, and the two of the stand-in
    assert _of_group(leader) == []


async def failed(estate: Estate, verify: Callable[[str], VerifiedWeights], section: EngineTargetSection) -> str:
    async with running(estate, verify, section) as (_, watcher):
        return (await watcher.until(EngineState.FAILED)).reason


async def test_a_gguf_file_is_not_given_to_it(estate: Estate, verify: Callable[[str], VerifiedWeights]) -> None:
    reason = await failed(estate, lambda target: replace(verify(target), format="gguf"), SECTION)
    assert "tiny is a GGUF file, and vLLM runs safetensors: give its target engine = 'llamacpp'" in reason


async def test_safetensors_are_not_given_to_llama_cpp(estate: Estate, verify: Callable[[str], VerifiedWeights]) -> None:
    reason = await failed(estate, verify, EngineTargetSection(engine="llamacpp", model="tiny"))
    assert "tiny is safetensors, and llama.cpp runs GGUF: give its target engine = 'vllm'" in reason


async def test_a_sealed_estate_does_not_run_it(estate: Estate, verify: Callable[[str], VerifiedWeights]) -> None:
    async with running(estate, verify, sealed=True) as (_, watcher):
        reason = (await watcher.until(EngineState.FAILED)).reason
    assert "start without --sealed" in reason


async def test_an_environment_that_is_gone_stops_it(estate: Estate, verify: Callable[[str], VerifiedWeights]) -> None:
    (estate.directory / "environment").rename(estate.directory / "away")
    assert "is not there; docs/tasks/vllm.md says how to make one" in await failed(estate, verify, SECTION)


async def test_a_model_that_it_cannot_load_is_not_tried_again(
    estate: Estate, verify: Callable[[str], VerifiedWeights]
) -> None:
    def without_tokenizer(target: str) -> VerifiedWeights:
        whole = verify(target)
        for file in whole.files:
            if file.path == "tokenizer.json":
                os.close(file.fd)
        return replace(whole, files=tuple(file for file in whole.files if file.path != "tokenizer.json"))

    assert "could not load the model tiny" in await failed(estate, without_tokenizer, SECTION)


def _of_group(leader: int) -> list[int]:
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                found += [int(path.name)] if os.getpgid(int(path.name)) == leader else []
            except ProcessLookupError:
                continue
    return found
