# SPDX-License-Identifier: Apache-2.0
"""The ledger's process where the directory is a copy of the log: it says so to whoever asks, and writes nothing."""

import asyncio
import os
from pathlib import Path

from freehold.channel import Channel, ChannelClosed, listen
from freehold.contract.attempt import Tried
from freehold.errors import LedgerUnavailable
from freehold.ledger.interface import LedgerStatus
from freehold.ledger.keeper.peer import Peer
from freehold.ledger.messages import (
    Admit,
    AskStatus,
    Conclude,
    EgressTried,
    ForgetCall,
    ForgetDay,
    FromLedger,
    Hello,
    NotPublished,
    PublishNow,
    RecordAct,
    StatusReport,
    ToLedger,
    TryEgress,
    Welcome,
)
from freehold.ledger.writing.copies import Migration
from freehold.seal.attempts import attempt_all


class StandbyService:
    """Answers at the ledger's socket for a copy. Until it is adopted, no call is admitted."""

    def __init__(self, copy: Migration, socket: Path) -> None:
        self._copy = copy
        self._socket = socket
        self._fault = LedgerUnavailable(f"{copy.away.message}; {copy.away.advice}")
        self._channels: set[Channel[ToLedger, FromLedger]] = set()

    async def start(self) -> None:
        self._server = await listen(self._socket, ToLedger, self._serve)

    async def wait(self) -> None:
        """Return never: only a person can change what this copy is, and not while it is open here."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        self._server.close()
        for channel in self._channels:
            channel.close()
        self._copy.close()

    async def _serve(self, channel: Channel[ToLedger, FromLedger]) -> None:
        self._channels.add(channel)
        try:
            hello = await channel.receive()
            if not isinstance(hello, Hello):
                raise ChannelClosed("the other process did not say hello")
            peer = Peer(hello.identity, channel)
            peer.say(Welcome(self._copy.origin))
            async for message in channel:
                await self._refuse(peer, message)
        finally:
            self._channels.discard(channel)

    async def _refuse(self, peer: Peer, message: ToLedger) -> None:
        match message:
            case Admit(id=call_id):
                peer.refused(call_id, self._fault)
            case Conclude(outcome=outcome):
                peer.put_off(outcome.call_id, self._fault)
            case RecordAct(id=act_id) | ForgetCall(id=act_id) | ForgetDay(id=act_id):
                peer.put_off(act_id, self._fault)
            case PublishNow(ask):
                peer.say(NotPublished(ask, self._fault.message, full=False))
            case AskStatus(ask):
                peer.say(StatusReport(ask, self._status()))
            case TryEgress(ask, bait):
                attempts = await asyncio.to_thread(attempt_all, bait)
                peer.say(EgressTried(ask, Tried(process="ledger", pid=os.getpid(), attempts=attempts)))
            case _:
                peer.hang_up()  # whoever asked is told that the ledger went away

    def _status(self) -> LedgerStatus:
        return LedgerStatus(
            origin=self._copy.origin,
            size=self._copy.size,
            published_size=self._copy.size,
            waiting=0,
            open_admissions=0,
            gateways=0,
            free_bytes=0,
            full=False,
            fsync_us=0,
            away=self._fault.message,
        )
