# SPDX-License-Identifier: Apache-2.0
"""What state.db remembers of tunings: what was measured of a model, for whoever looks at it later. The newest only."""

from typing import Any, Final

import msgspec

from freehold.admin.state import State
from freehold.admin.views import View, instant

KEPT = 10  # of each model

_DECODER: Final = msgspec.json.Decoder(dict[str, Any])


class Tunings:
    """That part of the database. Every method is one transaction, and may be called from any thread."""

    def __init__(self, state: State) -> None:
        self._state = state

    def keep(self, model: str, at_unix: float, by: str, found: View) -> None:
        """Remember one, and forget the oldest of the model."""
        record = msgspec.json.encode({"at": instant(at_unix), "by": by, **found})
        with self._state.transaction() as connection:
            connection.execute("INSERT INTO tuning (model, record) VALUES (?, ?)", (model, record))
            connection.execute(_DROP, (model, model, KEPT))

    def of(self, model: str) -> list[View]:
        """The newest first."""
        with self._state.transaction() as connection:
            rows = connection.execute(
                "SELECT record FROM tuning WHERE model = ? ORDER BY position DESC", (model,)
            ).fetchall()
        return [_DECODER.decode(row[0]) for row in rows]


_DROP = (
    "DELETE FROM tuning WHERE model = ? AND position NOT IN"
    " (SELECT position FROM tuning WHERE model = ? ORDER BY position DESC LIMIT ?)"
)
