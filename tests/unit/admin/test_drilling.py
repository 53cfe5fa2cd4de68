# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.unit.admin.conftest import FakeLedger, Steps

from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.requests import ById, Nothing, RunDrill
from freehold.channel import Channel, connect
from freehold.contract.report import GatewayReport
from freehold.contract.snapshot import Snapshot
from freehold.errors import EstateError, NotFound, SettingsError, VerificationFailed

GOOD = "name: ours\nduration_s: 1\nsteps:\n  - {at_s: 0, directive: cut, targets: foreign}\n"


@asynccontextmanager
async def a_gateway(parts: Parts) -> AsyncIterator[list[Snapshot]]:
    """One that confirms every snapshot, and remembers them."""
    taken: list[Snapshot] = []
    await parts.publisher.open(parts.estate.snapshot_socket)
    channel: Channel[Snapshot, GatewayReport] = await connect(parts.estate.snapshot_socket, Snapshot)

    async def follow() -> None:
        async for snapshot in channel:
            taken.append(snapshot)
            channel.post(GatewayReport(gateway="g", snapshot_version=snapshot.version))

    following = asyncio.create_task(follow())
    channel.post(GatewayReport(gateway="g", snapshot_version=0))
    while not parts.publisher.reports:
        await asyncio.sleep(0)
    try:
        yield taken
    finally:
        following.cancel()
        channel.close()
        parts.publisher.close()


async def run(operations: Operations, steps: Steps, **wishes: Any) -> Any:
    request = RunDrill(**{"scenario": "ours.yaml", "text": GOOD, "requests": 1, **wishes})
    return (await operations.run_drill(request, steps.asker()))["drill"]


async def test_a_drill_needs_a_gateway(operations: Operations, steps: Steps) -> None:
    await operations.start()
    with pytest.raises(EstateError, match="no gateway is up"):
        await run(operations, steps)


@pytest.mark.parametrize(
    ("wishes", "raised", "said"),
    [
        ({"scenario": "july-2026", "text": ""}, NotFound, "there is no scenario 'july-2026'"),
        ({"service": "support"}, NotFound, "there is no service 'support'; there are: default"),
        ({"scenario": "june-2026", "text": ""}, EstateError, "the service default has none"),
        ({"text": GOOD.replace("cut", "maybe")}, SettingsError, "ours.yaml, line 4: 'directive'"),
        ({"text": GOOD.replace("foreign", "berlin")}, SettingsError, "ours.yaml, line 4: there is no target 'berlin'"),
    ],
    ids=["scenario", "service", "no-provider", "malformed", "target"],
)
async def test_a_drill_that_cannot_be_run_leaves_no_trace(  # noqa: PLR0917 - the fixtures, and the cases
    wishes: dict[str, Any],
    raised: type[Exception],
    said: str,
    operations: Operations,
    parts: Parts,
    ledger: FakeLedger,
    steps: Steps,
) -> None:
    await operations.start()
    async with a_gateway(parts) as taken:
        with pytest.raises(raised, match=said):
            await run(operations, steps, **wishes)
    assert all(snapshot.drill is None for snapshot in taken)
    assert not ledger.acts


async def test_a_drill_that_breaks_is_on_record_and_nothing_of_it_stays_in_force(
    operations: Operations, parts: Parts, ledger: FakeLedger, steps: Steps
) -> None:
    """Nobody listens for its calls here, and the log has no files: it cannot come to its scorecard."""
    await operations.start()
    async with a_gateway(parts) as taken:
        with pytest.raises(VerificationFailed, match="is missing"):
            await run(operations, steps)
        assert [kind for kind, *_ in ledger.acts] == ["drill.begin", "drill.stop"]
        drill_id = ledger.acts[0][1]
        during = [snapshot for snapshot in taken if snapshot.drill]
        assert during[0].keys[0].drill == drill_id == during[0].keys[0].id
        assert during[0].keys[0].expires_at_unix == during[0].drill.ends_unix  # type: ignore[union-attr]
        assert (taken[-1].drill, taken[-1].keys) == (None, ())


async def test_there_are_no_drills_before_the_first(operations: Operations, steps: Steps) -> None:
    assert (await operations.rehearsed.list_drills(Nothing(), "local"))["drills"] == []
    with pytest.raises(NotFound):
        await operations.rehearsed.show_drill(ById(id="drill_000000000000"), "local")
