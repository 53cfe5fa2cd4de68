# SPDX-License-Identifier: Apache-2.0
"""The gateway's end of the snapshot channel: takes each configuration, says when it is in force, and reports.

A report goes out from time to time, and at once when there is news that somebody has to act upon.
"""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Final

from freehold.api.gateway import Gateway
from freehold.channel import Channel, ChannelClosed, connect
from freehold.contract.canary import Canary
from freehold.contract.report import GatewayReport
from freehold.contract.signals import Measured
from freehold.contract.snapshot import Snapshot

_log = logging.getLogger(__name__)
_RETRY_S: Final = 0.1
_REPORT_EVERY_S: Final = 2.0
_LEAST_BETWEEN_S: Final = 0.05  # whatever the news: a thousand refusals are one report
_MOST_CANARIES: Final = 8  # at a time
_MEASURED_EVERY_S: Final = 2.0

_Link = Channel[Snapshot | Canary, GatewayReport | Measured]


async def follow_snapshots(socket: Path, gateway: Gateway, *, report_every_s: float = _REPORT_EVERY_S) -> None:
    """Apply every snapshot that the control process publishes. While it is away the last one stays in force."""
    while True:
        with suppress(ChannelClosed):
            await _follow(await connect(socket, Snapshot | Canary), gateway, report_every_s)
        await asyncio.sleep(_RETRY_S)


async def _follow(channel: _Link, gateway: Gateway, report_every_s: float) -> None:
    canaries: set[asyncio.Task[None]] = set()
    telling = [
        asyncio.create_task(_report(channel, gateway, report_every_s)),
        asyncio.create_task(_measure(channel, gateway)),
    ]
    try:
        async for message in channel:
            if isinstance(message, Snapshot):
                gateway.configure(message)
                _tell(channel, gateway)
                channel.post(gateway.measured)
                _log.info("snapshot %d is in force", message.version)
            elif len(canaries) < _MOST_CANARIES:
                canary = asyncio.create_task(gateway.try_target(message.target))
                canaries.add(canary)
                canary.add_done_callback(canaries.discard)
    finally:
        for task in (*telling, *canaries):
            task.cancel()
        with suppress(ChannelClosed):  # the last word of a gateway that stops
            channel.post(gateway.measured)
        channel.close()


async def _report(channel: _Link, gateway: Gateway, every_s: float) -> None:
    with suppress(ChannelClosed):
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await gateway.news.wait()
            _tell(channel, gateway)
            await channel.drain()
            await asyncio.sleep(_LEAST_BETWEEN_S)


async def _measure(channel: _Link, gateway: Gateway) -> None:
    """Apart from the reports, which may come often: what was measured can wait."""
    with suppress(ChannelClosed):
        while True:
            await asyncio.sleep(_MEASURED_EVERY_S)
            channel.post(gateway.measured)
            await channel.drain()


def _tell(channel: _Link, gateway: Gateway) -> None:
    gateway.news.clear()
    report = gateway.report
    channel.post(report)
    gateway.reported(report)
