# SPDX-License-Identifier: Apache-2.0
"""Anthropic's messages as a provider's API, kept for ever: what was asked of it, and how its answers were read.

``asked``: a caller's request to chat completions, and the body that the provider is sent. ``read``: a provider's
answer, the chunks of the chat wire in it, and what callers of other dialects get of it. ``written``: chunks of the chat
wire, and what callers of messages get of them.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from freehold.contract.call import Dialect, Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect import codecs
from freehold.dialect.anthropic.reader import MessagesReader
from freehold.dialect.anthropic.writer import MessageWriter
from freehold.dialect.chatwire import Chat, Usage
from freehold.dialect.interface import Backend, Exchange, Foreign, Wire
from freehold.dialect.sse import Splitter

GOLDEN = Path(__file__).parent / "v0.1" / "dialect" / "anthropic"
PROVIDER = Backend(
    model="claude-opus-4-8",
    wires=frozenset({Wire.MESSAGES, Wire.COUNT_TOKENS}),
    context_tokens=0,
    tools=True,
    foreign=Foreign(preferred=Wire.MESSAGES, prefill=Prefill.TEXT, answer_tokens=8192),
)
ASKING: dict[str, tuple[Dialect, dict[str, Any]]] = {
    "chat": (Dialect.OPENAI, {"messages": [{"role": "user", "content": "Hi"}]}),
    "responses": (Dialect.RESPONSES, {"input": "Hi"}),
}


def names(folder: str, ending: str) -> list[str]:
    found = sorted(path.name.removesuffix(ending) for path in (GOLDEN / folder).glob(f"*{ending}"))
    assert found
    return found


def exchange(dialect: Dialect, body: dict[str, Any]) -> Exchange:
    request = codecs[dialect].parse(Operation.CHAT, msgspec.json.encode(body))
    return codecs[dialect].exchange(msgspec.structs.replace(request, id="call_1", at_unix=1_795_000_000), PROVIDER)


def put(exchange: Exchange, sent: bytes) -> bytes:
    """What the caller gets of a stream. However it is cut, it is the same."""
    splitter = Splitter()
    written = b"".join(exchange.event(event) for event in splitter.feed(sent))
    assert exchange.tally.finished
    return written


@pytest.mark.parametrize("name", names("asked", ".chat.json"))
def test_provider_is_asked_as_ever(name: str) -> None:
    body = msgspec.json.decode((GOLDEN / "asked" / f"{name}.chat.json").read_bytes())
    planned = exchange(Dialect.OPENAI, body)
    assert planned.upstream.wire is Wire.MESSAGES
    expected = (GOLDEN / "asked" / f"{name}.messages.json").read_bytes()
    assert msgspec.json.decode(planned.upstream.body) == msgspec.json.decode(expected)


@pytest.mark.parametrize("name", names("read", ".messages.sse"))
def test_stream_is_read_as_ever(name: str) -> None:
    reader = MessagesReader()
    events = Splitter().feed((GOLDEN / "read" / f"{name}.messages.sse").read_bytes())
    chunks = [chat for event in events if event.data for chat in reader.event(event)]
    expected = (GOLDEN / "read" / f"{name}.chunks.json").read_bytes()
    assert msgspec.json.decode(msgspec.json.encode(chunks)) == msgspec.json.decode(expected)


@pytest.mark.parametrize("caller", sorted(ASKING))
@pytest.mark.parametrize("name", names("read", ".messages.sse"))
def test_callers_of_other_dialects_get_the_stream_as_ever(name: str, caller: str) -> None:
    dialect, body = ASKING[caller]
    asked = {"model": "support", "stream": True, **body}
    if dialect is Dialect.OPENAI:
        asked["stream_options"] = {"include_usage": True}
    sent = (GOLDEN / "read" / f"{name}.messages.sse").read_bytes()
    assert put(exchange(dialect, asked), sent) == (GOLDEN / "read" / f"{name}.{caller}.sse").read_bytes()


@pytest.mark.parametrize("name", names("read", ".messages.sse"))
def test_callers_of_messages_get_the_providers_own_bytes(name: str) -> None:
    sent = (GOLDEN / "read" / f"{name}.messages.sse").read_bytes()
    asked = {"model": "support", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    assert put(exchange(Dialect.ANTHROPIC, asked), sent) == sent


@pytest.mark.parametrize("name", names("written", ".chunks.json"))
def test_messages_are_written_as_ever(name: str) -> None:
    chunks = msgspec.json.decode((GOLDEN / "written" / f"{name}.chunks.json").read_bytes(), type=list[Chat])
    writer, usage = MessageWriter("", "call_1"), chunks[-1].usage
    assert isinstance(usage, Usage)
    written = b"".join([*(writer.chunk(chat) for chat in chunks), writer.end(usage)])
    assert written == (GOLDEN / "written" / f"{name}.messages.sse").read_bytes()
