# SPDX-License-Identifier: Apache-2.0
"""Reads answers of the Responses API into the chat wire's words.

Nothing is said before the model's first word, so that another target can answer where the backend fails until then.
What the API repeats is said once (``telling.py``). Steps that its own tools took on the way ask nothing of the caller,
and are passed over. An item that does, and that is no function call, has no place on the chat wire: the answer fails.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import UNSET, Raw, UnsetType

from freehold.dialect.chatwire import Chat, Choice, Logprobs, Message, TokenLogprob, ToolCall, Usage
from freehold.dialect.interface import Event
from freehold.dialect.responses.telling import Telling
from freehold.dialect.responses.wire import (
    NO_ITEM,
    Delta,
    Done,
    Item,
    ItemEvent,
    Lifecycle,
    PartType,
    Response,
    kind_of,
    read,
    read_whole,
    type_of,
)
from freehold.errors import BackendBroke

_CHUNK = "chat.completion.chunk"
_SPOKEN = ("message", "reasoning", "function_call")
_PASSED_OVER = (
    "additional_tools",
    "code_interpreter_call",
    "compaction",
    "configuration_update",
    "file_search_call",
    "mcp_call",
    "mcp_list_tools",
    "program",
    "program_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
)
_DELTAS: Mapping[str, PartType] = MappingProxyType(
    {
        "response.output_text.delta": PartType.TEXT,
        "response.refusal.delta": PartType.REFUSAL,
        "response.reasoning_summary_text.delta": PartType.SUMMARY,
        "response.reasoning_text.delta": PartType.THOUGHT,
        "response.function_call_arguments.delta": PartType.ARGUMENTS,
    }
)
_DONE: Mapping[str, PartType] = MappingProxyType(
    {kind.replace(".delta", ".done"): part for kind, part in _DELTAS.items()}
)


class ResponsesReader:
    """One answer, whole or streamed."""

    def __init__(self) -> None:
        self.finished = False
        self._about = Response()  # names and dates the answer, and says which model gives it
        self._telling = Telling()
        self._opened = False  # whether a chunk has said whose message it is

    def event(self, event: Event) -> list[Chat]:
        if self.finished or event.data == b"[DONE]":
            return []
        kind = kind_of(event)
        if kind in _DELTAS:
            delta = read(event.data, Delta)
            place = (delta.output_index, _DELTAS[kind], delta.part_index)
            return self._chunks(self._telling.add(place, delta.delta, delta.logprobs))
        if kind in _DONE:
            done = read(event.data, Done)
            place = (done.output_index, _DONE[kind], done.part_index)
            return self._chunks(self._telling.complete(place, done.whole, done.logprobs))
        return self._milestone(kind, event.data)

    def whole(self, body: bytes) -> Chat:
        response = read_whole(body)
        message, logprobs = _together(self._ending(response))
        choice = Choice(0, self._finish(response), message=message, logprobs=Logprobs(logprobs) if logprobs else UNSET)
        usage = response.usage.in_chat_words() if response.usage else UNSET
        return self._chat("chat.completion", choice, usage)

    def _milestone(self, kind: str, data: bytes) -> list[Chat]:
        match kind:
            case "response.created":
                self._note(read(data, Lifecycle).response)
            case "response.output_item.added":
                told = read(data, ItemEvent)
                if item := _spoken(told.item):
                    return self._chunks(self._telling.begin(told.output_index, item))
            case "response.output_item.done":
                told = read(data, ItemEvent)
                if item := _spoken(told.item):
                    return self._chunks(self._telling.finish(told.output_index, item))
            case "response.completed" | "response.incomplete":
                return self._end(kind, read(data, Lifecycle).response)
            case "response.failed" | "response.cancelled" | "error":
                raise BackendBroke("the backend failed while it answered")
        return []

    def _end(self, kind: str, response: Response) -> list[Chat]:
        if kind == "response.incomplete":
            response.status = "incomplete"
        chunks = self._chunks(self._ending(response))
        chunks.append(self._chunk(Choice(0, self._finish(response), delta=Message())))
        if response.usage:
            chunks.append(self._chat(_CHUNK, usage=response.usage.in_chat_words()))
        self.finished = True
        return chunks

    def _ending(self, response: Response) -> list[Choice]:
        """What of the whole output has not been said yet."""
        self._note(response)
        items = [item for raw in response.output or () if (item := _spoken(raw))]
        return self._telling.end(items)

    def _note(self, response: Response) -> None:
        about = self._about
        about.id, about.model = response.id or about.id, response.model or about.model
        about.created_at = response.created_at or about.created_at

    def _finish(self, response: Response) -> str:
        return response.cut() or ("tool_calls" if self._telling.called else "stop")

    def _chunks(self, choices: list[Choice]) -> list[Chat]:
        return [self._chunk(choice) for choice in choices]

    def _chunk(self, choice: Choice) -> Chat:
        if not self._opened:
            self._opened = True
            choice.said.role = "assistant"
        return self._chat(_CHUNK, choice)

    def _chat(self, kind: str, choice: Choice | None = None, usage: Usage | UnsetType = UNSET) -> Chat:
        about = self._about
        return Chat(about.id, kind, int(about.created_at), about.model, [choice] if choice else [], usage)


def _spoken(raw: Raw) -> Item | None:
    """An item that says something; None for one that is passed over. Raises BackendBroke for one that has no place."""
    if bytes(raw) == NO_ITEM or (kind := type_of(raw)) in _PASSED_OVER:
        return None
    if kind not in _SPOKEN:
        raise BackendBroke("the backend asked for a step that is no function call")
    return read(raw, Item)


def _together(choices: list[Choice]) -> tuple[Message, list[TokenLogprob]]:
    """One message that says all that they say."""
    texts: dict[str, list[str]] = {"content": [], "reasoning_content": [], "refusal": []}
    calls: list[ToolCall] = []
    logprobs: list[TokenLogprob] = []
    for choice in choices:
        for name, pieces in texts.items():
            pieces.append(getattr(choice.said, name) or "")
        for call in choice.said.tool_calls or ():
            if call.id:
                calls.append(call)
            else:
                calls[-1].function.arguments = call.function.arguments
        logprobs += (choice.logprobs and choice.logprobs.content) or ()
    content, reasoning, refusal = ("".join(pieces) for pieces in texts.values())
    message = Message(role="assistant", content=content or (None if calls or refusal else ""))
    message.reasoning_content = reasoning or UNSET
    message.refusal = refusal or UNSET
    message.tool_calls = calls or UNSET
    return message, logprobs
