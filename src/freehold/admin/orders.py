# SPDX-License-Identifier: Apache-2.0
"""What state.db remembers of withdrawals: directives, what holds single targets, and acts that the ledger is owed.

Reasons are people's words: they lie here, where they can be erased, and never in the ledger.
"""

import contextlib
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from freehold.admin.state import State, keep_salt
from freehold.continuity.states import Cause
from freehold.continuity.suspicion import Sighting
from freehold.contract.standing import Directive

_DIRECTIVE_DECODER: Final = msgspec.json.Decoder(Directive)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What keeps one target out of service, other than a directive."""

    target: str
    cause: Cause
    since_unix: float
    by: str = ""  # the operator, where it was a person
    why: str = ""  # the person's words, or the day that has come
    sightings: tuple[Sighting, ...] = ()  # the evidence


HOLDING_DECODER: Final = msgspec.json.Decoder(Holding)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedAct:
    """An act that was done and has to be recorded. Kept together with what was done, so that neither is lost alone."""

    kind: str
    subject: str
    operator: str
    digests: dict[str, str]


_OWED_ACT_DECODER: Final = msgspec.json.Decoder(OwedAct)


class Orders:
    """That part of the database. Every method is one transaction, and may be called from any thread."""

    def __init__(self, state: State) -> None:
        self._state = state

    def directives(self) -> tuple[Directive, ...]:
        """Every one ever issued, oldest first."""
        with self._state.transaction() as connection:
            rows = connection.execute("SELECT record FROM directive ORDER BY position").fetchall()
        return tuple(_DIRECTIVE_DECODER.decode(row[0]) for row in rows)

    def reasons(self) -> Mapping[str, str]:
        """The reason of each directive, by its id."""
        with self._state.transaction() as connection:
            return dict(connection.execute("SELECT directive, text FROM directive_reason").fetchall())

    def add(self, directive: Directive, reason: str, owed: OwedAct, salt: bytes = b"") -> None:
        """``salt`` is that of the reason."""
        with self._state.transaction() as connection:
            keep_salt(connection, directive.id, salt)
            connection.execute(
                "INSERT INTO directive (id, record) VALUES (?, ?)", (directive.id, msgspec.json.encode(directive))
            )
            connection.execute("INSERT INTO directive_reason VALUES (?, ?)", (directive.id, reason))
            owe(connection, owed)

    def change(self, directive: Directive, owed: OwedAct | None = None) -> None:
        with self._state.transaction() as connection:
            connection.execute(
                "UPDATE directive SET record = ? WHERE id = ?", (msgspec.json.encode(directive), directive.id)
            )
            if owed is not None:
                owe(connection, owed)

    def holdings(self) -> tuple[Holding, ...]:
        with self._state.transaction() as connection:
            rows = connection.execute("SELECT record FROM target_holding ORDER BY target, cause").fetchall()
        return tuple(HOLDING_DECODER.decode(row[0]) for row in rows)

    def hold(
        self, holding: Holding, owed: OwedAct | None = None, *, ending: Collection[Cause] = (), salt: bytes = b""
    ) -> None:
        """Have it hold from now on, in place of one of the same cause, and end others. ``salt`` is that of the why."""
        with self._state.transaction() as connection:
            keep_salt(connection, holding.target, salt)
            connection.executemany(_END, [(holding.target, cause) for cause in ending])
            connection.execute(
                "INSERT OR REPLACE INTO target_holding VALUES (?, ?, ?)",
                (holding.target, holding.cause, msgspec.json.encode(holding)),
            )
            if owed is not None:
                owe(connection, owed)

    def end(self, target: str, causes: Collection[Cause]) -> None:
        with self._state.transaction() as connection:
            connection.executemany(_END, [(target, cause) for cause in causes])
            if Cause.PERSON in causes:
                connection.execute("DELETE FROM text_salt WHERE subject = ?", (target,))

    def owed(self) -> tuple[tuple[int, OwedAct], ...]:
        """The acts that are not on record, oldest first, each with its number."""
        with self._state.transaction() as connection:
            rows = connection.execute("SELECT number, record FROM owed_act ORDER BY number").fetchall()
        return tuple((row[0], _OWED_ACT_DECODER.decode(row[1])) for row in rows)

    def paid(self, number: int) -> None:
        with self._state.transaction() as connection:
            connection.execute("DELETE FROM owed_act WHERE number = ?", (number,))


def read_orders(path: Path) -> tuple[tuple[Directive, ...], Mapping[str, str], tuple[Holding, ...]]:
    """Directives, their reasons and what holds targets, read while another process may be writing."""
    if not path.exists():
        return (), {}, ()
    with contextlib.closing(State(path, read_only=True)) as state:
        if not state.holds("directive"):
            return (), {}, ()
        orders = Orders(state)
        return orders.directives(), orders.reasons(), orders.holdings()


def owe(connection: sqlite3.Connection, act: OwedAct) -> None:
    """Owe the ledger an act, in the transaction of what was done."""
    connection.execute("INSERT INTO owed_act (record) VALUES (?)", (msgspec.json.encode(act),))


_END = "DELETE FROM target_holding WHERE target = ? AND cause = ?"
