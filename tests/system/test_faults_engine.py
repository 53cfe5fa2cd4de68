# SPDX-License-Identifier: Apache-2.0
"""A provider that vanishes, and an engine of the estate that takes over: it goes on from the middle of a word."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.simulator.scripts import TALE
from tests.simulator.server import Simulator
from tests.system import foreign, records, whole
from tests.system.callers import Caller, Question, Seen, calling
from tests.system.cells import IN_A_WORD, IN_SCHEMA, OPENED, OWN, PINGS, UNANSWERED, Cell, Phase
from tests.system.estates import Estate

SAID = "Grüße aus Zü"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Zürich"]}},
    "required": ["city"],
    "additionalProperties": False,
}
PHASES = {"503": UNANSWERED, "silence": OPENED, "connection closed": IN_A_WORD, "cut in an event": IN_SCHEMA}


@pytest.fixture(scope="module")
def house(estate: Estate, running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """For each cell a service and a first target of its own."""
    own = Estate(tmp_path_factory.mktemp("engine") / "estate")
    hurried = [
        replace(provider, settings=("first_event_s = 2.0", "idle_s = 0.4"))
        for provider in (foreign.OPENAI, foreign.RESPONSES, foreign.ANTHROPIC, foreign.MISTRAL)
    ]
    try:
        own.run("init")
        own.take_vault_of(estate)
        foreign.tell(own, running_simulator, *hurried)
        for caller, api in OWN.items():
            for fault, phase in PHASES.items():
                first = f"{_word(caller, phase)}={api}/sim-{phase.script}"
                foreign.serve(own, _word(caller, phase), first, "local", settings=['drop = ["*"]'])
                running_simulator.plays_by_word[_word(caller, phase)] = _cell(caller, fault, phase).play
        own.up()
        yield own
    finally:
        running_simulator.plays_by_word.clear()
        own.destroy()


@pytest.fixture(scope="module")
def callers(house: Estate) -> Iterator[dict[str, Caller]]:
    with calling(house) as found:
        yield found


@pytest.mark.parametrize("caller", OWN)
def test_it_answers_where_the_provider_does_not(house: Estate, callers: dict[str, Caller], caller: str) -> None:
    seen, outcome = ask(house, callers[caller], caller, UNANSWERED)
    assert seen.text
    assert (outcome["ending"], outcome["target"], outcome.get("seams")) == ("complete", "local", None)


@pytest.mark.parametrize("caller", OWN)
def test_it_answers_where_the_provider_only_began_to(house: Estate, callers: dict[str, Caller], caller: str) -> None:
    seen, outcome = ask(house, callers[caller], caller, OPENED)
    assert seen.text
    assert not seen.text.startswith(TALE[:4])
    assert [seam["how"] for seam in outcome["seams"]] == ["continued" if OWN[caller] == PINGS else "begun_again"]


@pytest.mark.parametrize("caller", OWN)
def test_it_goes_on_in_the_middle_of_a_word(house: Estate, callers: dict[str, Caller], caller: str) -> None:
    seen, outcome = ask(house, callers[caller], caller, IN_A_WORD)
    assert seen.text.startswith(SAID)
    assert len(seen.text) > len(SAID)
    assert outcome["ending"] == "continued"
    assert [(seam["how"], seam["taken_by"]) for seam in outcome["seams"]] == [("continued", "local")]
    assert (seen.input_tokens, seen.output_tokens) == (outcome["input_tokens"], outcome["output_tokens"])
    assert seen.input_tokens > 0


@pytest.mark.parametrize("caller", OWN)
def test_what_must_follow_a_schema_follows_it(house: Estate, callers: dict[str, Caller], caller: str) -> None:
    seen, outcome = ask(house, callers[caller], caller, IN_SCHEMA)
    assert json.loads(seen.text) == {"city": "Zürich"}
    assert [seam["how"] for seam in outcome["seams"]] == ["begun_again"]


def ask(house: Estate, sdk: Caller, caller: str, phase: Phase) -> tuple[Seen, dict[str, Any]]:
    """What the SDK made of the stream, which is well-formed, and the outcome in the ledger."""
    word = _word(caller, phase)
    schema = SCHEMA if phase is IN_SCHEMA else None
    question = Question(
        service=word, text=f"What now, {word}?", schema=schema, by_schema=schema is not None, most_tokens=40
    )
    seen = sdk.ask(question, stream=True)
    assert whole.faults_of(caller, bytes(sdk.wire.body), usage=True) == []
    (outcome,) = records.call(house, sdk.wire.headers["x-request-id"]).outcomes
    return seen, outcome


def _word(caller: str, phase: Phase) -> str:
    return f"{caller}_{phase.name.replace(' ', '_')}"


def _cell(caller: str, fault: str, phase: Phase) -> Cell:
    return Cell(
        fault=fault, phase=phase, caller=caller, first=OWN[caller], second="local", stream=True, number=0, way=phase.way
    )
