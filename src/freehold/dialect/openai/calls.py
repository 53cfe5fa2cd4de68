# SPDX-License-Identifier: Apache-2.0
"""Tool calls of somebody else's API, told apart and made to grow as the chat wire has it.

There, a call has its index in every chunk, and its id and its name in the first alone. Hosts number all calls zero, do
not number them, repeat the id or leave it out, and send arguments as an object.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from freehold.dialect.chatwire import CalledFunction, ToolCall
from freehold.dialect.openai.wire import HostCall, HostFunction
from freehold.errors import BackendBroke


@dataclass(slots=True)
class _Growing:
    """One call. ``held`` is what came of its arguments before its name did."""

    index: int
    id: str
    name: str = ""
    held: str = ""
    argued: bool = False  # whether it has arguments


class GrowingCalls:
    """The calls of one choice of one answer. ``seed`` is of this answer alone; ids that are missing are made of it."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._all: list[_Growing] = []
        self._by_index: dict[int, _Growing] = {}  # by the host's own; the latest, where it uses one twice
        self._by_id: dict[str, _Growing] = {}

    @property
    def any(self) -> bool:
        return bool(self._all)

    def deltas(self, calls: Iterable[HostCall]) -> list[ToolCall]:
        """What a chunk adds to them."""
        deltas, here = [], set[int]()
        for call in calls:
            growing = self._which(call, here)
            here.add(growing.index)
            if delta := self._grow(growing, call.function or HostFunction()):
                deltas.append(delta)
        return deltas

    def last(self) -> list[ToolCall]:
        """What the end of the choice adds: arguments for those calls that have none, since none at all is no JSON."""
        bare = [growing for growing in self._all if growing.name and not growing.argued]
        return [delta for growing in bare if (delta := self._grow(growing, HostFunction(arguments={})))]

    def whole(self, calls: Iterable[HostCall]) -> list[ToolCall]:
        """The calls of a whole answer, each of which is whole."""
        grown = [self._grow(self._begin(call), call.function or HostFunction()) for call in calls]
        self.check()
        whole = [call for call in grown if call is not None]
        for call in whole:
            call.function.arguments = call.function.arguments or "{}"
        return whole

    def check(self) -> None:
        """Raises BackendBroke if one was never named."""
        if not all(growing.name for growing in self._all):
            raise BackendBroke("the backend made a tool call without a name")

    def _which(self, call: HostCall, here: set[int]) -> _Growing:
        """The call that is meant. ``here`` are those that this chunk has already added to."""
        identity, name = _id_of(call), call.function.name if call.function else None
        known = self._by_id.get(identity)
        if call.index is None:
            latest = self._all[-1] if self._all and not name else None
            return known or latest or self._begin(call)
        at = self._by_index.get(call.index)
        if at is None:
            return known if known and not name else self._begin(call)
        another = name and (identity not in ("", at.id) or at.index in here)
        return (known or self._begin(call)) if another else at

    def _begin(self, call: HostCall) -> _Growing:
        index, identity = len(self._all), _id_of(call)
        growing = _Growing(index, identity or self._made_id(index))
        self._all.append(growing)
        if identity:
            self._by_id[identity] = growing
        if call.index is not None:
            self._by_index[call.index] = growing
        return growing

    def _made_id(self, index: int) -> str:
        return "call_" + hashlib.sha256(f"{self._seed} {index}".encode()).hexdigest()[:24]

    @staticmethod
    def _grow(growing: _Growing, function: HostFunction) -> ToolCall | None:
        given = function.arguments
        arguments = msgspec.json.encode(given).decode() if isinstance(given, dict) else given or ""
        growing.argued = growing.argued or bool(arguments)
        if growing.name:
            return ToolCall(growing.index, function=CalledFunction(arguments=arguments)) if arguments else None
        growing.held += arguments
        if not function.name:
            return None
        growing.name = function.name
        return ToolCall(growing.index, growing.id, "function", CalledFunction(growing.name, growing.held))


def _id_of(call: HostCall) -> str:
    return "" if call.id in (None, "null") else str(call.id)  # "null" is what Mistral says for none
