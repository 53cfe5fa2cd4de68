# SPDX-License-Identifier: Apache-2.0
"""What it takes to leave: nothing but a base URL, a dialect that is translated, with what that loses, or other code.

What is lost is not kept in a list here: a request with the fields that the program gives is read by the dialect itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from freehold.assess.exposure.finding import Found
from freehold.assess.exposure.knowledge import Kind
from freehold.assess.exposure.knowledge.groups import Places
from freehold.contract.call import Dialect, Operation
from freehold.dialect.table import codecs
from freehold.errors import InvalidRequest
from freehold.policy.facts import Register


class Effort(StrEnum):
    """How hard it is, the easiest first."""

    BASE_URL = "base_url"
    DIALECT = "dialect"
    CODE = "code"


HARDNESS: Final = tuple(Effort)
_WORDS: Final = {
    Effort.BASE_URL: "nothing but a base URL and a key",
    Effort.DIALECT: "a base URL and a key; the dialect is translated for other models",
    Effort.CODE: "code to change",
}
_BY_KIND: Final = {
    Kind.HUB_DOWNLOAD: "code to change: 'freehold vault import' them once, and load them from a folder",
    Kind.TELEMETRY: "code to change: switch it off, or send it to a collector of one's own",
    Kind.VECTOR_STORE: "code to change: a store of one's own, and vectors of a model that is owned",
    Kind.IAC: "code to change: the resource goes once nothing calls it",
}
_AGENTS: Final = frozenset({"anthropic", "openai", "mistral"})  # whose assistants take another base URL
_RESPONSES: Final = frozenset(
    {"call:responses.create", "call:responses.parse", "call:responses.stream", "call:Responses.New"}
)
_MESSAGES: Final = [{"role": "user", "content": "x"}]
_LEAST: Final[Mapping[Dialect, Mapping[str, object]]] = {
    Dialect.ANTHROPIC: {"model": "m", "max_tokens": 1, "messages": _MESSAGES},
    Dialect.MISTRAL: {"model": "m", "messages": _MESSAGES},
    Dialect.RESPONSES: {"model": "m", "input": "x"},
    Dialect.OPENAI: {"model": "m", "messages": _MESSAGES},
}
_VALUES: Final = ({"x": 1}, [{"x": 1}], "x", 1, True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What it takes for one finding. ``lost``: what a translation leaves out or refuses, and why."""

    effort: Effort
    what: str
    lost: tuple[str, ...] = ()


class Moves:
    """By what the register and the rules know of a provider's dialect."""

    def __init__(self, places: Places, register: Register) -> None:
        self._places = places
        self._register = register

    def of(self, found: Found) -> Move:
        """For one finding."""
        if found.kind in _BY_KIND:
            return Move(effort=Effort.CODE, what=_BY_KIND[found.kind])
        if missing := sorted(
            {self._places.beyond[name[5:]] for name in found.features if name[5:] in self._places.beyond}
        ):
            return Move(effort=Effort.CODE, what=f"code to change: no counterpart to {', '.join(missing)}")
        if found.kind is Kind.AGENT_CONFIG and found.provider not in _AGENTS:
            return Move(effort=Effort.CODE, what="another assistant, or one that takes an endpoint of one's own")
        dialect = self._dialect(found)
        if dialect is None:
            return Move(effort=Effort.CODE, what="code to change: this API is none that Freehold speaks")
        if dialect is Dialect.OPENAI:
            return Move(effort=Effort.BASE_URL, what=_WORDS[Effort.BASE_URL])
        lost = tuple(sorted({said for name in found.features for said in _lost(dialect, name)}))
        return Move(effort=Effort.DIALECT, what=_WORDS[Effort.DIALECT], lost=lost)

    def _dialect(self, found: Found) -> Dialect | None:
        if found.provider == "azure-openai":
            return None  # its client puts the deployment into the path
        if _RESPONSES & set(found.features):
            return Dialect.RESPONSES
        known = self._register.providers.get(found.provider)
        if known is not None and known.dialects:
            return Dialect(known.dialects[0])
        return Dialect.OPENAI if found.provider in self._places.compatible else None


def hardest(moves: Iterable[Move]) -> Effort:
    """Of several, the one that decides."""
    return max((move.effort for move in moves), key=HARDNESS.index, default=Effort.BASE_URL)


@lru_cache(maxsize=1024)
def _lost(dialect: Dialect, field: str) -> tuple[str, ...]:
    """What becomes of a field where another dialect is spoken: asked of the dialect's own reader."""
    if field in _LEAST[dialect] or not field.isidentifier():
        return ()
    for value in _VALUES:
        body = msgspec.json.encode({**_LEAST[dialect], field: value})
        try:
            extras = codecs[dialect].parse(Operation.CHAT, body).extras
        except InvalidRequest:
            continue
        return tuple(f"{extra.name}: {extra.why}" for extra in extras if not extra.harmless and extra.name == field)
    return ()
