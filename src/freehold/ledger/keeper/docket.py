# SPDX-License-Identifier: Apache-2.0
"""Who is owed which entry: exactly one admission a call, exactly one outcome an allowed admission, each act once.

Messages may come twice (a gateway sends again what was not answered), late (it gave up first), or never (it died).
Everything here runs on the event loop and never waits; entries go to the disk through ``put``, and say themselves
how they are composed and who hears what came of them.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from freehold.contract.record import Ending, Outcome
from freehold.errors import FreeholdError, LedgerFault, LedgerUnavailable
from freehold.ledger import compose
from freehold.ledger.judging import Reading
from freehold.ledger.keeper.open_calls import OpenCall, OpenCalls, Recent
from freehold.ledger.keeper.peer import Peer
from freehold.ledger.keeper.writer import Waiting
from freehold.ledger.messages import Admit, Conclude, RecordAct


class Docket:
    """``recorded`` counts the entries that are accounted for here. ``closes_later`` hears when a call may be lost.

    What is public here is for the items below alone: what is done for every call is done in as few steps as can be.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing it may do
        self,
        calls: OpenCalls,
        acts: Recent,
        *,
        recorded: int,
        put: Callable[[Waiting], None],
        look_up: Callable[[Peer, Conclude], None],
        lost_at_s: Callable[[], float],
        closes_later: Callable[[], None],
    ) -> None:
        self.calls = calls
        self.acts = acts
        self.recorded = recorded
        self._put = put
        self._look_up = look_up
        self.lost_at_s = lost_at_s
        self.closes_later = closes_later
        self.judged = Reading()
        self.admitting: dict[str, _Admitting] = {}
        self.concluding: dict[str, _Concluding] = {}
        self.recording: dict[str, _Recording] = {}
        self.outcomes: list[tuple[int, int]] = []  # pairs of an admission's and its outcome's index, to be noted

    @property
    def low_water(self) -> int:
        """The index before which every admission is concluded."""
        return self.calls.low_water(self.recorded)

    def admit(self, peer: Peer, message: Admit) -> None:
        """Write an admission, or answer with the one that was written."""
        call_id = message.id
        if call_id in self.admitting or call_id in self.calls.open or call_id in self.calls.ended:
            self._admit_again(peer, call_id)
        else:
            self.admitting[call_id] = admitting = _Admitting(self, peer, message, message.salt)
            self._put(admitting)

    def conclude(self, peer: Peer, message: Conclude) -> None:
        """Write the one outcome of a call, or answer with it."""
        outcome = message.outcome
        call = self.calls.open.get(outcome.call_id)
        if call is not None and not call.closing:
            self._close(call, outcome, peer)
        else:
            self._conclude_another_way(peer, message)

    def record(self, peer: Peer, message: RecordAct) -> None:
        """Write an act, or answer with the entry that it has."""
        index = self.acts.get(message.id)
        if index is not None:
            peer.acts.append((message.id, index))
        elif recording := self.recording.get(message.id):
            recording.peer = peer
        else:
            self.recording[message.id] = recording = _Recording(self, peer, message)
            self._put(recording)

    def record_own(
        self, message: RecordAct, *, written: Callable[[int], None], failed: Callable[[LedgerFault], None]
    ) -> None:
        """Write an act that no one else asked for in these words."""
        self._put(_Own(self, message, written, failed))

    def act_recorded(self, act_id: str) -> int | None:
        """The index of a recent act."""
        return self.acts.get(act_id)

    def sweep(self, now_s: float) -> None:
        """Conclude the calls that are lost."""
        for call_id in self.calls.lost(now_s):
            if call := self.calls.open.get(call_id):
                self._close(call, Outcome(call_id=call_id, ending=Ending.LOST), None)

    def _admit_again(self, peer: Peer, call_id: str) -> None:
        if admitting := self.admitting.get(call_id):
            admitting.peer = peer
        elif call := self.calls.open.get(call_id):
            self.calls.claim(peer.identity, [call_id])
            peer.admitted.append((call_id, call.index))
        else:
            peer.refused(call_id, LedgerUnavailable("the call was on record as ended before this was heard"))

    def _conclude_another_way(self, peer: Peer, message: Conclude) -> None:
        call_id = message.outcome.call_id
        outcome_index = self.calls.ended.get(call_id)
        if admitting := self.admitting.get(call_id):
            admitting.peer, admitting.ending = peer, message
        elif outcome_index is not None:
            peer.concluded.append((call_id, outcome_index))
        elif concluding := self.concluding.get(call_id):
            concluding.peer = peer
        elif message.admission < 0:
            peer.concluded.append((call_id, -1))
        else:
            self._look_up(peer, message)

    def _close(self, call: OpenCall, outcome: Outcome, peer: Peer | None) -> None:
        call.closing = True
        self.concluding[outcome.call_id] = concluding = _Concluding(self, peer, call, outcome)
        self._put(concluding)


class _Admitting(msgspec.Struct):
    """An admission on its way to the disk, and what its gateway wants to happen once it is there."""

    docket: Docket
    peer: Peer
    said: Admit
    salt: bytes
    ending: Conclude | None = None
    allowed: bool = False  # once it is composed

    can_wait = False

    def compose(self, at_utc: datetime) -> bytes:
        judged = self.docket.judged.of(self.said.judged)
        self.allowed = judged.allowed
        return compose.admission_of(self.said, judged, at_utc=at_utc)

    def written(self, index: int) -> None:
        docket, peer, call_id = self.docket, self.peer, self.said.id
        del docket.admitting[call_id]
        docket.recorded = index + 1
        if self.allowed:
            docket.calls.admitted(call_id, index, peer.identity, None if peer.connected else docket.lost_at_s())
            if not peer.connected:
                docket.closes_later()
        peer.admitted.append((call_id, index))
        if self.ending:
            docket.conclude(peer, self.ending)

    def failed(self, fault: LedgerFault) -> None:
        call_id = self.said.id
        del self.docket.admitting[call_id]
        self.peer.refused(call_id, fault)
        if self.ending:
            self.peer.concluded.append((call_id, -1))


class _Concluding(msgspec.Struct):
    """An outcome on its way; without a peer, nobody waits to hear of it."""

    docket: Docket
    peer: Peer | None
    call: OpenCall
    outcome: Outcome

    salt = b""
    can_wait = True

    def compose(self, at_utc: datetime) -> bytes:
        """A call must have an outcome even where what its gateway says of it cannot be recorded."""
        try:
            return compose.outcome(self.outcome, self.call.index, at_utc=at_utc)
        except ValueError:
            bare = Outcome(call_id=self.outcome.call_id, ending=Ending.FAILED, error=FreeholdError.code)
            return compose.outcome(bare, self.call.index, at_utc=at_utc)

    def written(self, index: int) -> None:
        docket, call_id = self.docket, self.outcome.call_id
        del docket.concluding[call_id]
        docket.recorded = index + 1
        docket.outcomes.append((self.call.index, index))
        docket.calls.concluded(call_id, index)
        if self.peer:
            self.peer.concluded.append((call_id, index))

    def failed(self, fault: LedgerFault) -> None:
        self.call.closing = False
        del self.docket.concluding[self.outcome.call_id]
        if self.peer:
            self.peer.put_off(self.outcome.call_id, fault)
        if self.call.lost_at_s is not None:
            self.docket.closes_later()


class _Recording(msgspec.Struct):
    """An act on its way, for whoever asked last."""

    docket: Docket
    peer: Peer
    said: RecordAct

    salt = b""
    can_wait = False

    def compose(self, at_utc: datetime) -> bytes:
        return _act(self.said, at_utc)

    def written(self, index: int) -> None:
        docket, act_id = self.docket, self.said.id
        del docket.recording[act_id]
        docket.recorded = index + 1
        docket.acts.add(act_id, index)
        self.peer.acts.append((act_id, index))

    def failed(self, fault: LedgerFault) -> None:
        del self.docket.recording[self.said.id]
        self.peer.put_off(self.said.id, fault)


class _Own(msgspec.Struct):
    """An act of the ledger's own."""

    docket: Docket
    said: RecordAct
    done: Callable[[int], None]
    failed: Callable[[LedgerFault], None]

    salt = b""
    can_wait = False

    def compose(self, at_utc: datetime) -> bytes:
        return _act(self.said, at_utc)

    def written(self, index: int) -> None:
        self.docket.recorded = index + 1
        self.docket.acts.add(self.said.id, index)
        self.done(index)


def _act(message: RecordAct, at_utc: datetime) -> bytes:
    return compose.act(
        id=message.id,
        kind=message.kind,
        subject=message.subject,
        operator=message.operator,
        digests=message.digests,
        at_utc=at_utc,
    )
