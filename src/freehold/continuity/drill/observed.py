# SPDX-License-Identifier: Apache-2.0
"""One call of a drill as its caller saw it: the events of two dialects read for what must hold of any answer. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

from freehold.contract.call import Dialect
from freehold.dialect.interface import Event

_SHED: Final = frozenset({"engine_busy", "provider_busy"})
_DENIED: Final = "policy_denied"
_SEAM: Final = b": seam "


class Fate(StrEnum):
    """What became of a call."""

    ANSWERED = "answered"
    BROKEN = "broken"  # it began to be answered, and the answer is not whole
    LOST = "lost"  # no answer
    SHED = "shed"  # turned away for want of capacity
    REFUSED = "refused"  # by policy


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a tool in an answer."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True, kw_only=True)
class Observed:
    """Times are seconds since the drill's begin; negative: that never came."""

    number: int
    began_s: float
    stream: bool
    tool: bool
    ended_s: float = -1.0
    first_s: float = -1.0  # when the first of the answer came
    status: int = 0  # of HTTP; 0: no answer
    error: str = ""
    call_id: str = ""
    target: str = ""  # the one that began to answer
    text: str = ""
    ids: set[str] = field(default_factory=set)  # of the answer
    closings: int = 0  # events that say that it is whole
    finish: str = ""
    calls: list[Calls] = field(default_factory=list)
    seams: list[tuple[float, int]] = field(default_factory=list)  # when, and behind how many characters
    gaps_s: list[float] = field(default_factory=list)  # between events that say something
    seam_gaps_s: list[float] = field(default_factory=list)  # those that a seam lies in

    @property
    def fate(self) -> Fate:
        if self.error in _SHED:
            return Fate.SHED if self.first_s < 0 else Fate.BROKEN
        if self.error == _DENIED:
            return Fate.REFUSED
        if self.status != 200:
            return Fate.LOST
        whole = self.closings == 1 and self.finish and not self.error and len(self.ids) == 1 and self.calls_are_sound
        return Fate.ANSWERED if whole else Fate.BROKEN

    @property
    def calls_are_sound(self) -> bool:
        return all(call.name and _is_object(call.arguments) for call in self.calls)


class StreamReader:
    """Reads a stream into what was observed. One for each call."""

    def __init__(self, seen: Observed, dialect: Dialect) -> None:
        self._seen = seen
        self._read = self._anthropic if dialect is Dialect.ANTHROPIC else self._openai
        self._said_s = -1.0  # when something was said last
        self._seam_since = False
        self._pieces: dict[int, list[str]] = {}  # of the arguments of tools, by index

    def take(self, event: Event, at_s: float) -> None:
        """One event of the stream."""
        seen = self._seen
        if event.raw.startswith(_SEAM):
            seen.seams.append((at_s, len(seen.text)))
            self._seam_since = True
        data = _decoded(event.data)
        if event.data == b"[DONE]":
            seen.closings += 1
        if not isinstance(data, dict):
            return
        if isinstance(problem := data.get("error"), dict):
            seen.error = str(problem.get("code") or problem.get("type") or "unknown")
            return
        try:
            said = self._read(data)
        except (AttributeError, KeyError, TypeError):  # no event of the dialect, and no caller could read it either
            seen.error, said = "malformed_event", False
        if said:
            self._note(at_s)

    def close(self) -> None:
        """The stream has ended."""
        for index, pieces in sorted(self._pieces.items()):
            known = self._seen.calls[index]
            self._seen.calls[index] = Calls(id=known.id, name=known.name, arguments="".join(pieces))

    def _note(self, at_s: float) -> None:
        seen = self._seen
        if seen.first_s < 0:
            seen.first_s = at_s
        else:
            seen.gaps_s.append(at_s - self._said_s)
            if self._seam_since:
                seen.seam_gaps_s.append(at_s - self._said_s)
        self._said_s, self._seam_since = at_s, False

    def _openai(self, data: dict[str, Any]) -> bool:
        """Whether something was said."""
        self._seen.ids.add(str(data.get("id")))
        said = False
        for choice in data.get("choices") or ():
            delta = choice.get("delta") or {}
            if text := delta.get("content"):
                self._seen.text += text
                said = True
            for piece in delta.get("tool_calls") or ():
                said = True
                function = piece.get("function") or {}
                if function.get("name"):
                    self._began_call(str(piece.get("id")), str(function["name"]))
                self._pieces[len(self._seen.calls) - 1].append(str(function.get("arguments") or ""))
            self._seen.finish = choice.get("finish_reason") or self._seen.finish
        return said

    def _anthropic(self, data: dict[str, Any]) -> bool:
        seen = self._seen
        match data.get("type"):
            case "message_start":
                seen.ids.add(str(data["message"].get("id")))
            case "content_block_start" if data["content_block"].get("type") == "tool_use":
                self._began_call(str(data["content_block"].get("id")), str(data["content_block"].get("name")))
                return True
            case "content_block_delta":
                delta = data["delta"]
                seen.text += str(delta.get("text") or "")
                if delta.get("type") == "input_json_delta" and self._pieces:
                    self._pieces[len(seen.calls) - 1].append(str(delta.get("partial_json") or ""))
                return True
            case "message_delta":
                seen.finish = str(data["delta"].get("stop_reason") or seen.finish)
            case "message_stop":
                seen.closings += 1
        return False

    def _began_call(self, id_: str, name: str) -> None:
        self._seen.calls.append(Calls(id=id_, name=name, arguments=""))
        self._pieces[len(self._seen.calls) - 1] = []


def read_whole(seen: Observed, dialect: Dialect, body: bytes, at_s: float) -> None:
    """An answer that is not streamed, or an error."""
    data = _decoded(body)
    if not isinstance(data, dict):
        seen.error = seen.error or "no_json"
        return
    if isinstance(problem := data.get("error"), dict):
        seen.error = str(problem.get("code") or problem.get("type") or "unknown")
        return
    seen.first_s = at_s
    seen.ids.add(str(data.get("id")))
    try:
        (_read_message if dialect is Dialect.ANTHROPIC else _read_completion)(seen, data)
    except (AttributeError, TypeError):  # no answer of the dialect
        seen.error = "malformed_answer"
    seen.closings = 1


def _read_message(seen: Observed, data: dict[str, Any]) -> None:
    for block in data.get("content") or ():
        if block.get("type") == "tool_use":
            arguments = msgspec.json.encode(block.get("input")).decode()
            seen.calls.append(Calls(id=str(block.get("id")), name=str(block.get("name")), arguments=arguments))
        seen.text += str(block.get("text") or "")
    seen.finish = str(data.get("stop_reason") or "")


def _read_completion(seen: Observed, data: dict[str, Any]) -> None:
    for choice in data.get("choices") or ():
        message = choice.get("message") or {}
        seen.text += message.get("content") or ""
        for call in message.get("tool_calls") or ():
            function = call.get("function") or {}
            seen.calls.append(
                Calls(
                    id=str(call.get("id")),
                    name=str(function.get("name") or ""),
                    arguments=str(function.get("arguments") or ""),
                )
            )
        seen.finish = str(choice.get("finish_reason") or "")


def _is_object(text: str) -> bool:
    return isinstance(_decoded(text.encode()), dict)


def _decoded(data: bytes) -> object:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
