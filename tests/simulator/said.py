# SPDX-License-Identifier: Apache-2.0
"""What is answered, before any vendor's words are put to it."""

import re
from dataclasses import dataclass
from enum import StrEnum

_PIECE = re.compile(r"\s*\S+|\s+\Z")


class Finish(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    TOOLS = "tools"
    SEQUENCE = "sequence"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Spoken:
    """Text that comes in pieces where the answer is streamed."""

    text: str

    @property
    def pieces(self) -> list[str]:
        return _PIECE.findall(self.text)


@dataclass(frozen=True, slots=True)
class Text(Spoken):
    """What the caller asked for."""


@dataclass(frozen=True, slots=True)
class Shards(Text):
    """The same, but its pieces end wherever they do: in the middle of a word, or behind white space."""

    @property
    def pieces(self) -> list[str]:
        return re.findall(r".{1,4}", self.text, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Thought(Spoken):
    """What was thought before it."""


@dataclass(frozen=True, slots=True)
class Refusal(Spoken):
    """Why the model will not."""


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: str  # JSON text

    @property
    def pieces(self) -> list[str]:
        return re.findall(r".{1,7}", self.arguments, re.DOTALL)


Part = Text | Thought | Refusal | Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """In tokens. Numbers that no two fields share, so that none can be taken for another."""

    input: int = 41  # those from the cache included
    cached: int = 16
    output: int = 23  # those of reasoning included
    reasoning: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    parts: tuple[Part, ...]
    finish: Finish = Finish.STOP
    sequence: str = ""  # the stop sequence that was met
    usage: Usage = Usage()
    in_pieces: bool = False  # whether calls come in pieces also from a vendor who sends most of them whole

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def calls(self) -> list[Call]:
        return [part for part in self.parts if isinstance(part, Call)]
