# SPDX-License-Identifier: Apache-2.0
"""The provider simulator itself: what goes wrong on demand, what it heard, and that it runs as a process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection

import anthropic
import openai
import pytest
from anthropic import Anthropic
from openai import OpenAI
from tests.simulator.faults import AFTER_HEADERS, Fault, FaultKind, Play
from tests.simulator.scripts import DECLINED, HELLO
from tests.simulator.server import KEY, Simulator
from tests.system.simulated import ASK


@pytest.fixture
def chat(simulator: Simulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{simulator.base_url}/openai/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def messages(simulator: Simulator) -> Iterator[Anthropic]:
    with Anthropic(base_url=f"{simulator.base_url}/anthropic", api_key=KEY, max_retries=0) as client:
        yield client


def test_a_status_has_the_vendors_shape_once_and_then_all_is_well(simulator: Simulator, chat: OpenAI) -> None:
    busy = Fault(kind=FaultKind.STATUS, status=429, headers={"retry-after": "7"})
    simulator.play(Play(fault=busy, times=1))
    with pytest.raises(openai.RateLimitError) as caught:
        chat.chat.completions.create(model="sim", messages=ASK)
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.code == "rate_limit_exceeded"
    assert chat.chat.completions.create(model="sim", messages=ASK).choices[0].message.content == HELLO


@pytest.mark.parametrize("kind", [FaultKind.CLOSE, FaultKind.RESET])
@pytest.mark.parametrize("after", [-1, AFTER_HEADERS, 3])
def test_a_connection_ends_when_it_is_told_to(simulator: Simulator, chat: OpenAI, kind: FaultKind, after: int) -> None:
    simulator.play(Play(fault=Fault(kind=kind, after=after)))
    seen = []
    with pytest.raises(openai.APIConnectionError):
        seen += [*chat.chat.completions.create(model="sim", messages=ASK, stream=True)]
    assert seen == []


def test_other_faults_are_as_they_are_called(simulator: Simulator, chat: OpenAI, messages: Anthropic) -> None:
    simulator.play(Play(fault=Fault(kind=FaultKind.ERROR_EVENT, after=3)))
    with pytest.raises(openai.APIError, match="had an error"):
        list(chat.chat.completions.create(model="sim", messages=ASK, stream=True))
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(messages.messages.create(model="sim", max_tokens=9, messages=ASK, stream=True))
    simulator.play(Play(fault=Fault(kind=FaultKind.MALFORMED, after=3)))
    with pytest.raises(json.JSONDecodeError):
        list(chat.chat.completions.create(model="sim", messages=ASK, stream=True))
    simulator.play(Play(fault=Fault(kind=FaultKind.OVERSIZE, after=2, size_bytes=3 * 2**20)))
    assert list(chat.chat.completions.create(model="sim", messages=ASK, stream=True))
    assert simulator.requests[-1].sent_bytes > 3 * 2**20
    simulator.play(Play(fault=Fault(kind=FaultKind.NO_TERMINATOR)))
    assert not any(
        event.type == "message_stop"
        for event in messages.messages.create(model="sim", max_tokens=9, messages=ASK, stream=True)
    )
    simulator.play(Play(fault=Fault(kind=FaultKind.DRIP, after=1)))
    assert list(chat.chat.completions.create(model="sim", messages=ASK, stream=True))
    simulator.play(Play(fault=Fault(kind=FaultKind.HELD, after=2)))
    with chat.chat.completions.create(model="sim", messages=ASK, stream=True) as held:
        next(held)
        assert not simulator.requests[-1].answered
        simulator.requests[-1].let_go = True
        assert list(held)
    simulator.play(Play(fault=Fault(kind=FaultKind.ENDLESS, after=2)))
    with chat.chat.completions.create(model="sim", messages=ASK, stream=True) as stream:
        assert [next(stream).choices[0].delta.content for _ in range(50)][-1]
    simulator.play(Play(fault=Fault(kind=FaultKind.REDIRECT, text="/openai/v1/elsewhere")))
    with pytest.raises(openai.NotFoundError):
        chat.chat.completions.create(model="sim", messages=ASK)
    simulator.play(Play(answers_as="other"))
    assert chat.chat.completions.create(model="sim", messages=ASK).model == "other"


def test_what_was_heard_is_kept_and_can_be_forgotten(simulator: Simulator, chat: OpenAI) -> None:
    simulator.record.clear()
    chat.chat.completions.create(model="sim", messages=ASK, user="ada")
    chat.chat.completions.create(model="sim", messages=ASK)
    first, second = simulator.requests
    assert first.fields["user"] == "ada"
    assert first.header("authorization") == f"Bearer {KEY}"
    assert first.connection == second.connection
    assert simulator.record.counts.connections <= 1
    assert simulator.record.counts.bytes > 400


def test_it_runs_as_a_process_and_is_told_over_its_port_what_to_say() -> None:
    command = [sys.executable, "-m", "tests.simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            connection = HTTPConnection("127.0.0.1", told["port"])
            connection.request("PUT", "/control/play", body=json.dumps({"script": "refusal"}))
            assert connection.getresponse().read() == b""
            with OpenAI(base_url=f"{told['base_url']}/openai/v1", api_key=told["key"], max_retries=0) as client:
                answer = client.chat.completions.create(model="sim", messages=ASK)
            assert answer.choices[0].message.refusal == DECLINED
            connection.request("GET", "/control/heard")
            (heard,) = json.loads(connection.getresponse().read())
            assert heard["path"] == "/openai/v1/chat/completions"
            connection.close()
        finally:
            process.terminate()
