# SPDX-License-Identifier: Apache-2.0
"""What state.db remembers of witnesses: what each cosigned last, the alarms that they raised, and who lifted them why.

A reason is a person's words: it lies in a table of its own, where it can be erased, and never in the ledger.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from freehold.admin.orders import OwedAct, owe
from freehold.admin.state import State, keep_salt
from freehold.witness.asking.exchange import AlarmKind


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSeen:
    """A witness's last cosignature, as it was verified here."""

    vkey: str
    size: int
    at_unix: int


_LAST_SEEN_DECODER: Final = msgspec.json.Decoder(LastSeen)


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessAlarm:
    """One alarm. ``seen``: the checkpoint that the witness has, where it showed one that the log has signed.

    ``proved``: that checkpoint proves it; else it is the witness's word.
    """

    id: str
    witness: str
    kind: AlarmKind
    seen_size: int
    own_size: int
    at_unix: float
    seen: str = ""
    proved: bool = False
    cleared_unix: float = 0.0  # 0: it stands
    cleared_by: str = ""

    @property
    def stands(self) -> bool:
        return not self.cleared_unix


_WITNESS_ALARM_DECODER: Final = msgspec.json.Decoder(WitnessAlarm)


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessRecords:
    """All of it, at one moment. Alarms are in the order in which they were raised."""

    seen: Mapping[str, LastSeen]
    alarms: tuple[WitnessAlarm, ...] = ()
    reasons: Mapping[str, str]


class Alarms:
    """That part of the database. Every method is one transaction, and may be called from any thread."""

    def __init__(self, state: State) -> None:
        self._state = state

    def records(self) -> WitnessRecords:
        with self._state.transaction() as connection:
            seen = connection.execute("SELECT witness, record FROM witness_seen").fetchall()
            alarms = connection.execute("SELECT record FROM witness_alarm ORDER BY position").fetchall()
            reasons = connection.execute("SELECT alarm, text FROM witness_alarm_reason").fetchall()
        return WitnessRecords(
            seen={name: _LAST_SEEN_DECODER.decode(record) for name, record in seen},
            alarms=tuple(_WITNESS_ALARM_DECODER.decode(row[0]) for row in alarms),
            reasons=dict(reasons),
        )

    def note(self, witness: str, last: LastSeen) -> None:
        """Remember a cosignature in place of the one before."""
        with self._state.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO witness_seen VALUES (?, ?)", (witness, msgspec.json.encode(last))
            )

    def raise_alarm(self, alarm: WitnessAlarm, owed: OwedAct) -> bool:
        """Keep an alarm, unless the witness has one of this kind that stands; then that one learns what is new."""
        standing = next(
            (
                one
                for one in self.records().alarms
                if one.stands and (one.witness, one.kind) == (alarm.witness, alarm.kind)
            ),
            None,
        )
        with self._state.transaction() as connection:
            if standing is None:
                connection.execute(
                    "INSERT INTO witness_alarm (id, record) VALUES (?, ?)", (alarm.id, msgspec.json.encode(alarm))
                )
                owe(connection, owed)
            elif alarm.proved and not standing.proved:
                better = replace(alarm, id=standing.id, at_unix=standing.at_unix)
                connection.execute(_CHANGE, (msgspec.json.encode(better), standing.id))
        return standing is None

    def clear(self, alarm: WitnessAlarm, reason: str, owed: OwedAct, salt: bytes) -> None:
        """Keep that an alarm was lifted; ``alarm`` says by whom. ``salt`` is that of the reason."""
        with self._state.transaction() as connection:
            keep_salt(connection, alarm.id, salt)
            connection.execute(_CHANGE, (msgspec.json.encode(alarm), alarm.id))
            connection.execute("INSERT OR REPLACE INTO witness_alarm_reason VALUES (?, ?)", (alarm.id, reason))
            owe(connection, owed)


def read_witness_records(path: Path) -> WitnessRecords:
    """The same, read while another process may be writing."""
    if path.exists():
        with contextlib.closing(State(path, read_only=True)) as state:
            if state.holds("witness_alarm"):
                return Alarms(state).records()
    return WitnessRecords(seen={}, reasons={})


_CHANGE = "UPDATE witness_alarm SET record = ? WHERE id = ?"
