# SPDX-License-Identifier: Apache-2.0
"""Reads answers in OpenAI's chat completions, from whichever host, into the chat wire's words.

What hosts do in different ways is one way here: a choice opens with its role, says why it ended once, and each of its
tool calls has an index and an id; the usage comes once, at the end. A stream is whole when it says so, with ``[DONE]``.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from freehold.dialect.chatwire import Chat, Choice, Logprobs, Message, ToolCall, Usage
from freehold.dialect.interface import Event
from freehold.dialect.openai.calls import GrowingCalls
from freehold.dialect.openai.wire import HostChat, HostChoice, HostMessage, is_done, no_choices, read_host, read_whole
from freehold.errors import BackendBroke

_FINISHES: Mapping[str, str] = MappingProxyType(
    {
        "length": "length",
        "max_tokens": "length",
        "model_length": "length",  # Mistral's, where the context is full
        "tool_calls": "tool_calls",
        "function_call": "tool_calls",
        "content_filter": "content_filter",
    }
)
_CHUNK = "chat.completion.chunk"
_logprobs_decoder = msgspec.json.Decoder(Logprobs | None)


class OpenAIReader:
    """One answer, whole or streamed."""

    def __init__(self) -> None:
        self.finished = False
        self._about = Chat()  # what the chunks so far said of the answer: names, and dates, and usage
        self._said = 0  # chunks that say something
        self._calls: dict[int, GrowingCalls] = {}  # by choice; one that is here has opened
        self._ended: set[int] = set()
        self._counted = False  # whether the usage has been told

    def event(self, event: Event) -> list[Chat]:
        if self.finished:
            return []
        if is_done(event):
            if not self._calls:
                raise no_choices()
            self.finished = True
            for calls in self._calls.values():
                calls.check()
            return [] if self._counted else [self._usage_of_all()]
        host = read_host(event.data, event.name)
        self._note(host)
        chunks = [self._chunk(choice) for choice in host.choices or ()]
        read = [self._with(choice, _CHUNK) for choice in chunks if choice is not None]
        if self._counts_all(host):
            read.append(self._usage_of_all())
        return read

    def whole(self, body: bytes) -> Chat:
        host = read_whole(body)
        self._note(host)
        answer = self._with(None, "chat.completion")
        answer.choices = [self._choice(choice) for choice in host.choices or ()]
        answer.usage = self._about.usage or Usage()
        return answer

    def _note(self, host: HostChat) -> None:
        about = self._about
        about.id = host.id or about.id
        about.created = int(host.created) if host.created else about.created
        about.model = host.model or about.model
        about.system_fingerprint = host.system_fingerprint or about.system_fingerprint
        if host.usage and host.usage.says:  # where it comes more than once, the last has it all
            about.usage = host.usage.in_chat_words()

    def _counts_all(self, host: HostChat) -> bool:
        """Whether its usage is that of the whole answer: no word can follow. A stream may break off before its end."""
        if self._counted or not host.usage or not host.usage.says:
            return False
        return not host.choices or (bool(self._ended) and self._ended == self._calls.keys())

    def _usage_of_all(self) -> Chat:
        self._counted = True
        last = self._with(None, _CHUNK)
        counted = self._about.usage
        said = Usage(completion_tokens=self._said, total_tokens=self._said)
        last.usage = counted if isinstance(counted, Usage) and counted.total_tokens else said
        return last

    def _with(self, choice: Choice | None, kind: str) -> Chat:
        about, choices = self._about, [] if choice is None else [choice]
        return Chat(about.id, kind, about.created, about.model, choices, system_fingerprint=about.system_fingerprint)

    def _chunk(self, choice: HostChoice) -> Choice | None:
        """What a chunk adds to a choice; None where that is nothing."""
        opens = choice.index not in self._calls
        calls = self._calls_of(choice.index)
        made = calls.deltas(choice.said.tool_calls or ())
        finish = None if choice.index in self._ended else self._finish(choice)
        if finish:
            self._ended.add(choice.index)
            made += calls.last()
        delta = _message(choice.said, made)
        if delta != Message():
            self._said += 1
        if opens:
            delta.role = "assistant"
        logprobs = _logprobs(choice)
        nothing = delta == Message() and finish is None and logprobs is UNSET
        return None if nothing else Choice(choice.index, finish, delta=delta, logprobs=logprobs)

    def _choice(self, choice: HostChoice) -> Choice:
        calls = self._calls_of(choice.index).whole(choice.said.tool_calls or ())
        message = _message(choice.said, calls)
        message.role = "assistant"
        message.content = message.content or (None if calls else "")
        finish = self._finish(choice) or ("tool_calls" if calls else "stop")
        return Choice(choice.index, finish, message=message, logprobs=_logprobs(choice))

    def _calls_of(self, index: int) -> GrowingCalls:
        about = self._about
        return self._calls.setdefault(index, GrowingCalls(f"{about.id} {about.created} {about.model} {index}"))

    def _finish(self, choice: HostChoice) -> str | None:
        """In the chat wire's words. Some hosts say "stop" where the model has called a tool."""
        if not choice.finish_reason:
            return None
        finish = _FINISHES.get(choice.finish_reason, "stop")
        return "tool_calls" if finish == "stop" and self._calls_of(choice.index).any else finish


def _message(said: HostMessage, calls: list[ToolCall]) -> Message:
    text, thoughts = _told(said.content)
    reasoning = said.reasoning if isinstance(said.reasoning, str) else ""
    return Message(
        content=text or UNSET,
        reasoning_content=said.reasoning_content or reasoning or thoughts or UNSET,
        refusal=said.refusal or UNSET,
        tool_calls=calls or UNSET,
    )


def _told(content: str | list[dict[str, Any]] | None) -> tuple[str, str]:
    """Text and thoughts. Of Mistral's parts, references say nothing that the text does not."""
    if not isinstance(content, list):
        return content or "", ""
    text = "".join(_text(part.get("text")) for part in content if part.get("type", "text") == "text")
    thoughts = [part.get("thinking") for part in content if part.get("type") == "thinking"]
    return text, "".join(_text(thought) for thought in thoughts)


def _text(value: object) -> str:
    """A text, or the texts in a list of parts."""
    if isinstance(value, list):
        return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else ""


def _logprobs(choice: HostChoice) -> Logprobs | UnsetType:
    """Raises BackendBroke for those of an unknown shape: they were asked for."""
    try:
        return _logprobs_decoder.decode(choice.logprobs) or UNSET
    except msgspec.MsgspecError as exc:
        raise BackendBroke("the backend answered with logprobs of an unknown shape") from exc
