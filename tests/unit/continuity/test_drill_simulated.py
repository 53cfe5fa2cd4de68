# SPDX-License-Identifier: Apache-2.0
"""The simulated providers of a drill, asked over real HTTP, and read by the estate's own readers of those dialects."""

import json
from dataclasses import replace

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.continuity.drill.observed import Fate, Observed, StreamReader, read_whole
from freehold.continuity.drill.simulated import NAMES, SERVICE, known_text, simulated_providers
from freehold.continuity.drill.traffic import Planned, body_of
from freehold.contract.backend import BackendKind, Model, Target
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.drill import Stage
from freehold.contract.facts import BackendFacts
from freehold.contract.law import Law
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.dialect.sse import Splitter
from freehold.policy import Policy

LOCAL = Target(name="local", kind=BackendKind.ENGINE, model=Model(name="m", digest=""), operator="self")
KEY = ApiKey(id="drill", secret_sha256="", services=("*",), requests_per_minute=0)
CALL = Call(
    id="call_1",
    dialect=Dialect.OPENAI,
    operation=Operation.CHAT,
    asked="m",
    service="m",
    key_id="drill",
    data_class=DataClass.PUBLIC,
    stream=False,
    body=b"",
)
PATHS = {Dialect.OPENAI: "/chat/completions", Dialect.ANTHROPIC: "/v1/messages"}


async def asked(stage: Stage, planned: Planned, said: str = "") -> Observed:
    """What the provider of the call's dialect answers, where it has ``said`` so much already."""
    endpoint = next(known for known in stage.endpoints if planned.dialect in known.dialects)
    body = body_of(planned, "m")
    if said:
        body["messages"].append({"role": "assistant", "content": said})
    seen = Observed(number=0, began_s=0.0, stream=planned.stream, tool=planned.tool, status=200)
    async with (
        aiohttp.ClientSession() as session,
        session.post(endpoint.base_url + PATHS[planned.dialect], data=json.dumps(body)) as response,
    ):
        answer = await response.read()
    if not planned.stream:
        read_whole(seen, planned.dialect, answer, 0.0)
        return seen
    reader = StreamReader(seen, planned.dialect)
    for event in Splitter().feed(answer):
        reader.take(event, 0.0)
    reader.close()
    return seen


def planned(dialect: Dialect, *, stream: bool, tool: bool = False) -> Planned:
    return Planned(number=0, at_s=0, dialect=dialect, stream=stream, tool=tool, prompt="Hello?", max_tokens=99)


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("stream", [True, False])
async def test_both_say_the_known_text(dialect: Dialect, stream: bool) -> None:
    async with simulated_providers([LOCAL]) as stage:
        seen = await asked(stage, planned(dialect, stream=stream))
    assert (seen.fate, seen.text) == (Fate.ANSWERED, known_text("Hello?"))


@pytest.mark.parametrize("dialect", PATHS)
async def test_both_go_on_from_what_was_said(dialect: Dialect) -> None:
    known = known_text("Hello?")
    async with simulated_providers([LOCAL]) as stage:
        seen = await asked(stage, planned(dialect, stream=True), said=known[:100])
    assert known[:100] + seen.text == known


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("stream", [True, False])
async def test_both_call_a_tool_once(dialect: Dialect, stream: bool) -> None:
    async with simulated_providers([LOCAL]) as stage:
        seen = await asked(stage, planned(dialect, stream=stream, tool=True))
    assert seen.fate is Fate.ANSWERED
    assert [call.arguments.replace(" ", "") for call in seen.calls] == ['{"city":"Bern"}']


async def test_their_service_ends_with_the_estates_own_and_sees_public_words_alone() -> None:
    async with simulated_providers([LOCAL]) as stage:
        (service,) = stage.services
    assert (service.name, service.targets, service.data_class) == (SERVICE, (*NAMES, "local"), DataClass.PUBLIC)
    assert all(endpoint.host == "127.0.0.1" and not endpoint.key for endpoint in stage.endpoints)
    assert not any(facts.owned for facts in stage.facts)


async def test_their_rules_let_them_and_owned_engines_see_public_words_and_nobody_anything_else() -> None:
    async with simulated_providers([LOCAL]) as stage:
        stranger = replace(stage.targets[0], name="stranger", operator="stranger")
        targets = (*stage.targets, LOCAL, stranger)
        ours = BackendFacts(operator="self", owned=True, authorities=())
        law = Law(files=(stage.rules,), facts=(*stage.facts, ours), states=("FR", "US"))
        policy = Policy(Snapshot(version=1, services=stage.services, targets=targets, law=law))
        (service,) = stage.services

    def allowed(data_class: DataClass) -> tuple[str, ...]:
        call = replace(CALL, service=service.name, data_class=data_class)
        return policy.decide(call, key=KEY, service=service, targets=targets, at_unix=0).allowed

    assert allowed(DataClass.PUBLIC) == (*NAMES, "local")
    assert allowed(DataClass.INTERNAL) == ("local",)


@given(st.text())
def test_a_text_is_known_for_every_question(prompt: str) -> None:
    assert known_text(prompt) == known_text(prompt)
    assert "  " not in known_text(prompt)
