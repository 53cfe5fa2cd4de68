# SPDX-License-Identifier: Apache-2.0
"""The table of faults: what breaks, in which phase of an answer, for whom, and who could go on.

A cell is one call. Its first target is a provider whose simulator breaks, and is the cell's own, so that no other cell
takes it for degraded. The second one's simulator is well, and knows the text that the first one says: it goes on from
any place in it, and from no other text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType

from tests.simulator.faults import AFTER_HEADERS, BEFORE_HEADERS, Fault, FaultKind, Play

REFUSING: Mapping[str, str] = MappingProxyType(
    {"refused": "connection refused", "unresolved": "name not resolved", "tls": "TLS not agreed on"}
)
STATUSES = ("401", "403", "404", "408", "410", "429", "500", "502", "503", "529")
OF_OPENAI = 'data: {"error":{"message":"The server had an error","type":"server_error","code":500}}\n\n'
OF_ANTHROPIC = 'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"Overloaded"}}\n\n'
BREAKS: Mapping[str, tuple[FaultKind, str]] = MappingProxyType(
    {
        "connection closed": (FaultKind.CLOSE, ""),
        "cut in an event": (FaultKind.TORN, ""),
        "connection reset": (FaultKind.RESET, ""),
        "silence": (FaultKind.SILENCE, ""),
        "malformed JSON": (FaultKind.MALFORMED, ""),
        "error event": (FaultKind.ERROR_EVENT, ""),
        "OpenAI's error event": (FaultKind.ERROR_EVENT, OF_OPENAI),
        "Anthropic's error event": (FaultKind.ERROR_EVENT, OF_ANTHROPIC),
        "end without terminator": (FaultKind.NO_TERMINATOR, ""),
        "drip below the pace": (FaultKind.DRIP, ""),
    }
)
DAWDLING = ("silence", "drip below the pace")
NOTHING = "empty answer, status 200"
ANOTHER_NAME = "another model's name"
APIS = ("openai", "compatible", "responses", "anthropic", "mistral")
OWN = MappingProxyType({"chat": "openai", "responses": "responses", "messages": "anthropic", "mistral": "mistral"})
PINGS = "anthropic"  # sends a ping behind the opening, which takes that with it to the caller
CANNOT = "no-prefill"  # a second target that cannot go on with a text
_DRIP_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A place in an answer. ``before`` is as in a Fault; ``script`` is what is being said."""

    name: str
    script: str = "tale"
    after: int = BEFORE_HEADERS
    before: str = ""
    behind: Mapping[str, str] = field(default_factory=dict)  # as in a Fault, by the API of the first target
    handed_on: str = ""  # the text that whoever goes on is given, as it stands in JSON
    way: str = "next"  # how it goes on


UNANSWERED = Phase(name="before the headers")
HEADERS = Phase(name="after the headers", after=AFTER_HEADERS)
OPENED = Phase(name="after the role", before='"Grüß"', way="begun again")
IN_A_WORD = Phase(name="in a word", before='"rich"', handed_on='"Grüße aus Zü"', way="continued")
IN_BLANKS = Phase(name="behind white space", before='"你好', handed_on='"Grüße aus Zürich:"', way="continued")
IN_A_CALL = Phase(
    name="in a tool call", script="tale-call", before="Züri", handed_on='"I will look it up."', way="continued"
)
IN_SCHEMA = Phase(name="in schema text", script="tale-schema", before='"rich"', way="begun again")
IN_THOUGHT = Phase(name="in reasoning", script="tale-thought", before=" would", way="continued")
_STOPPED = '"finish_reason":"stop"'
_STOPS = {"openai": _STOPPED, "compatible": _STOPPED, "mistral": _STOPPED, "anthropic": '"stop_reason":"end_turn"'}
FINISHED = Phase(name="after the finish", behind=_STOPS, way="closed")
MIDWAY = (OPENED, IN_A_WORD, IN_BLANKS, IN_A_CALL, IN_SCHEMA, IN_THOUGHT, FINISHED)
_SHOW_THOUGHTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"chat": ("compatible", "mistral")} | dict.fromkeys(("responses", "messages", "mistral"), APIS[1:])
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    fault: str
    phase: Phase
    caller: str
    first: str  # the API of the target that breaks, or what keeps it from being reached
    second: str  # of the one that goes on; empty: there is none
    stream: bool
    number: int
    way: str
    settings: tuple[str, ...] = ()  # of its service

    @property
    def word(self) -> str:
        """Names its service and its first target, and stands in its question, so that simulators know whose that is."""
        return f"cell{self.number}"

    @property
    def name(self) -> str:
        mode = "streamed" if self.stream else "whole"
        seconds = self.second or "nobody"
        return f"{self.fault}, {self.phase.name}, {self.caller} {mode}, {self.first} to {seconds} ({self.word})"

    @property
    def play(self) -> Play:
        other = "other" if self.fault == ANOTHER_NAME else ""
        return Play(script=self.phase.script, fault=self._fault(), answers_as=other)

    def _fault(self) -> Fault | None:
        if self.fault in STATUSES:
            headers = {"retry-after": "30"} if self.fault == "429" else {}
            return Fault(kind=FaultKind.STATUS, status=int(self.fault), headers=headers)
        if self.fault == NOTHING:
            return Fault(kind=FaultKind.EMPTY, after=AFTER_HEADERS)
        if self.fault not in BREAKS:
            return None
        kind, text = BREAKS[self.fault]
        after = 2 if kind is FaultKind.TORN and not self.stream else self.phase.after
        behind = self.phase.behind.get(self.first, "")
        return Fault(kind=kind, after=after, before=self.phase.before, behind=behind, text=text, pause_s=_DRIP_S)


def cells() -> list[Cell]:
    numbers = count()
    return [*_taken_over(numbers), *_alone(numbers)]


def _taken_over(numbers: Iterator[int]) -> Iterator[Cell]:
    """Midway: one first target of the caller's own API, handed on byte for byte, and one of another, translated."""
    for caller, own in OWN.items():
        for turn, (fault, phase, stream) in enumerate(_rows()):
            others = [api for api in APIS if api != own]
            firsts = [own, others[turn % len(others)]]
            if fault in REFUSING.values():
                firsts = [name for name, said in REFUSING.items() if said == fault]
            elif phase is IN_THOUGHT:
                firsts = [api for api in firsts if api in _SHOW_THOUGHTS[caller]] or ["compatible"]
            elif phase is FINISHED:
                firsts = [api for api in firsts if api in _STOPS] or ["anthropic"]
            elif phase not in MIDWAY:
                firsts = [firsts[turn % 2]]
            for first in firsts:
                number = next(numbers)
                second = APIS[(number + turn) % len(APIS)]
                if phase is IN_THOUGHT and second == "openai":
                    second = "anthropic"  # a reasoning model of OpenAI's is known by the host, which is none of theirs
                way = "whole" if fault == ANOTHER_NAME else phase.way
                if phase is OPENED and first == PINGS and caller != "responses":  # whose opening is never written alone
                    way = "continued"
                yield Cell(
                    fault=fault,
                    phase=phase,
                    caller=caller,
                    first=first,
                    second=second,
                    stream=stream,
                    number=number,
                    way=way,
                )


def _rows() -> Iterator[tuple[str, Phase, bool]]:
    for stream in (False, True):
        for fault in (*REFUSING.values(), *STATUSES, "connection closed", "connection reset", "silence"):
            yield fault, UNANSWERED, stream
        for fault in (NOTHING, *BREAKS):
            if fault != "end without terminator":  # which is the empty answer, here
                yield fault, HEADERS, stream
        yield ANOTHER_NAME, UNANSWERED, stream
    for phase in MIDWAY:
        for fault in BREAKS:
            yield fault, phase, True


def _alone(numbers: Iterator[int]) -> Iterator[Cell]:
    """Where nobody can go on: no second target, one that cannot, or a tool call of which the caller has a part."""
    before = [(fault, UNANSWERED) for fault in (*REFUSING.values(), *STATUSES, "silence")]
    midway = [(fault, IN_A_WORD) for fault in BREAKS]
    last = [("connection closed", phase) for phase in (IN_A_CALL, IN_SCHEMA, FINISHED)]
    for caller, own in OWN.items():
        for fault, phase in (*before, (NOTHING, HEADERS), *midway, *last):
            first = next((name for name, said in REFUSING.items() if said == fault), own)
            first = "anthropic" if phase is FINISHED and first not in _STOPS else first
            number = next(numbers)
            yield Cell(
                fault=fault,
                phase=phase,
                caller=caller,
                first=first,
                second="",
                stream=phase not in (UNANSWERED, HEADERS) or bool(number % 2),
                number=number,
                way="closed" if phase is FINISHED else "error",
            )
        for fault, phase, way in (("503", UNANSWERED, "next"), ("connection closed", IN_A_WORD, "error")):
            number = next(numbers)
            yield Cell(
                fault=fault, phase=phase, caller=caller, first=own, second=CANNOT, stream=True, number=number, way=way
            )
        yield Cell(
            fault="connection closed",
            phase=IN_A_CALL,
            caller=caller,
            first=own,
            second="openai",
            stream=True,
            number=next(numbers),
            way="error",
            settings=("tool_hold = false",),
        )
