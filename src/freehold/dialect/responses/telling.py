# SPDX-License-Identifier: Apache-2.0
"""What an answer of the Responses API has said so far, so that each word of it is said once.

The API says what it says up to four times: in deltas, when a part is done, when its item is done, and in the finished
response. Some who speak it leave out this or that. Whatever has not been said is said at the next of these occasions.
What was said as text stands, even if it is put otherwise later; a call whose arguments change after they were said is
none that anybody should make, and fails the answer.
"""

from collections.abc import Sequence
from types import MappingProxyType

import msgspec
from msgspec import UNSET

from freehold.dialect.chatwire import CalledFunction, Choice, Logprobs, Message, TokenLogprob, ToolCall
from freehold.dialect.responses.wire import Item, Part, PartType
from freehold.errors import BackendBroke

Place = tuple[int, PartType, int]  # the item's place in the output, the kind of part, the part's place in the item

_ITEM_OF = MappingProxyType(
    {
        PartType.TEXT: "message",
        PartType.REFUSAL: "message",
        PartType.SUMMARY: "reasoning",
        PartType.THOUGHT: "reasoning",
        PartType.ARGUMENTS: "function_call",
    }
)
_NEW_THOUGHT = "\n\n"  # between the parts of a summary


class Telling:
    """One answer as it is told. What it returns are the choices of chunks that say what is new."""

    def __init__(self) -> None:
        self._parts: dict[Place, _Part] = {}
        self._items: dict[int, str] = {}  # the types of those met so far, by their place in the output
        self._calls: dict[int, ToolCall] = {}  # those that have been opened, by their item's place
        self._thinks: dict[int, PartType] = {}  # how an item thinks: where it gives both, the first counts

    @property
    def called(self) -> bool:
        return bool(self._calls)

    def begin(self, place: int, item: Item) -> list[Choice]:
        """An item has begun. A call is opened as soon as it is known what is called."""
        known = self._calls.get(place)
        if self._items.setdefault(place, item.type) != item.type or (known and known.id != item.call_id):
            raise BackendBroke("the backend answered with two items in one place")
        if known or item.type != "function_call" or not (item.name and item.call_id):
            return []
        call = ToolCall(len(self._calls), item.call_id, "function", CalledFunction(item.name, ""))
        self._calls[place] = call
        return [Choice(0, delta=Message(tool_calls=[call]))]

    def add(self, place: Place, text: str, logprobs: Sequence[TokenLogprob] | None = None) -> list[Choice]:
        """Say more of a part. Arguments of what is not known yet wait for their item to be whole."""
        item, kind, _ = place
        self._items.setdefault(item, _ITEM_OF[kind])
        if not (text or logprobs) or (kind is PartType.ARGUMENTS and item not in self._calls):
            return []
        if _ITEM_OF[kind] == "reasoning" and self._thinks.setdefault(item, kind) is not kind:
            return []
        gap = self._gap(place)
        part = self._parts.setdefault(place, _Part())
        part.pieces.append(text)
        part.logprobs += len(logprobs or ())
        told = Logprobs(list(logprobs)) if logprobs else UNSET
        return [Choice(0, delta=self._message(place, gap + text), logprobs=told)]

    def complete(self, place: Place, whole: str | None, logprobs: Sequence[TokenLogprob] | None = None) -> list[Choice]:
        """A part is whole: say what has not been said of it. Raises BackendBroke for a call that was said otherwise."""
        part = self._parts.get(place) or _Part()
        said = part.text()
        if whole and whole.startswith(said):
            return self.add(place, whole.removeprefix(said), (logprobs or ())[part.logprobs :])
        if whole and place[1] is PartType.ARGUMENTS and not _same(said, whole):
            raise BackendBroke("the backend changed the arguments of a call after it had said them")
        return []

    def finish(self, place: int, item: Item) -> list[Choice]:
        """An item is whole."""
        choices = self.begin(place, item)
        if item.type == "function_call":
            return choices + self.complete((place, PartType.ARGUMENTS, 0), item.arguments)
        for parts in (item.summary or (), item.content or ()):
            for index, part in enumerate(parts):
                choices += self.complete((place, _type_of(part), index), part.whole, part.logprobs)
        return choices

    def end(self, items: Sequence[Item]) -> list[Choice]:
        """The answer is whole, and these are its items; none where the backend does not say them again."""
        choices = self._finish_all("reasoning", items)
        for kind in (PartType.TEXT, PartType.REFUSAL):
            choices += self._complete_all(kind, items)
        choices += self._finish_all("function_call", items)
        if any(kind == "function_call" and place not in self._calls for place, kind in self._items.items()):
            raise BackendBroke("the backend called a function without saying which")
        return choices

    def _finish_all(self, kind: str, items: Sequence[Item]) -> list[Choice]:
        """The items of one type. The end may count them otherwise than the stream did, but not in another order."""
        places = sorted(place for place, known in self._items.items() if known == kind)
        choices = []
        for item in items:
            if item.type == kind:
                choices += self.finish(places.pop(0) if places else self._free(), item)
        return choices

    def _complete_all(self, kind: PartType, items: Sequence[Item]) -> list[Choice]:
        """What messages say together. The end may divide it otherwise than the stream did."""
        said = sorted(place for place in self._parts if place[1] is kind)
        parts = [part for item in items if item.type == "message" for part in item.content or ()]
        parts = [part for part in parts if _type_of(part) is kind]
        whole, text = "".join(part.whole or "" for part in parts), "".join(self._parts[at].text() for at in said)
        logprobs = [token for part in parts for token in part.logprobs or ()]
        if not whole.startswith(text):
            return []
        place = said[-1] if said else (self._free(), kind, 0)
        return self.add(place, whole.removeprefix(text), logprobs[sum(self._parts[at].logprobs for at in said) :])

    def _free(self) -> int:
        return max(self._items, default=-1) + 1

    def _gap(self, place: Place) -> str:
        """What parts thoughts from those before them."""
        if _ITEM_OF[place[1]] != "reasoning" or place in self._parts:
            return ""
        return _NEW_THOUGHT if any(_ITEM_OF[kind] == "reasoning" for _, kind, _ in self._parts) else ""

    def _message(self, place: Place, text: str) -> Message:
        item, kind, _ = place
        match kind:
            case PartType.TEXT:
                return Message(content=text)
            case PartType.REFUSAL:
                return Message(refusal=text)
            case PartType.ARGUMENTS:
                index = self._calls[item].index
                return Message(tool_calls=[ToolCall(index, function=CalledFunction(arguments=text))])
        return Message(reasoning_content=text)


class _Part:
    """What has been said of one part. In pieces: to join them at each delta would cost the square of its length."""

    __slots__ = ("logprobs", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.logprobs = 0  # of how many tokens

    def text(self) -> str:
        self.pieces[:] = ["".join(self.pieces)]
        return self.pieces[0]


def _type_of(part: Part) -> PartType:
    try:
        return PartType(part.type)
    except ValueError as exc:
        raise BackendBroke("the backend answered with a kind of content for which the caller has no place") from exc


def _same(said: str, whole: str) -> bool:
    """Whether two strings are the same JSON."""
    try:
        return bool(msgspec.json.decode(said) == msgspec.json.decode(whole))
    except (msgspec.DecodeError, RecursionError):
        return False
