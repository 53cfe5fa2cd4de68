# SPDX-License-Identifier: Apache-2.0
"""How much to reason, how much to say and on whose behalf: what the hub has words for and engines have not.

Each is noted as an extra under the hub's name. A value that the hub cannot say is noted as something else, for the
API that speaks the dialect.
"""

from freehold.dialect.beyond import HARMLESS, Beyond, note, note_carried
from freehold.dialect.chatwire import EFFORTS
from freehold.dialect.fields import Fields

VERBOSITIES = ("low", "medium", "high")
_MORE_THAN_MOST = "max"
_NOT_AT_ALL = "none"  # what cannot reason will not


def read_effort(fields: Fields, name: str) -> str | None:
    """How much to reason; one of EFFORTS."""
    asked = fields.get(name)
    effort = EFFORTS[-1] if asked == _MORE_THAN_MOST else asked
    return _known(fields, name, effort, EFFORTS, "reasoning_effort")


def read_verbosity(fields: Fields, name: str) -> str | None:
    return _known(fields, name, fields.get(name), VERBOSITIES, "verbosity")


def _known(fields: Fields, name: str, value: object, words: tuple[str, ...], carried: str) -> str | None:
    if isinstance(value, str) and value in words:
        note_carried(fields, name, carried, harmless=value == _NOT_AT_ALL)
        return value
    if value is not None:
        note(fields, name, Beyond(), name=carried)
    return None


def read_user(fields: Fields, *names: str) -> tuple[str, str] | None:
    """On whose behalf: the first of these fields that says so, and its path. It shows in no answer."""
    told = None
    for name in names:
        value = fields.get(name)
        if value and isinstance(value, str):
            note_carried(fields, name, "user", harmless=True)
            told = told or (value, fields.path(name))
        elif value:
            note(fields, name, HARMLESS)
    return told
