# SPDX-License-Identifier: Apache-2.0
"""What is on record of a call to a provider: before its first byte, and afterwards which model answered."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.simulator.faults import Play
from tests.simulator.server import Simulator
from tests.system import processes, records
from tests.system.estates import Estate
from tests.system.simulated import ASK, USAGE
from tests.system.waiting import LONG_S, wait_for
from tests.system.wire import CHAT, MESSAGES, post

LONG_ENOUGH_S = 1.5  # for a byte that is not waiting for anything


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("service", ["openai", "anthropic"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_outcome_has_the_target_the_model_and_the_tokens(
    provided: Estate, simulator: Simulator, path: str, service: str, stream: bool
) -> None:
    answer = post(provided, path, {"model": service, "messages": ASK, "max_tokens": 20, "stream": stream})
    (outcome,) = records.call(provided, answer.headers["x-request-id"]).outcomes
    assert (outcome["ending"], outcome["target"], outcome["model"]) == ("complete", service, "sim")
    assert (outcome["input_tokens"], outcome["output_tokens"]) == (USAGE.input, USAGE.output)
    assert "answered_as" not in outcome
    assert outcome["answer_bytes"] == len(answer.body)


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("service", ["openai", "anthropic"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_another_model_than_was_asked_for_is_on_record(
    provided: Estate, simulator: Simulator, path: str, service: str, stream: bool
) -> None:
    simulator.play(Play(answers_as="other-model"))
    answer = post(provided, path, {"model": service, "messages": ASK, "max_tokens": 20, "stream": stream})
    assert answer.status == 200
    assert b"other-model" in answer.body
    call_id = answer.headers["x-request-id"]
    (outcome,) = records.call(provided, call_id).outcomes
    assert (outcome["model"], outcome["answered_as"]) == ("sim", "other-model")
    receipt = provided.ask("ledger", "receipt", answer.headers["freehold-receipt"], "--format", "json")
    assert "other-model" in str(receipt)


@pytest.mark.parametrize("answered", ["sim", "sim-2026-05-01"])
def test_a_version_of_the_model_is_the_model(provided: Estate, simulator: Simulator, answered: str) -> None:
    simulator.play(Play(answers_as=answered))
    answer = post(provided, CHAT, {"model": "openai", "messages": ASK})
    assert "answered_as" not in records.call(provided, answer.headers["x-request-id"]).outcomes[0]


def test_a_name_that_the_target_may_answer_as_is_the_model(provided: Estate, simulator: Simulator) -> None:
    simulator.play(Play(answers_as="other-model"))
    answer = post(provided, CHAT, {"model": "named", "messages": ASK})
    assert "answered_as" not in records.call(provided, answer.headers["x-request-id"]).outcomes[0]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_no_byte_goes_to_a_provider_before_the_admission_is_on_disk(
    provided: Estate, simulator: Simulator, stream: bool
) -> None:
    ledger = provided.process("ledger")
    body = {"model": "openai", "messages": ASK, "stream": stream}
    processes.send(ledger, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(1) as caller:
            answering = caller.submit(post, provided, CHAT, body)
            with pytest.raises(TimeoutError):
                answering.result(timeout=LONG_ENOUGH_S)
            assert simulator.record.counts.bytes == 0
            processes.send(ledger, signal.SIGCONT)
            assert answering.result(timeout=LONG_S).status == 200
    finally:
        processes.send(ledger, signal.SIGCONT)
    assert len(simulator.requests) == 1


def test_a_call_whose_ledger_dies_goes_out_once_it_is_admitted_anew_or_not_at_all(
    provided: Estate, simulator: Simulator
) -> None:
    ledger = provided.process("ledger")
    processes.send(ledger, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as caller:
        answering = caller.submit(post, provided, CHAT, {"model": "openai", "messages": ASK})
        with pytest.raises(TimeoutError):
            answering.result(timeout=LONG_ENOUGH_S)
        assert simulator.record.counts.bytes == 0
        provided.kill(ledger)
        answer = answering.result(timeout=LONG_S)
    if answer.status == 200:
        assert len(simulator.requests) == 1
        assert records.call(provided, answer.headers["x-request-id"]).ending == "complete"
    else:
        assert answer.json["error"]["code"] == "ledger_unavailable"
        assert simulator.requests == []
    again = {"model": "openai", "messages": ASK}
    wait_for(lambda: post(provided, CHAT, again).status == 200, "the estate answers again")
