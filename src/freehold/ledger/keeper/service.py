# SPDX-License-Identifier: Apache-2.0
"""The ledger's process as others see it: takes admissions, outcomes and acts over the channel, and answers each.

For every allowed call it writes exactly one outcome. A gateway that is gone for longer than the grace period has lost
its calls, and the ledger concludes them. It never sees content.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from freehold.channel import Channel, ChannelClosed, listen
from freehold.contract.attempt import Tried
from freehold.errors import LedgerFault, LedgerFull
from freehold.ledger.check.trust import TrustPolicy
from freehold.ledger.interface import LedgerHead, LedgerStatus
from freehold.ledger.keeper.aside import Aside
from freehold.ledger.keeper.cosigning import Cosigning
from freehold.ledger.keeper.docket import Docket
from freehold.ledger.keeper.peer import Peer
from freehold.ledger.keeper.pruning import NO_RETENTION, Pruner, Retention
from freehold.ledger.keeper.receipts import MOST_READ_FORWARD
from freehold.ledger.keeper.recovery import recover
from freehold.ledger.keeper.writer import Writer
from freehold.ledger.messages import (
    AddCosignatures,
    Admit,
    AskReceipt,
    AskStatus,
    Conclude,
    EgressTried,
    ForgetCall,
    ForgetDay,
    FromLedger,
    Hello,
    NotPublished,
    PruneLog,
    Published,
    PublishNow,
    RecordAct,
    StatusReport,
    ToLedger,
    TryEgress,
    Welcome,
)
from freehold.ledger.record.derived import noted_outcome
from freehold.ledger.record.search import FoundOutcome, outcome_of
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.derived import Outcomes
from freehold.ledger.writing.log import Log
from freehold.seal.attempts import attempt_all

_RETRY_S = 1.0
_REREAD_ENTRIES = 4096  # before the low-water mark: to know the latest outcomes and acts again if they are sent again


def _now_utc() -> datetime:
    return datetime.now(UTC)


class LedgerService:
    """Serves an open log, which is now its own, at one socket.

    ``grace_s``: how long a gateway may be away before its calls are lost. ``publish_s``: how long an acknowledged entry
    waits for the checkpoint that covers it. ``salts_kept_days``: 0 is for ever.
    """

    def __init__(  # noqa: PLR0913 - the log, and what a service does at which time
        self,
        log: Log,
        socket: Path,
        *,
        grace_s: float = 10.0,
        publish_s: float = 0.8,
        salts_kept_days: int = 0,
        retention: Retention = NO_RETENTION,
        witnesses: TrustPolicy | None = None,
        now_utc: Callable[[], datetime] = _now_utc,
    ) -> None:
        self._log = log
        self._socket = socket
        self._grace_s = grace_s
        self._publish_s = publish_s
        self._salts_kept_days = salts_kept_days
        self._now_utc = now_utc
        self._pruner = Pruner(log, retention, now_utc=now_utc, low_water=lambda: self._docket.low_water)
        self._cosigning = Cosigning(log, witnesses)
        self._outcomes = Outcomes(log.directory, log.disk)
        self._peers: dict[str, Peer] = {}
        self._conversations: dict[Channel[ToLedger, FromLedger], asyncio.Task[None] | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # what is under way for a peer beside its conversation
        self._sweep_timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Read what is open, listen, and begin to write."""
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(
            self._log,
            now_utc=self._now_utc,
            publish_s=self._publish_s,
            notes=self._notes,
            group_done=self._flush,
        )
        start = max(0, self._log.low_water() - _REREAD_ENTRIES)
        found = recover(self._log.entries(start), lost_at_s=self._lost_at_s())
        self._docket = Docket(
            found.calls,
            found.acts,
            recorded=self._log.size,
            put=self._writer.put,
            look_up=lambda peer, message: self._begin(self._answer_from_log(peer, message)),
            lost_at_s=self._lost_at_s,
            closes_later=self._await_losses,
        )
        self._docket.outcomes.extend(found.outcomes)
        self._aside = Aside(self._log, self._docket, now_utc=self._now_utc, kept_days=self._salts_kept_days)
        await self._aside.note(found.erasing)
        self._await_losses()
        self._writing = asyncio.create_task(self._writer.write_groups())
        self._publishing = asyncio.create_task(self._writer.publish_in_time())
        self._expiring = asyncio.create_task(self._aside.expire_in_time())
        self._server = await listen(self._socket, ToLedger, self._serve)

    async def wait(self) -> None:
        """Return never, but raise what broke the writing: a bug, after which the process must end."""
        done, _ = await asyncio.wait({self._writing, self._publishing}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def expire(self) -> None:
        """Destroy now the salts that were kept for long enough. Raises LedgerFault."""
        await self._aside.expire()

    async def close(self) -> None:
        """Finish what was taken, publish it, and give the log back. Calls still open stay open for the next start."""
        self._server.close()
        self._expiring.cancel()
        self._writer.finish()
        await self._writing
        self._aside.stop()
        conversations = [task for task in self._conversations.values() if task]
        for channel in self._conversations:  # what was written has been answered by now
            channel.close()
        if unfinished := {*conversations, *self._tasks}:
            await asyncio.wait(unfinished)
        if self._sweep_timer:
            self._sweep_timer.cancel()
        self._publishing.cancel()
        await asyncio.wait({self._publishing, self._expiring})
        with contextlib.suppress(LedgerFault):  # the journal keeps it
            await self._writer.publish()
        self._aside.close()
        self._writer.close()
        self._log.close()

    async def _serve(self, channel: Channel[ToLedger, FromLedger]) -> None:
        """One connection, from its hello to its end."""
        self._conversations[channel] = asyncio.current_task()
        try:
            hello = await channel.receive()
            if not isinstance(hello, Hello):
                raise ChannelClosed("the other process did not say hello")
            peer = self._greet(hello, channel)
            try:
                await channel.hear(partial(self._take_all, peer))
            finally:
                self._part(peer)
        finally:
            del self._conversations[channel]

    def _greet(self, hello: Hello, channel: Channel[ToLedger, FromLedger]) -> Peer:
        """What an older connection of the same identity has not said yet is not heard any more."""
        if older := self._peers.get(hello.identity):
            self._part(older)
        peer = Peer(hello.identity, channel)
        self._peers[hello.identity] = peer
        self._docket.calls.claim(hello.identity, hello.in_flight)
        peer.say(Welcome(self._log.origin))
        return peer

    def _part(self, peer: Peer) -> None:
        peer.hang_up()
        if self._peers.get(peer.identity) is peer:
            del self._peers[peer.identity]
            self._docket.calls.leave(peer.identity, self._lost_at_s())
            self._await_losses()

    def _take_all(self, peer: Peer, messages: Sequence[ToLedger]) -> None:
        for message in messages:
            if isinstance(message, Admit):
                self._docket.admit(peer, message)
            elif isinstance(message, Conclude):
                self._docket.conclude(peer, message)
            else:
                self._take(peer, message)
                if not peer.connected:
                    return
        peer.flush()

    def _take(
        self,
        peer: Peer,
        message: Hello
        | RecordAct
        | ForgetCall
        | ForgetDay
        | AskReceipt
        | PruneLog
        | AddCosignatures
        | PublishNow
        | AskStatus
        | TryEgress,
    ) -> None:
        match message:
            case RecordAct():
                self._docket.record(peer, message)
            case AskStatus(ask):
                peer.say(StatusReport(ask, self._status()))
            case Hello():
                peer.hang_up()
            case _:
                self._begin(self._answer(peer, message))

    async def _answer(
        self,
        peer: Peer,
        message: ForgetCall | ForgetDay | AskReceipt | PruneLog | AddCosignatures | PublishNow | TryEgress,
    ) -> None:
        """What takes a while, beside the conversation."""
        match message:
            case ForgetCall() | ForgetDay() | AskReceipt():
                await self._aside.answer(peer, message)
            case PruneLog():
                await self._pruner.answer(peer, message)
            case AddCosignatures():
                await self._cosigning.answer(peer, message)
            case PublishNow(ask):
                await self._publish_for(peer, ask)
            case TryEgress():
                await self._try_egress_for(peer, message)

    async def _publish_for(self, peer: Peer, ask: int) -> None:
        try:
            note = await self._writer.publish_all()
        except LedgerFault as fault:
            peer.say(NotPublished(ask, fault.message, full=isinstance(fault, LedgerFull)))
            return
        head = LedgerHead(origin=self._log.origin, size=self._log.published_size, checkpoint=note.decode())
        peer.say(Published(ask, head))

    async def _try_egress_for(self, peer: Peer, message: TryEgress) -> None:
        attempts = await asyncio.to_thread(attempt_all, message.bait)
        peer.say(EgressTried(message.ask, Tried(process="ledger", pid=os.getpid(), attempts=attempts)))

    def _notes(self) -> Callable[[], None]:
        """What the next publication leaves noted: where outcomes lie, and from where on calls may be open."""
        low_water, outcomes = self._docket.low_water, tuple(self._docket.outcomes)

        def note() -> None:
            with contextlib.suppress(OSError):  # they are noted with the next ones
                self._outcomes.note(outcomes)
                del self._docket.outcomes[: len(outcomes)]
                self._log.set_low_water(low_water)

        return note

    async def _answer_from_log(self, peer: Peer, message: Conclude) -> None:
        """A call that ended too long ago to be remembered: its outcome is in the log."""
        call_id, start = message.outcome.call_id, message.admission

        def search(log: Log) -> FoundOutcome | None:
            noted = noted_outcome(log.directory, start)
            return outcome_of(LedgerFiles(log.directory), start, log.published_size, noted, MOST_READ_FORWARD)

        found = await self._writer.look_up(search)
        peer.concluded.append((call_id, found.index if found and found.entry.call == call_id else -1))
        peer.flush()

    def _status(self) -> LedgerStatus:
        try:
            free_bytes, full = self._log.free_bytes, self._writer.full or not self._log.has_room
        except LedgerFault:
            free_bytes, full = 0, True
        return LedgerStatus(
            origin=self._log.origin,
            size=self._log.size,
            published_size=self._log.published_size,
            waiting=self._writer.waiting,
            open_admissions=len(self._docket.calls),
            gateways=len(self._peers),
            free_bytes=free_bytes,
            full=full,
            fsync_us=self._log.fsync_us,
            relaxed_s=self._log.sync_after_s,
            anchored_size=self._log.anchor.size if self._log.anchor else None,
        )

    def _lost_at_s(self) -> float:
        return self._loop.time() + self._grace_s

    def _await_losses(self) -> None:
        """Wake when the next call is lost; one that could not be concluded is tried again after a while."""
        if self._sweep_timer is None and (due_s := self._docket.calls.next_loss_s()) is not None:
            soonest_s = self._loop.time() + min(_RETRY_S, self._grace_s)
            self._sweep_timer = self._loop.call_at(max(due_s, soonest_s), self._sweep)

    def _sweep(self) -> None:
        self._sweep_timer = None
        self._docket.sweep(self._loop.time())
        self._await_losses()

    def _flush(self) -> None:
        for peer in self._peers.values():
            peer.flush()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
