# SPDX-License-Identifier: Apache-2.0
"""Has the ledger witnessed while the estate is up, keeps what the witnesses say, and lets a person lift alarms.

An alarm changes nothing by itself: calls are answered, entries written. It stands first in what operators look at until
one of them has said why it may go.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from freehold.admin.alarms import Alarms, LastSeen, WitnessAlarm
from freehold.admin.doctor import Check
from freehold.admin.interface import Parts
from freehold.admin.keys import digest_of_text, new_id, new_salt
from freehold.admin.orders import OwedAct
from freehold.admin.permits import standing_permit
from freehold.admin.requests import ById, ClearAlarm, Nothing
from freehold.admin.views import View
from freehold.admin.withdrawals import CONTROL, Withdrawals
from freehold.admin.witness_views import alarm_view, alarm_views, told, witness_checks, witnessing_view
from freehold.contract.digest import sha256_of
from freehold.errors import NotFound
from freehold.settings import Settings
from freehold.signing.note import parse_vkey
from freehold.witness.asking.asking import Asking
from freehold.witness.asking.exchange import Alarm
from freehold.witness.asking.own_log import OwnLog
from freehold.witness.asking.ways import WitnessWay, known_witnesses
from freehold.witness.trusting import policy_of, policy_text

Answer = Mapping[str, object]

WITNESS = "witness"
_CLOCKS_DIFFER_S = 300  # more than clocks that somebody looks after
_log = logging.getLogger(__name__)


class Witnessing:
    """``asker`` is the id of the operator. It is whom the asking tells what it hears."""

    def __init__(self, parts: Parts, withdrawals: Withdrawals) -> None:
        self._parts = parts
        self._withdrawals = withdrawals
        self._alarms = Alarms(parts.state)
        self._asked: Settings | None = None  # the settings by which witnesses are being asked
        self._problems: dict[str, str] = {}

    async def run(self) -> None:
        """Ask the witnesses of the settings in force now, until cancelled. Raises OperatorError.

        A change of theirs waits for the next start, as it does in the ledger; a grant that is taken away does not.
        """
        self._asked = settings = self._withdrawals.means.settings()
        if self._parts.sealed or not settings.witnesses:
            return
        estate, known = self._parts.estate, known_witnesses(settings)
        vkey = estate.ledger_vkey.read_text(encoding="utf-8").strip()
        permit = standing_permit(lambda: self._withdrawals.means.settings().grants, WITNESS)
        keys = {(name, witness.vkey) for name, witness in known.items()}
        records = await asyncio.to_thread(self._alarms.records)
        await Asking(
            [WitnessWay(witness, permit, estate.directory) for witness in known.values()],
            OwnLog(estate.ledger, parse_vkey(vkey)),
            policy_of(settings, vkey),
            self,
            seen={name: last.size for name, last in records.seen.items() if (name, last.vkey) in keys},
        ).run()

    async def cosigned(self, witness: str, size: int, at_unix: int) -> None:
        ahead_s = at_unix - int(self._withdrawals.means.now_unix())
        self._problems.pop(witness, None)
        if ahead_s > _CLOCKS_DIFFER_S:
            self._problems[witness] = f"it signed, and its clock is {ahead_s} s ahead of this one"
        last = LastSeen(vkey=self._settings.witnesses[witness].vkey, size=size, at_unix=at_unix)
        await asyncio.to_thread(self._alarms.note, witness, last)

    async def failed(self, witness: str, why: str) -> None:
        if self._problems.get(witness) != why:
            _log.warning("witness %s gave no cosignature: %s", witness, why)
        self._problems[witness] = why

    async def alarmed(self, witness: str, alarm: Alarm) -> None:
        """Nobody asked for it, so that nobody waits for its record: it is owed."""
        kept = WitnessAlarm(
            id=new_id("alarm"),
            witness=witness,
            kind=alarm.kind,
            seen_size=alarm.seen_size,
            own_size=alarm.own_size,
            at_unix=self._withdrawals.means.now_unix(),
            seen=alarm.seen.decode(),
            proved=alarm.proved,
        )
        self._problems[witness] = told(kept)
        owed = OwedAct(kind="witness.alarm", subject=kept.id, operator=CONTROL, digests={"evidence": _evidence(kept)})
        if await asyncio.to_thread(self._alarms.raise_alarm, kept, owed):
            _log.critical("ALARM %s: %s", kept.id, told(kept))

    async def take(self, note: bytes) -> None:
        """A checkpoint that enough have cosigned. Raises LedgerFault, VerificationFailed."""
        await self._parts.ledger.add_cosignatures(note.decode())

    async def list_witnesses(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002 - every operation's shape
        return await asyncio.to_thread(
            lambda: {"witnessing": self.view(), "alarms": alarm_views(self._alarms.records())}
        )

    async def show_policy(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002
        """Whom to trust for this ledger, for whoever verifies."""
        vkey = await asyncio.to_thread(self._parts.estate.ledger_vkey.read_text, encoding="utf-8")
        return {"policy": policy_text(self._settings, vkey.strip())}

    async def show_alarm(self, request: ById, asker: str) -> Answer:  # noqa: ARG002
        """Raises NotFound."""
        views = await asyncio.to_thread(lambda: alarm_views(self._alarms.records()))
        found = next((view for view in views if view["id"] == request.id), None)
        if found is None:
            raise NotFound(f"there is no alarm {request.id!r}", hint="'freehold witness list' shows them.")
        return {"alarm": found}

    async def clear(self, request: ClearAlarm, asker: str) -> Answer:
        """Lift an alarm, for a reason. Raises NotFound."""
        salt = new_salt()
        async with self._withdrawals.means.changing:
            records = await asyncio.to_thread(self._alarms.records)
            alarm = next((one for one in records.alarms if one.id == request.id and one.stands), None)
            if alarm is None:
                raise NotFound(f"no alarm {request.id!r} stands", hint="'freehold witness list' shows those that do.")
            cleared = replace(alarm, cleared_unix=self._withdrawals.means.now_unix(), cleared_by=asker)
            digests = {"reason": digest_of_text(salt, request.reason)}
            owed = OwedAct(kind="witness.clear", subject=alarm.id, operator=asker, digests=digests)
            await asyncio.to_thread(self._alarms.clear, cleared, request.reason, owed, salt)
            self._problems.pop(alarm.witness, None)
            await self._withdrawals.done(f"{alarm.id} is cleared")
        return {"alarm": alarm_view(cleared, request.reason)}

    def view(self) -> View:
        """For status. Blocks."""
        return witnessing_view(
            self._parts.estate,
            self._settings,
            self._alarms.records(),
            sealed=self._parts.sealed,
            problems=self._problems,
            now_unix=self._withdrawals.means.now_unix(),
        )

    def standing(self) -> list[View]:
        """The alarms that stand. Blocks."""
        return [view for view in alarm_views(self._alarms.records()) if view["state"] == "stands"]

    def checks(self) -> Iterator[Check]:
        """For doctor. Blocks."""
        yield from witness_checks(
            self._parts.estate,
            self._settings,
            self._alarms.records(),
            sealed=self._parts.sealed,
            problems=self._problems,
        )

    @property
    def _settings(self) -> Settings:
        return self._asked or self._withdrawals.means.settings()


def _evidence(alarm: WitnessAlarm) -> str:
    """SHA-256 over what the witness said and showed, as canonical JSON."""
    said = {
        "witness": alarm.witness,
        "kind": alarm.kind,
        "seen_size": alarm.seen_size,
        "own_size": alarm.own_size,
        "seen": alarm.seen,
    }
    return sha256_of(msgspec.json.encode(said, order="sorted"))
