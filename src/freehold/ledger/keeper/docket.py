# SPDX-License-Identifier: Apache-2.0
"""Who is owed which entry: exactly one admission a call, exactly one outcome an allowed admission, each act once.

Messages may come twice (a gateway sends again what was not answered), late (it gave up first), or never (it died).
Everything here runs on the event loop and never waits; entries go to the disk through ``put``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from freehold.contract.record import Ending, Outcome
from freehold.errors import FreeholdError, LedgerFault, LedgerUnavailable
from freehold.ledger import compose
from freehold.ledger.keeper.open_calls import OpenCall, OpenCalls, Recent
from freehold.ledger.keeper.peer import Peer
from freehold.ledger.keeper.writer import Waiting
from freehold.ledger.messages import Admit, Conclude, RecordAct


@dataclass(slots=True)
class _Admitting:
    """An admission on its way to the disk, and what its gateway wants to happen once it is there."""

    peer: Peer
    ending: Conclude | None = None


class Docket:
    """``recorded`` counts the entries that are accounted for here. ``closes_later`` hears when a call may be lost."""

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
        self._acts = acts
        self._recorded = recorded
        self._put = put
        self._look_up = look_up
        self._lost_at_s = lost_at_s
        self._closes_later = closes_later
        self._admitting: dict[str, _Admitting] = {}
        self._concluding: dict[str, Peer | None] = {}
        self._recording: dict[str, Peer] = {}
        self.outcomes: list[tuple[int, int]] = []  # pairs of an admission's and its outcome's index, to be noted

    @property
    def low_water(self) -> int:
        """The index before which every admission is concluded."""
        return self.calls.low_water(self._recorded)

    def admit(self, peer: Peer, message: Admit) -> None:
        """Write an admission, or answer with the one that was written."""
        call_id = message.call.id
        if admitting := self._admitting.get(call_id):
            admitting.peer = peer
        elif call := self.calls.get(call_id):
            self.calls.claim(peer.identity, [call_id])
            peer.admitted(call_id, call.index)
        elif self.calls.outcome_of(call_id) is not None:
            peer.refused(call_id, LedgerUnavailable("the call was on record as ended before this was heard"))
        else:
            self._admitting[call_id] = _Admitting(peer)
            self._put(
                Waiting(
                    compose=lambda at_utc: _compose_admission(message, at_utc),
                    written=lambda index: self._admitted(message, index),
                    failed=lambda fault: self._not_admitted(call_id, fault),
                    salt=message.salt,
                )
            )

    def conclude(self, peer: Peer, message: Conclude) -> None:
        """Write the one outcome of a call, or answer with it."""
        call_id = message.outcome.call_id
        outcome_index = self.calls.outcome_of(call_id)
        if admitting := self._admitting.get(call_id):
            admitting.peer, admitting.ending = peer, message
        elif outcome_index is not None:
            peer.concluded(call_id, outcome_index)
        elif call_id in self._concluding:
            self._concluding[call_id] = peer
        elif call := self.calls.get(call_id):
            self._close(call, message.outcome, peer)
        elif message.admission < 0:
            peer.concluded(call_id, -1)
        else:
            self._look_up(peer, message)

    def record(self, peer: Peer, message: RecordAct) -> None:
        """Write an act, or answer with the entry that it has."""
        index = self._acts.get(message.id)
        if index is not None:
            peer.recorded(message.id, index)
        elif message.id in self._recording:
            self._recording[message.id] = peer
        else:
            self._recording[message.id] = peer
            self._put(
                Waiting(
                    compose=lambda at_utc: _compose_act(message, at_utc),
                    written=lambda index: self._act_written(message.id, index),
                    failed=lambda fault: self._recording.pop(message.id).put_off(message.id, fault),
                )
            )

    def record_own(
        self, message: RecordAct, *, written: Callable[[int], None], failed: Callable[[LedgerFault], None]
    ) -> None:
        """Write an act that no one else asked for in these words."""

        def noted(index: int) -> None:
            self._recorded = index + 1
            self._acts.add(message.id, index)
            written(index)

        self._put(Waiting(compose=lambda at_utc: _compose_act(message, at_utc), written=noted, failed=failed))

    def act_recorded(self, act_id: str) -> int | None:
        """The index of a recent act."""
        return self._acts.get(act_id)

    def sweep(self, now_s: float) -> None:
        """Conclude the calls that are lost."""
        for call_id in self.calls.lost(now_s):
            if call := self.calls.get(call_id):
                self._close(call, Outcome(call_id=call_id, ending=Ending.LOST), None)

    def _admitted(self, message: Admit, index: int) -> None:
        call_id = message.call.id
        admitting = self._admitting.pop(call_id)
        peer = admitting.peer
        self._recorded = index + 1
        if message.decision.allowed:
            lost_at_s = None if peer.connected else self._lost_at_s()
            self.calls.admitted(call_id, index, owner=peer.identity, lost_at_s=lost_at_s)
            if not peer.connected:
                self._closes_later()
        peer.admitted(call_id, index)
        if admitting.ending:
            self.conclude(peer, admitting.ending)

    def _not_admitted(self, call_id: str, fault: LedgerFault) -> None:
        admitting = self._admitting.pop(call_id)
        admitting.peer.refused(call_id, fault)
        if admitting.ending:
            admitting.peer.concluded(call_id, -1)

    def _close(self, call: OpenCall, outcome: Outcome, peer: Peer | None) -> None:
        call.closing = True
        self._concluding[outcome.call_id] = peer
        self._put(
            Waiting(
                compose=lambda at_utc: _compose_outcome(outcome, call.index, at_utc),
                written=lambda index: self._concluded(outcome.call_id, call.index, index),
                failed=lambda fault: self._not_concluded(call, outcome.call_id, fault),
            )
        )

    def _concluded(self, call_id: str, admission: int, index: int) -> None:
        self._recorded = index + 1
        self.outcomes.append((admission, index))
        self.calls.concluded(call_id, index)
        if peer := self._concluding.pop(call_id):
            peer.concluded(call_id, index)

    def _not_concluded(self, call: OpenCall, call_id: str, fault: LedgerFault) -> None:
        call.closing = False
        if peer := self._concluding.pop(call_id):
            peer.put_off(call_id, fault)
        if call.lost_at_s is not None:
            self._closes_later()

    def _act_written(self, act_id: str, index: int) -> None:
        self._recorded = index + 1
        self._acts.add(act_id, index)
        self._recording.pop(act_id).recorded(act_id, index)


def _compose_admission(message: Admit, at_utc: datetime) -> bytes:
    return compose.admission(
        message.call,
        message.decision,
        targets=message.targets,
        snapshot_version=message.snapshot_version,
        request_commitment=message.request,
        at_utc=at_utc,
    )


def _compose_outcome(outcome: Outcome, admission_index: int, at_utc: datetime) -> bytes:
    """A call must have an outcome even where what its gateway says of it cannot be recorded."""
    try:
        return compose.outcome(outcome, admission_index, at_utc=at_utc)
    except ValueError:
        bare = Outcome(call_id=outcome.call_id, ending=Ending.FAILED, error=FreeholdError.code)
        return compose.outcome(bare, admission_index, at_utc=at_utc)


def _compose_act(message: RecordAct, at_utc: datetime) -> bytes:
    return compose.act(
        id=message.id,
        kind=message.kind,
        subject=message.subject,
        operator=message.operator,
        digests=message.digests,
        at_utc=at_utc,
    )
