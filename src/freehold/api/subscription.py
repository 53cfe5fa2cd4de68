# SPDX-License-Identifier: Apache-2.0
"""The gateway's end of the snapshot channel: takes each configuration, and says when it is in force."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from freehold.api.gateway import Gateway
from freehold.channel import Channel, ChannelClosed, connect
from freehold.contract.report import GatewayReport
from freehold.contract.snapshot import Snapshot

_log = logging.getLogger(__name__)
_RETRY_S = 0.1
_REPORT_EVERY_S = 2.0


async def follow_snapshots(socket: Path, gateway: Gateway) -> None:
    """Apply every snapshot that the control process publishes. While it is away the last one stays in force."""
    while True:
        with suppress(ChannelClosed):
            channel: Channel[Snapshot, GatewayReport] = await connect(socket, Snapshot)
            reporting = asyncio.create_task(_report(channel, gateway))
            try:
                async for snapshot in channel:
                    channel.post(gateway.configure(snapshot))
                    _log.info("snapshot %d is in force", snapshot.version)
            finally:
                reporting.cancel()
                channel.close()
        await asyncio.sleep(_RETRY_S)


async def _report(channel: Channel[Snapshot, GatewayReport], gateway: Gateway) -> None:
    with suppress(ChannelClosed):
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            await channel.send(gateway.report)
