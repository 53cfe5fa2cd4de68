# SPDX-License-Identifier: Apache-2.0
"""Every caller's dialect against every provider's, whole and streamed, each through the vendor's own SDK."""

from collections.abc import Iterator

import pytest
from tests.simulator.faults import Play
from tests.simulator.scripts import DECLINED, HELLO, THOUGHT
from tests.simulator.server import Simulator
from tests.system import foreign
from tests.system.callers import CALLERS, Caller, Question, calling
from tests.system.estates import Estate
from tests.system.simulated import CITY, IN_ZURICH, PNG, SEEN, USAGE

TOOLS = ("weather", "clock")
THINKERS = [name for name in foreign.NAMES if name != "azure-openai"]


@pytest.fixture(scope="module")
def callers(provided: Estate) -> Iterator[dict[str, Caller]]:
    with calling(provided) as callers:
        yield callers


@pytest.fixture(params=list(CALLERS))
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def caller(callers: dict[str, Caller], dialect: str) -> Caller:
    return callers[dialect]


@pytest.fixture(params=foreign.NAMES)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_text_comes_with_its_usage_and_its_marks(
    caller: Caller, provider: str, stream: bool, simulator: Simulator
) -> None:
    seen = caller.ask(Question(service=provider), stream=stream)
    assert (seen.text, seen.finish, seen.model, seen.calls) == (HELLO, "stop", "sim", ())
    assert (seen.input_tokens, seen.cached_tokens, seen.output_tokens) == (USAGE.input, USAGE.cached, USAGE.output)
    assert seen.headers["freehold-target"] == provider
    assert seen.headers["freehold-decision"].startswith("dec_")
    assert "/" in seen.headers["freehold-receipt"]
    assert "freehold-dropped" not in seen.headers
    if stream:
        assert seen.pieces > 5
    (heard,) = simulator.requests
    assert heard.fields["model" if provider != "azure-openai" else "messages"]
    assert bool(heard.fields.get("stream")) is stream


def test_the_system_prompt_arrives(caller: Caller, provider: str, stream: bool, simulator: Simulator) -> None:
    simulator.play(Play(script="system"))
    seen = caller.ask(Question(service=provider, system="Be brief, Zürich."), stream=stream)
    assert seen.text == "I was told: Be brief, Zürich."


@pytest.mark.parametrize("script", ["tool", "tools", "talk", "pieces"])
def test_tools_are_called_and_their_results_taken_by_the_same_ids(
    caller: Caller, provider: str, stream: bool, script: str, simulator: Simulator
) -> None:
    simulator.play(Play(script=script))
    seen = caller.ask(Question(service=provider, tools=TOOLS, schema=CITY), stream=stream)
    names = list(TOOLS if script == "tools" else TOOLS[:1])
    assert seen.finish == "tools"
    assert seen.text == ("I will look it up." if script == "talk" else "")
    assert [call.name for call in seen.calls] == names
    assert [call.arguments for call in seen.calls] == [IN_ZURICH] * len(names)
    results = {call.id: f"result {number}" for number, call in enumerate(seen.calls)}
    assert len(results) == len(names)
    after = caller.ask(Question(service=provider, tools=TOOLS, schema=CITY, results=results), stream=stream)
    answers = dict(part.split(" said: ") for part in after.text.removeprefix("I will look it up.").split("; "))
    assert list(answers.values()) == list(results.values())
    assert after.finish == "stop"


@pytest.mark.parametrize("choice", ["any", "clock"])
def test_a_tool_that_must_be_called_is(
    caller: Caller, provider: str, stream: bool, choice: str, simulator: Simulator
) -> None:
    simulator.play(Play(script="tool"))
    seen = caller.ask(Question(service=provider, tools=TOOLS, schema=CITY, choice=choice), stream=stream)
    assert [call.name for call in seen.calls] == ["weather" if choice == "any" else choice]


def test_one_call_at_a_time_is_one(caller: Caller, provider: str, stream: bool, simulator: Simulator) -> None:
    simulator.play(Play(script="tools"))
    seen = caller.ask(Question(service=provider, tools=TOOLS, schema=CITY, one_at_a_time=True), stream=stream)
    assert [call.name for call in seen.calls] == ["weather"]


def test_an_image_is_seen(caller: Caller, provider: str, stream: bool, simulator: Simulator) -> None:
    simulator.play(Play(script="image"))
    assert caller.ask(Question(service=provider, picture=PNG), stream=stream).text == SEEN


def test_a_schema_is_followed(caller: Caller, provider: str, stream: bool, simulator: Simulator) -> None:
    simulator.play(Play(script="schema"))
    seen = caller.ask(Question(service=provider, schema=CITY, by_schema=True), stream=stream)
    assert seen.text == '{"city": "Zürich", "days": 7}'


def test_an_answer_that_was_cut_off_says_so(caller: Caller, provider: str, stream: bool, simulator: Simulator) -> None:
    simulator.play(Play(script="length"))
    seen = caller.ask(Question(service=provider), stream=stream)
    assert (seen.text, seen.finish) == (HELLO[:20], "length")


def test_a_refusal_is_a_refusal_where_the_provider_says_that_it_is_one(
    caller: Caller, dialect: str, provider: str, stream: bool, simulator: Simulator
) -> None:
    simulator.play(Play(script="refusal"))
    seen = caller.ask(Question(service=provider), stream=stream)
    assert seen.text + seen.refusal == DECLINED
    if provider == "mistral":  # which has no word for it
        assert (seen.finish, seen.refusal) == ("stop", "")
    elif dialect == "messages":
        assert seen.finish == "refusal"
    elif provider == "anthropic":  # which says it in the text
        assert seen.finish == "content_filter"
    elif dialect != "mistral":
        assert (seen.finish, seen.refusal) == ("stop", DECLINED)


@pytest.mark.parametrize("provider", [name for name in foreign.NAMES if name != "responses"])
@pytest.mark.parametrize("dialect", [name for name in CALLERS if name != "responses"])
def test_a_stop_sequence_arrives(
    caller: Caller, dialect: str, provider: str, stream: bool, simulator: Simulator
) -> None:
    simulator.play(Play(script="stop"))
    seen = caller.ask(Question(service=provider, stop="three"), stream=stream)
    both = dialect == "messages" and provider == "anthropic"
    assert (seen.text, seen.finish) == ("One, two, ", "sequence" if both else "stop")
    body = simulator.requests[0].fields
    assert body.get("stop") in (["three"], "three") or body["stop_sequences"] == ["three"]


@pytest.mark.parametrize("provider", THINKERS)
def test_reasoning_is_shown_and_counted_where_there_is_a_place_for_it(
    caller: Caller, dialect: str, provider: str, stream: bool, simulator: Simulator
) -> None:
    simulator.play(Play(script="thinking"))
    seen = caller.ask(Question(service=f"{provider}-thinking", thinks=True), stream=stream)
    assert seen.text == HELLO
    assert seen.output_tokens == 35
    hidden = provider == "openai" or (provider == "responses" and dialect == "chat")  # as at OpenAI
    assert seen.thought == ("" if hidden else THOUGHT)
    if provider != "mistral" and dialect != "mistral":
        assert seen.reasoning_tokens == 12
