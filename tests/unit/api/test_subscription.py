# SPDX-License-Identifier: Apache-2.0
"""The gateway's end of the snapshot channel, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tests.unit.api.test_standings import GONE, SNAPSHOT, House

from freehold.api.subscription import follow_snapshots
from freehold.channel import Channel, listen
from freehold.contract.canary import Canary
from freehold.contract.report import GatewayReport
from freehold.contract.signals import Measured
from freehold.contract.snapshot import Snapshot

Link = Channel[GatewayReport | Measured, Snapshot | Canary]


@asynccontextmanager
async def following(house: House, tmp_path: Path, *, report_every_s: float = 3600.0) -> AsyncIterator[Link]:
    """The control process's end of the channel."""
    connected: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def serve(channel: Link) -> None:
        connected.set_result(channel)
        await over.wait()

    server = await listen(tmp_path / "snapshot.sock", GatewayReport | Measured, serve)
    task = asyncio.create_task(
        follow_snapshots(tmp_path / "snapshot.sock", house.gateway, report_every_s=report_every_s)
    )
    try:
        yield await connected
    finally:
        task.cancel()
        over.set()
        server.close()
        await asyncio.wait((task,))


async def reported(channel: Link) -> GatewayReport:
    """The next report. What was measured is passed over."""
    while isinstance(told := await channel.receive(), Measured):
        pass
    return told


async def test_what_was_measured_is_told_once_a_snapshot_is_in_force(tmp_path: Path) -> None:
    house = House()
    async with following(house, tmp_path) as channel:
        channel.post(replace(SNAPSHOT, version=41))
        await reported(channel)
        first = await channel.receive()
        assert isinstance(first, Measured)
        assert first.gateway == "gateway-1"
        requests = [series.values for series in first.counted if series.metric == "freehold_requests"]
        assert requests == [(0.0,)]


async def test_a_gateway_that_stops_has_a_last_word(tmp_path: Path) -> None:
    house, heard = House(), asyncio.get_running_loop().create_future()

    async def serve(channel: Link) -> None:
        channel.post(replace(SNAPSHOT, version=41))
        told = [message async for message in channel]
        heard.set_result(told[-1])

    server = await listen(tmp_path / "snapshot.sock", GatewayReport | Measured, serve)
    task = asyncio.create_task(follow_snapshots(tmp_path / "snapshot.sock", house.gateway, report_every_s=3600))
    while house.gateway.report.snapshot_version != 41:
        await asyncio.sleep(0)
    await house.ask()
    task.cancel()
    last = await heard
    server.close()
    assert isinstance(last, Measured)
    assert [series.values for series in last.counted if series.metric == "freehold_requests"] == [(1.0,)]


async def test_a_snapshot_is_in_force_before_it_is_said_to_be(tmp_path: Path) -> None:
    house = House()
    async with following(house, tmp_path) as channel:
        channel.post(replace(SNAPSHOT, version=41))
        assert (await reported(channel)).snapshot_version == 41
        assert house.gateway.report.snapshot_version == 41


async def test_a_report_comes_from_time_to_time(tmp_path: Path) -> None:
    async with following(House(), tmp_path, report_every_s=0) as channel:
        assert (await reported(channel)).gateway == "gateway-1"


async def test_evidence_does_not_wait_for_the_next_regular_report(tmp_path: Path) -> None:
    house = House()
    house.targets.problems["one"] = GONE
    async with following(house, tmp_path) as channel:
        await asyncio.gather(*(house.ask() for _ in range(20)))
        report = await reported(channel)
        assert [found.target for found in report.evidence] == ["one"]
        assert report.calls == 20  # all of one turn of the loop in one report


async def test_the_control_process_can_ask_for_a_canary(tmp_path: Path) -> None:
    house = House()
    async with following(house, tmp_path) as channel:
        channel.post(Canary(target="two"))
        while not (report := await reported(channel)).answered:
            pass
        assert report.answered == ("two",)
        assert house.targets.asked == ["two"]
