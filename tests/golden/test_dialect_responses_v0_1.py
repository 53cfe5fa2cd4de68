# SPDX-License-Identifier: Apache-2.0
"""OpenAI's Responses as a provider's API, kept for ever: what was asked of it, and how its answers were read.

``asked``: a caller's request to chat completions, and the body that the provider is sent. ``read``: a provider's
answer, streamed and whole, the chunks of the chat wire in it, and what a caller of Responses would get of these chunks.
"""

from pathlib import Path

import msgspec
import pytest

from freehold.contract.call import Dialect, Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect import codecs
from freehold.dialect.chatwire import Chat, Usage
from freehold.dialect.interface import Backend, Foreign, Wire
from freehold.dialect.responses.reader import ResponsesReader
from freehold.dialect.responses.request import ResponsesRequest, read_request
from freehold.dialect.responses.writer import ResponseWriter
from freehold.dialect.sse import Splitter
from freehold.errors import BackendBroke

GOLDEN = Path(__file__).parent / "v0.1" / "dialect" / "responses"
PROVIDER = Backend(
    model="gpt-5.4-mini",
    wires=frozenset({Wire.RESPONSES}),
    context_tokens=0,
    tools=True,
    foreign=Foreign(preferred=Wire.RESPONSES, prefill=Prefill.NONE, answer_tokens=4096),
)


def names(folder: str, ending: str) -> list[str]:
    found = sorted(path.name.removesuffix(ending) for path in (GOLDEN / folder).glob(f"*{ending}"))
    assert found
    return found


def asking() -> ResponsesRequest:
    return msgspec.structs.replace(
        read_request({"model": "support", "input": "Hi"}), id="call_1", at_unix=1_795_000_000
    )


def chunks_of(name: str) -> list[Chat]:
    reader = ResponsesReader()
    events = Splitter().feed((GOLDEN / "read" / f"{name}.responses.sse").read_bytes())
    return [chat for event in events for chat in reader.event(event)]


def written(chunks: list[Chat]) -> bytes:
    writer, usage = ResponseWriter(asking()), chunks[-1].usage
    assert isinstance(usage, Usage)
    return b"".join([*(writer.chunk(chat) for chat in chunks[:-1]), writer.end(usage)])


@pytest.mark.parametrize("name", names("asked", ".chat.json"))
def test_provider_is_asked_as_ever(name: str) -> None:
    codec = codecs[Dialect.OPENAI]
    request = codec.parse(Operation.CHAT, (GOLDEN / "asked" / f"{name}.chat.json").read_bytes())
    planned = codec.exchange(request, PROVIDER)
    assert planned.upstream.wire is Wire.RESPONSES
    expected = (GOLDEN / "asked" / f"{name}.responses.json").read_bytes()
    assert msgspec.json.decode(planned.upstream.body) == msgspec.json.decode(expected)


@pytest.mark.parametrize("name", names("read", ".chunks.json"))
def test_stream_is_read_as_ever(name: str) -> None:
    expected = (GOLDEN / "read" / f"{name}.chunks.json").read_bytes()
    assert msgspec.json.decode(msgspec.json.encode(chunks_of(name))) == msgspec.json.decode(expected)


def test_failed_stream_is_no_answer_as_ever() -> None:
    with pytest.raises(BackendBroke):
        chunks_of("failed")


@pytest.mark.parametrize("name", names("read", ".written.sse"))
def test_responses_are_streamed_as_ever(name: str) -> None:
    assert written(chunks_of(name)) == (GOLDEN / "read" / f"{name}.written.sse").read_bytes()


@pytest.mark.parametrize("name", names("read", ".written.json"))
def test_responses_are_written_whole_as_ever(name: str) -> None:
    chat = ResponsesReader().whole((GOLDEN / "read" / f"{name}.responses.json").read_bytes())
    expected = (GOLDEN / "read" / f"{name}.written.json").read_bytes()
    assert msgspec.json.decode(ResponseWriter(asking()).answer(chat)) == msgspec.json.decode(expected)
