# SPDX-License-Identifier: Apache-2.0
"""Which settings, rules and facts were in force last, by their digests: what changed while nobody looked is an act too.

Files are edited while an estate is down, and facts change with the date. Each is on record as ``policy.change``.
"""

from collections.abc import Mapping

from freehold.admin.orders import OwedAct, owe
from freehold.admin.state import State

SUBJECT = "policy"


class KnownLaw:
    """Of one estate. Blocks."""

    def __init__(self, state: State) -> None:
        self._state = state

    def keep(self, digests: Mapping[str, str]) -> None:
        """Remember what is in force, where that is on record already."""
        with self._state.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO law_in_force VALUES (?, ?)", digests.items())

    def note(self, digests: Mapping[str, str], operator: str) -> None:
        """Remember what is in force; if it is not what was, owe the ledger the act. The very first is no change."""
        with self._state.transaction() as connection:
            known = dict(connection.execute("SELECT what, digest FROM law_in_force").fetchall())
            if known == dict(digests):
                return
            connection.executemany("INSERT OR REPLACE INTO law_in_force VALUES (?, ?)", digests.items())
            if known:
                act = OwedAct(kind="policy.change", subject=SUBJECT, operator=operator, digests=dict(digests))
                owe(connection, act)
