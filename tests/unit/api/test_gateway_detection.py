# SPDX-License-Identifier: Apache-2.0
"""With a detector, a call is decided and recorded in the class that its own texts give it, whatever its dialect."""

from dataclasses import replace
from typing import Any

import pytest
from tests.law_builder import law
from tests.unit.api.test_gateway import CHAT, HELLO, SNAPSHOT, WHOLE, House
from tests.unit.policy.detect.test_detection import Texts

from freehold.api.gateway import Gateway
from freehold.contract.call import DataClass
from freehold.policy.detect import Detection

SECRET = "alice@example.fr"
ON = replace(SNAPSHOT, detector="identifiers", detector_class=DataClass.PERSONAL)
NONE_PERSONAL = '@id("none-personal") forbid (principal, action, resource) when { context.data_class >= 2 };'


class Mentions(Texts):
    """Finds one name, and nothing else."""

    async def find(self, text: str) -> str:
        await super().find(text)
        return "email" if SECRET in text else ""


def house(texts: Texts) -> House:
    made = House()
    made.gateway = Gateway("gateway-1", made.ledger, lambda _: made.engine, detection=Detection(texts))
    made.gateway.configure(ON)
    return made


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {"model": "gpt-4o", "messages": [{"role": "user", "content": SECRET}]}),
        (CHAT, {"model": "gpt-4o", "messages": [{"role": "system", "content": SECRET}, *HELLO["messages"]]}),
        ("/v1/completions", {"model": "gpt-4o", "prompt": SECRET}),
        ("/v1/responses", {"model": "gpt-4o", "input": "hi", "instructions": SECRET, "store": False}),
        ("/v1/messages", {"model": "claude-x", "max_tokens": 5, "system": SECRET, "messages": HELLO["messages"]}),
        ("/v1/messages/count_tokens", {"model": "claude-x", "messages": [{"role": "user", "content": SECRET}]}),
        ("/v1/fim/completions", {"model": "gpt-4o", "prompt": "def f():", "suffix": SECRET}),
    ],
)
async def test_a_call_that_names_somebody_is_on_record_as_personal(path: str, body: Any) -> None:
    estate = house(Mentions())
    await estate.ask(body, path)
    assert [admission.data_class for admission in estate.admissions] == ["personal"]
    assert estate.gateway.report.detected == {"email": 1}


async def test_a_call_that_names_nobody_keeps_its_class() -> None:
    estate = house(Mentions())
    assert (await estate.ask()).pieces == [WHOLE]
    assert [admission.data_class for admission in estate.admissions] == ["internal"]
    assert estate.gateway.report.detected == {}


async def test_the_decision_is_that_of_the_raised_class_and_reaches_no_engine() -> None:
    estate = house(Mentions())
    estate.gateway.configure(replace(ON, law=law(own=NONE_PERSONAL)))
    refused = await estate.ask({"model": "gpt-4o", "messages": [{"role": "user", "content": SECRET}]})
    assert refused.status == 403
    assert not estate.engine.bodies
    assert (await estate.ask()).status == 200


async def test_nothing_is_read_for_a_call_that_its_caller_calls_personal() -> None:
    texts = Mentions()
    await house(texts).ask(freehold_data_class="personal")
    assert not texts.texts


async def test_nothing_of_the_text_is_on_record() -> None:
    estate = house(Mentions())
    await estate.ask({"model": "gpt-4o", "messages": [{"role": "user", "content": SECRET}]})
    assert not any(b"alice" in entry or b"email" in entry for entry in estate.ledger.entries)
