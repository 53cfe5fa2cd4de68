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
from freehold.contract.snapshot import Snapshot

Link = Channel[GatewayReport, Snapshot | Canary]


@asynccontextmanager
async def following(house: House, tmp_path: Path, *, report_every_s: float = 3600.0) -> AsyncIterator[Link]:
    """The control process's end of the channel."""
    connected: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def serve(channel: Link) -> None:
        connected.set_result(channel)
        await over.wait()

    server = await listen(tmp_path / "snapshot.sock", GatewayReport, serve)
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


async def test_a_snapshot_is_in_force_before_it_is_said_to_be(tmp_path: Path) -> None:
    house = House()
    async with following(house, tmp_path) as channel:
        channel.post(replace(SNAPSHOT, version=41))
        assert (await channel.receive()).snapshot_version == 41
        assert house.gateway.report.snapshot_version == 41


async def test_a_report_comes_from_time_to_time(tmp_path: Path) -> None:
    async with following(House(), tmp_path, report_every_s=0) as channel:
        assert (await channel.receive()).gateway == "gateway-1"


async def test_evidence_does_not_wait_for_the_next_regular_report(tmp_path: Path) -> None:
    house = House()
    house.targets.problems["one"] = GONE
    async with following(house, tmp_path) as channel:
        await asyncio.gather(*(house.ask() for _ in range(20)))
        report = await channel.receive()
        assert [found.target for found in report.evidence] == ["one"]
        assert report.calls == 20  # all of one turn of the loop in one report


async def test_the_control_process_can_ask_for_a_canary(tmp_path: Path) -> None:
    house = House()
    async with following(house, tmp_path) as channel:
        channel.post(Canary(target="two"))
        while not (report := await channel.receive()).answered:
            pass
        assert report.answered == ("two",)
        assert house.targets.asked == ["two"]
