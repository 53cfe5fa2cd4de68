# SPDX-License-Identifier: Apache-2.0
"""What people wrote and are called: labels and reasons. Kept in state.db alone, each with a salt; erased with it.

The ledger has ``sha256:`` over salt and text. Whoever has both can show what was meant; once they are erased nobody can
even test a guess. SQLite overwrites what it deletes here, and no copy stays behind in its write-ahead log.
"""

import os
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import msgspec

from freehold.admin.orders import HOLDING_DECODER, OwedAct, owe
from freehold.admin.state import State
from freehold.continuity.states import Cause
from freehold.errors import EstateError, NotFound

_SCORECARD = (".json", ".html")
_KINDS = (
    (re.compile(r"key_[0-9a-f]{12}"), "UPDATE api_key SET label = '' WHERE id = ? AND label <> ''"),
    (re.compile(r"op_[0-9a-f]{12}"), "UPDATE operator SET label = '' WHERE id = ? AND label <> ''"),
    (re.compile(r"dir_[0-9a-f]{12}"), "DELETE FROM directive_reason WHERE directive = ?"),
    (re.compile(r"alarm_[0-9a-f]{12}"), "DELETE FROM witness_alarm_reason WHERE alarm = ?"),
)


class Texts:
    """Of one estate. Blocks. Each act is owed to the ledger together with what it says."""

    def __init__(self, state: State) -> None:
        self._state = state

    def forget(self, act: OwedAct) -> None:
        """Erase what was written about a key, an operator, a directive or a target. Raises NotFound, EstateError."""
        with self._state.transaction() as connection:
            if not _erase(connection, act.subject):
                raise NotFound(
                    f"nothing is kept in words about {act.subject!r}",
                    hint="Name a key, an operator, a directive, a drill, or a target that a person withdrew.",
                )
            connection.execute("DELETE FROM text_salt WHERE subject = ?", (act.subject,))
            owe(connection, act)
        self._state.empty_write_ahead_log()

    def forget_scorecard(self, folder: Path, act: OwedAct) -> None:
        """Erase what is kept of a drill. Raises NotFound, EstateError."""
        found = [path for path in (folder / f"{act.subject}{ending}" for ending in _SCORECARD) if path.exists()]
        if not found:
            raise NotFound(f"there is no drill {act.subject!r}", hint="'freehold drill list' shows them.")
        try:
            for path in found:
                _overwrite(path)
                path.unlink()
        except OSError as exc:
            raise EstateError(f"{folder} cannot be written", hint="Check its owner and the disk.") from exc
        with self._state.transaction() as connection:
            owe(connection, act)


def _erase(connection: sqlite3.Connection, subject: str) -> bool:
    for pattern, statement in _KINDS:
        if pattern.fullmatch(subject) and connection.execute(statement, (subject,)).rowcount:
            return True
    return _erase_withdrawal(connection, subject)


def _erase_withdrawal(connection: sqlite3.Connection, target: str) -> bool:
    """A person's reason to withdraw a target is part of a record."""
    where = (target, Cause.PERSON)
    row = connection.execute("SELECT record FROM target_holding WHERE target = ? AND cause = ?", where).fetchone()
    holding = HOLDING_DECODER.decode(row[0]) if row else None
    if holding is None or not holding.why:
        return False
    blank = msgspec.json.encode(replace(holding, why=""))
    connection.execute("UPDATE target_holding SET record = ? WHERE target = ? AND cause = ?", (blank, *where))
    return True


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
