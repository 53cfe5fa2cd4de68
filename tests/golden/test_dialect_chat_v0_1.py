# SPDX-License-Identifier: Apache-2.0
"""Chat completions and Mistral's chat as providers' APIs, kept for ever: what they were asked, how they were read.

``asked``: a request of a caller who speaks something else (the name says what), and the body that the provider is sent.
``read``: a provider's stream, the chunks of the chat wire in it, and what a caller of the other of the two gets of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freehold.contract.call import Dialect, Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect import codecs
from freehold.dialect.chatwire import AnswerReader
from freehold.dialect.interface import Backend, Exchange, Foreign, Wire
from freehold.dialect.mistral.reader import MistralReader
from freehold.dialect.openai.reader import OpenAIReader
from freehold.dialect.sse import Splitter

GOLDEN = Path(__file__).parent / "v0.1" / "dialect"
CALLERS: Mapping[str, Dialect] = {
    "chat": Dialect.OPENAI,
    "mistral": Dialect.MISTRAL,
    "messages": Dialect.ANTHROPIC,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One of the two, as a provider's. ``speaks`` stands in the names of files."""

    folder: Path
    speaks: str
    other: str
    reader: Callable[[], AnswerReader]
    backend: Backend

    def read(self, name: str) -> bytes:
        return (self.folder / "read" / name).read_bytes()


def _api(folder: str, speaks: str, other: str, reader: Callable[[], AnswerReader], wire: Wire) -> Api:
    foreign = Foreign(
        preferred=wire,
        prefill=Prefill.PREFIX,
        answer_tokens=8192,
        max_tokens_name="max_completion_tokens" if wire is Wire.CHAT else "max_tokens",
    )
    backend = Backend(model="big-1", wires=frozenset({wire}), context_tokens=0, tools=True, foreign=foreign)
    return Api(folder=GOLDEN / folder, speaks=speaks, other=other, reader=reader, backend=backend)


OPENAI = _api("openai", "chat", "mistral", OpenAIReader, Wire.CHAT)
MISTRAL = _api("mistral", "mistral", "chat", MistralReader, Wire.MISTRAL_CHAT)


def asked() -> list[Any]:
    found = [(api, path) for api in (OPENAI, MISTRAL) for path in sorted((api.folder / "asked").iterdir())]
    requests = [(api, path) for api, path in found if not path.name.endswith(".sent.json")]
    return [pytest.param(api, path, id=f"{api.folder.name}-{path.stem}") for api, path in requests]


def streams() -> list[Any]:
    found = [(api, path) for api in (OPENAI, MISTRAL) for path in sorted(api.folder.glob(f"read/*.{api.speaks}.sse"))]
    return [pytest.param(api, path.name.split(".")[0], id=f"{api.folder.name}-{path.stem}") for api, path in found]


def plan(api: Api, caller: str, body: bytes) -> Exchange:
    codec = codecs[CALLERS[caller]]
    request = codec.parse(Operation.CHAT, body)
    return codec.exchange(msgspec.structs.replace(request, id="call_1", at_unix=1_795_000_000), api.backend)


def put(api: Api, caller: str, sent: bytes) -> bytes:
    """What the caller gets of a stream."""
    body = {"model": "support", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    body |= {"stream_options": {"include_usage": True}} if caller == "chat" else {}
    exchange = plan(api, caller, msgspec.json.encode(body))
    written = b"".join(exchange.event(event) for event in Splitter().feed(sent))
    assert exchange.tally.finished
    return written


@pytest.mark.parametrize(("api", "path"), asked())
def test_the_provider_is_asked_as_ever(api: Api, path: Path) -> None:
    name, caller, _ = path.name.split(".")
    sent = plan(api, caller, path.read_bytes()).upstream.body
    expected = (path.parent / f"{name}.sent.json").read_bytes()
    assert msgspec.json.decode(sent) == msgspec.json.decode(expected)


@pytest.mark.parametrize(("api", "name"), streams())
def test_a_stream_is_read_as_ever(api: Api, name: str) -> None:
    reader = api.reader()
    events = Splitter().feed(api.read(f"{name}.{api.speaks}.sse"))
    chunks = [chat for event in events if event.data for chat in reader.event(event)]
    assert msgspec.json.decode(msgspec.json.encode(chunks)) == msgspec.json.decode(api.read(f"{name}.chunks.json"))


@pytest.mark.parametrize(("api", "name"), streams())
def test_callers_of_the_other_get_the_stream_as_ever(api: Api, name: str) -> None:
    assert put(api, api.other, api.read(f"{name}.{api.speaks}.sse")) == api.read(f"{name}.{api.other}.sse")


@pytest.mark.parametrize(("api", "name"), streams())
def test_callers_of_the_same_get_the_providers_own_bytes(api: Api, name: str) -> None:
    sent = api.read(f"{name}.{api.speaks}.sse")
    assert put(api, api.speaks, sent) == sent.replace(b": PROCESSING", b":")  # what comments say is not handed on
