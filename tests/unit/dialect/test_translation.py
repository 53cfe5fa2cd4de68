# SPDX-License-Identifier: Apache-2.0
"""Every dialect of a caller at every API of a provider, whole and streamed, as the caller's own SDK hears it.

The provider is the simulator: it reads each request as strictly as the vendor would, and answers in the vendor's words.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from msgspec import structs
from tests.simulator.anthropic.doors import Messages
from tests.simulator.mistral.doors import Chat as MistralChat
from tests.simulator.openai.doors import Chat, OpenChat
from tests.simulator.reply import Door, Problem, Reply, Visit
from tests.simulator.responses.door import Responses
from tests.simulator.scripts import DECLINED, HELLO, MODELS, SCRIPTS, THOUGHT
from tests.unit.dialect.callers import CALLERS, SYSTEM, Caller, Heard
from tests.unit.dialect.conftest import Desk

from freehold.contract.call import Dialect, Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect import codecs
from freehold.dialect.interface import Backend, Exchange, Foreign, Upstream, Wire
from freehold.dialect.sse import Splitter
from freehold.errors import BackendBroke, Unsupported

DOORS: Mapping[Wire, Door] = {
    Wire.CHAT: Chat(),
    Wire.RESPONSES: Responses(),
    Wire.MESSAGES: Messages(),
    Wire.MISTRAL_CHAT: MistralChat(),
}
NATIVE = {
    Dialect.OPENAI: Wire.CHAT,
    Dialect.RESPONSES: Wire.RESPONSES,
    Dialect.ANTHROPIC: Wire.MESSAGES,
    Dialect.MISTRAL: Wire.MISTRAL_CHAT,
}
WIRES = tuple(DOORS)
FORMS = ("whole", "streamed")


def provider(wire: Wire, script: str) -> Backend:
    """Who answers by this script."""
    name = "max_completion_tokens" if wire is Wire.CHAT else "max_tokens"
    foreign = Foreign(preferred=wire, prefill=Prefill.NONE, answer_tokens=4096, max_tokens_name=name)
    wires = frozenset({wire})
    return Backend(model=f"sim-{script}", wires=wires, context_tokens=0, tools=True, foreign=foreign)


def planned(caller: Caller, wire: Wire) -> Exchange:
    """A streamed call."""
    codec = codecs[caller.dialect]
    request = codec.parse(Operation.CHAT, encoded(caller.asking() | {"stream": True}))
    return codec.exchange(request, provider(wire, "text"))


def put(exchange: Exchange, stream: bytes) -> bytes:
    return b"".join(exchange.event(event) for event in Splitter().feed(stream))


def encoded(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode(body)


def reply(upstream: Upstream, script: str, door: Door) -> Reply:
    visit = visited(upstream)
    try:
        asked = door.read(visit)
    except Problem as problem:
        raise AssertionError(b"".join(problem.reply.pieces).decode()) from problem
    return door.write(visit, asked, SCRIPTS[script](asked))


def visited(upstream: Upstream) -> Visit:
    return Visit(
        number=1, path="", query={}, headers={}, body=upstream.body, at_unix=1_795_000_000, key="", models=MODELS
    )


def heard(
    caller: Caller, wire: Wire, script: str, form: str, body: dict[str, Any], *, door: Door | None = None
) -> Heard:
    def answer(upstream: Upstream) -> bytes:
        assert upstream.wire is wire
        return b"".join(reply(upstream, script, door or DOORS[wire]).pieces)

    desk = Desk(caller.dialect, answer, provider(wire, script))
    found = caller.whole(desk, body) if form == "whole" else caller.streamed(desk, body)
    assert desk.exchange
    assert (desk.exchange.tally.model, desk.exchange.tally.finished) == (f"sim-{script}", True)
    assert (desk.exchange.tally.input_tokens, desk.exchange.tally.output_tokens) == found.tokens
    assert found.model == f"sim-{script}"
    return found


every = pytest.mark.parametrize(
    ("caller", "wire", "form"),
    [
        pytest.param(caller, wire, form, id=f"{caller.dialect}-{wire}-{form}")
        for caller in CALLERS
        for wire in WIRES
        for form in FORMS
    ],
)
each_pair = pytest.mark.parametrize(
    ("caller", "wire"),
    [pytest.param(caller, wire, id=f"{caller.dialect}-{wire}") for caller in CALLERS for wire in WIRES],
)


@every
def test_text_and_usage_arrive(caller: Caller, wire: Wire, form: str) -> None:
    found = heard(caller, wire, "text", form, caller.asking())
    assert (found.text, found.calls, found.refusal) == (HELLO, [], "")
    assert found.tokens == (41, 23)


@every
def test_the_system_prompt_is_the_providers(caller: Caller, wire: Wire, form: str) -> None:
    assert heard(caller, wire, "system", form, caller.asking()).text == f"I was told: {SYSTEM}"


@every
def test_calls_at_once_and_their_results(caller: Caller, wire: Wire, form: str) -> None:
    body = caller.asking("tools")
    found = heard(caller, wire, "tools", form, body)
    assert [name for _, name, _ in found.calls] == ["weather", "clock"]
    assert all(set(arguments) == {"city"} for _, _, arguments in found.calls)
    assert len({identity for identity, _, _ in found.calls}) == 2
    after = heard(caller, wire, "tools", form, caller.with_results(body, found))
    assert [said.rpartition(" said: ")[2] for said in after.text.split("; ")] == ["weather", "clock"]


@every
def test_words_before_a_call_arrive(caller: Caller, wire: Wire, form: str) -> None:
    found = heard(caller, wire, "talk", form, caller.asking("tools"))
    assert (found.text, [name for _, name, _ in found.calls]) == ("I will look it up.", ["weather"])


@every
def test_an_image_is_seen(caller: Caller, wire: Wire, form: str) -> None:
    assert heard(caller, wire, "image", form, caller.asking("image")).text.startswith("I see image/png")


@every
def test_an_answer_follows_a_schema(caller: Caller, wire: Wire, form: str) -> None:
    assert "city" in heard(caller, wire, "schema", form, caller.asking("schema")).text


@every
def test_thoughts_are_shown_to_who_asked_for_them_where_the_provider_shows_any(
    caller: Caller, wire: Wire, form: str
) -> None:
    hidden = wire is Wire.CHAT or (caller.dialect is Dialect.OPENAI and wire is Wire.RESPONSES)
    found = heard(caller, wire, "thinking", form, caller.asking("thinking"))
    assert (found.text, found.tokens) == (HELLO, (41, 35))
    assert found.thoughts == ("" if hidden else THOUGHT)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.dialect)
def test_thoughts_of_a_host_that_shows_them_arrive(caller: Caller, form: str) -> None:
    found = heard(caller, Wire.CHAT, "thinking", form, caller.asking("thinking"), door=OpenChat())
    assert (found.thoughts, found.text) == (THOUGHT, HELLO)


@every
def test_a_refusal_is_heard(caller: Caller, wire: Wire, form: str) -> None:
    found = heard(caller, wire, "refusal", form, caller.asking())
    assert DECLINED in found.refusal + found.text


@every
def test_an_answer_that_was_cut_short_says_so(caller: Caller, wire: Wire, form: str) -> None:
    found = heard(caller, wire, "length", form, caller.asking())
    assert (found.text, found.finish) == (HELLO[:20], caller.cut)


@each_pair
def test_an_error_in_the_stream_is_never_taken_for_an_end(caller: Caller, wire: Wire) -> None:
    exchange = planned(caller, wire)
    pieces = reply(exchange.upstream, "text", DOORS[wire]).pieces[:5]
    fault = DOORS[wire].error_event(visited(exchange.upstream))
    with pytest.raises(BackendBroke):
        put(exchange, b"".join([*pieces, fault]))
    assert not exchange.tally.finished


@each_pair
def test_a_stream_that_ends_early_is_never_taken_for_whole(caller: Caller, wire: Wire) -> None:
    pieces = reply(planned(caller, wire).upstream, "text", DOORS[wire])
    for count in range(len(pieces.pieces) - pieces.terminators):
        exchange = planned(caller, wire)
        put(exchange, b"".join(pieces.pieces[:count]))
        assert not exchange.tally.finished


@each_pair
def test_what_only_the_caller_vendor_has_is_refused_elsewhere_and_passed_on_at_home(caller: Caller, wire: Wire) -> None:
    body = caller.asking() | {"something_new": True}
    codec = codecs[caller.dialect]
    request = codec.parse(Operation.CHAT, encoded(body))
    backend = provider(wire, "text")
    if NATIVE[caller.dialect] is wire:
        assert b'"something_new":true' in codec.exchange(request, backend).upstream.body
    else:
        with pytest.raises(Unsupported) as caught:
            codec.exchange(request, backend)
        assert caught.value.param == "something_new"
        dropping = structs.replace(request, drop=frozenset({"something_new"}))
        assert codec.exchange(dropping, backend).dropped == ("something_new",)
