# SPDX-License-Identifier: Apache-2.0
"""Providers that refuse, break and lie. What goes wrong before the first word is another target's affair, unseen."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import anthropic
import openai
import pytest
from anthropic import Anthropic
from mistralai.client import Mistral
from mistralai.client.errors import SDKError
from mistralai.client.models import UserMessage
from openai import OpenAI
from tests.simulator.faults import AFTER_HEADERS, Fault, FaultKind, Play
from tests.simulator.scripts import HELLO
from tests.simulator.server import KEY, Simulator
from tests.system import clients, foreign, records
from tests.system.callers import Question, calling
from tests.system.estates import Estate
from tests.system.records import CallRecord
from tests.system.simulated import ASK
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, MESSAGES, RESPONSES, Answer, asking, dialled, head, post

MIB = 2**20
BOUNDED = ("max_answer_mb = 1",)
# Only for whom nothing comes from: how long others take says how busy this machine is.
HURRIED = (*BOUNDED, "first_event_s = 1.5", "idle_s = 1.0", "whole_answer_s = 2.0")
DAWDLING = {"silent", "silent-after-headers", "endless-comments", "dripping"}
PROVIDERS = foreign.NAMES
MOST = {name: 72 if name == "openai" else 24 for name in PROVIDERS}  # targets of each
MOST |= {f"hurried-{name}": 12 if name == "openai" else 2 for name in PROVIDERS}
OPENAI = "/openai/"  # where the first target lies, in tests with two
BUSY = Fault(kind=FaultKind.STATUS, status=429, headers={"retry-after": "7"})
SERVICE_BODY = {"messages": ASK, "max_tokens": 20}
# Before anything was said: by the name of what is wrong.
BEFORE = {
    "busy": BUSY,
    "overloaded": Fault(kind=FaultKind.STATUS, status=529),
    "broken": Fault(kind=FaultKind.STATUS, status=500),
    "key-refused": Fault(kind=FaultKind.STATUS, status=401),
    "no-such-model": Fault(kind=FaultKind.STATUS, status=404),
    "redirected": Fault(kind=FaultKind.REDIRECT, status=307, text="/openai/v1/chat/completions"),
    "moved": Fault(kind=FaultKind.REDIRECT, status=301, text="http://provider.test/v1/chat/completions"),
    "reset": Fault(kind=FaultKind.RESET),
    "silent": Fault(kind=FaultKind.SILENCE),
    "closed-after-headers": Fault(kind=FaultKind.CLOSE, after=AFTER_HEADERS),
    "silent-after-headers": Fault(kind=FaultKind.SILENCE, after=AFTER_HEADERS),
    "no-json": Fault(kind=FaultKind.MALFORMED, after=AFTER_HEADERS),
    "a-page": Fault(kind=FaultKind.STATUS, status=200, text="<html>Sign in</html>"),
    "oversize": Fault(kind=FaultKind.OVERSIZE, after=AFTER_HEADERS, size_bytes=3 * MIB),
    "endless-blanks": Fault(kind=FaultKind.ENDLESS, after=AFTER_HEADERS, text=" " * 65536),
    "endless-comments": Fault(kind=FaultKind.ENDLESS, after=AFTER_HEADERS, text=": wait\n\n", pause_s=0.05),
    "dripping": Fault(kind=FaultKind.DRIP, after=AFTER_HEADERS, pause_s=0.2),
}
ONLY_STREAMED = {"endless-comments"}
MIDWAY = [
    FaultKind.CLOSE,
    FaultKind.RESET,
    FaultKind.SILENCE,
    FaultKind.MALFORMED,
    FaultKind.ERROR_EVENT,
    FaultKind.NO_TERMINATOR,
]


class Fresh:
    """Hands out targets that nothing has gone wrong with: what failed often is not asked first any more."""

    def __init__(self) -> None:
        self._used: Counter[str] = Counter()

    def alone(self, provider: str, *, hurried: bool = False) -> str:
        """A service with a target of this provider."""
        provider = f"hurried-{provider}" if hurried else provider
        self._used[provider] += 1
        number = self._used[provider]
        assert number <= MOST[provider], f"{provider} has no target left"
        return f"{provider}-{number}"

    def before(self, provider: str, *, hurried: bool = False) -> str:
        """A service with a target of this provider, and a well one behind it."""
        return f"{self.alone(provider, hurried=hurried)}-or"


@pytest.fixture(scope="module")
def house(running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    own = Estate(tmp_path_factory.mktemp("faults") / "estate")
    try:
        breaking = [
            replace(provider, name=f"{manner}{provider.name}", settings=(*provider.settings, *settings))
            for provider in foreign.ALL
            for manner, settings in (("", BOUNDED), ("hurried-", HURRIED))
        ]
        well = replace(foreign.COMPATIBLE, name="well", path="/compatible/v1")
        foreign.found(own, running_simulator, *breaking, well)
        foreign.serve(own, "well", "well")
        for name, most in MOST.items():
            for number in range(1, most + 1):
                target = f"{name}-{number}={name}"
                foreign.serve(own, f"{name}-{number}", target)
                foreign.serve(own, f"{name}-{number}-or", target, "well")
        own.up()
        yield own
    finally:
        own.destroy()


@pytest.fixture(scope="module")
def fresh() -> Fresh:
    return Fresh()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("wrong", BEFORE)
def test_the_next_target_answers(house: Estate, fresh: Fresh, simulator: Simulator, wrong: str, stream: bool) -> None:
    if wrong in ONLY_STREAMED and not stream:
        return
    simulator.play(Play(fault=BEFORE[wrong], only=OPENAI))
    service = fresh.before("openai", hurried=wrong in DAWDLING)
    answer = post(house, CHAT, SERVICE_BODY | {"model": service, "stream": stream})
    assert answer.status == 200, answer
    assert answer.headers["freehold-target"] == "well"
    assert said_in(answer, stream=stream) == HELLO
    asked = [heard.path.split("/")[1] for heard in simulator.requests]
    assert [*dict.fromkeys(asked)] == ["openai", "compatible"], "first once, or twice over a connection that was kept"
    record = records.call(house, answer.headers["x-request-id"])
    assert record.ending == "complete"
    assert outcome(record)["target"] == "well"


def test_a_kept_connection_that_is_gone_is_made_anew_once(house: Estate, fresh: Fresh, simulator: Simulator) -> None:
    body = SERVICE_BODY | {"model": fresh.before("openai")}
    first = post(house, CHAT, body)
    simulator.play(Play(fault=Fault(kind=FaultKind.CLOSE), only=OPENAI))
    second = post(house, CHAT, body)
    assert (first.headers["freehold-target"], second.headers["freehold-target"]) == (body["model"][:-3], "well")
    assert [heard.path.split("/")[1] for heard in simulator.requests] == [*["openai"] * 3, "compatible"]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_every_vendors_word_for_busy_is_understood(
    house: Estate, fresh: Fresh, simulator: Simulator, provider: str, stream: bool
) -> None:
    simulator.play(Play(fault=BUSY, times=1))
    answer = post(house, CHAT, SERVICE_BODY | {"model": fresh.before(provider), "stream": stream})
    assert answer.headers["freehold-target"] == "well"
    simulator.play(Play(fault=BUSY))
    alone = post(house, CHAT, SERVICE_BODY | {"model": fresh.alone(provider), "stream": stream})
    assert alone.status == 429
    assert alone.headers["retry-after"] == "7"
    assert alone.json["error"]["code"] == "provider_busy"


@pytest.mark.parametrize("status", [401, 404, 500])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_no_target_can_do_is_told_without_the_providers_words(
    house: Estate, fresh: Fresh, simulator: Simulator, provider: str, status: int
) -> None:
    simulator.play(Play(fault=Fault(kind=FaultKind.STATUS, status=status, text=f'{{"error": "wrong key {KEY}"}}')))
    answer = post(house, CHAT, SERVICE_BODY | {"model": fresh.alone(provider)})
    assert answer.status == 503
    assert answer.json["error"]["code"] == ("provider_unavailable" if status == 500 else "provider_refused")
    assert int(answer.headers["retry-after"]) >= 1
    assert KEY not in str(answer)
    assert "wrong key" not in str(answer)


def test_a_key_that_a_provider_repeats_is_not_shown(house: Estate, fresh: Fresh, simulator: Simulator) -> None:
    for text in (f"Your key {KEY} may not", f"Bearer {KEY}", f"key {KEY[:20]}"):
        error = {"error": {"message": text, "type": "invalid_request_error"}}
        simulator.play(Play(fault=Fault(kind=FaultKind.STATUS, status=400, text=json.dumps(error))))
        answer = post(house, CHAT, SERVICE_BODY | {"model": fresh.alone("openai")})
        assert answer.status == 400
        assert KEY not in answer.body.decode()
        assert KEY[:20] not in answer.body.decode()


def test_what_the_caller_got_wrong_is_told_at_once_in_the_providers_words(
    house: Estate, fresh: Fresh, simulator: Simulator
) -> None:
    service = fresh.before("openai")
    chat, messages, mistral = clients.openai(house), clients.anthropic(house), clients.mistral(house)
    with chat, messages, mistral:
        told_at_once(simulator, service, chat, messages, mistral)


def told_at_once(simulator: Simulator, service: str, chat: OpenAI, messages: Anthropic, mistral: Mistral) -> None:
    five = list("abcde")
    with pytest.raises(openai.BadRequestError, match="array too long"):
        chat.chat.completions.create(model=service, messages=ASK, stop=five)
    assert len(simulator.requests) == 1
    with pytest.raises(anthropic.BadRequestError, match="array too long"):
        messages.messages.create(model=service, messages=ASK, max_tokens=20, stop_sequences=five)
    with pytest.raises(SDKError, match="array too long") as caught:
        mistral.chat.complete(model=service, messages=[UserMessage(content="x")], stop=five)
    assert caught.value.status_code == 400
    assert json.loads(caught.value.body)["object"] == "error"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", MIDWAY)
def test_an_answer_that_breaks_off_ends_with_the_callers_own_error_event(
    house: Estate, fresh: Fresh, simulator: Simulator, provider: str, kind: FaultKind
) -> None:
    simulator.play(Play(fault=Fault(kind=kind, after=6)))
    hurried = kind is FaultKind.SILENCE
    answers = {
        path: post(house, path, SERVICE_BODY | {"model": fresh.alone(provider, hurried=hurried), "stream": True})
        for path in (CHAT, MESSAGES)
    }
    assert b"[DONE]" not in answers[CHAT].body
    last = json.loads(answers[CHAT].body.strip().rsplit(b"data: ", 1)[1])
    assert last["error"]["code"] in {"provider_failed", "backend_failed"}
    assert b"event: error" in answers[MESSAGES].body
    assert b"message_stop" not in answers[MESSAGES].body
    for answer in answers.values():
        record = records.call(house, answer.headers["x-request-id"])
        assert record.ending == "failed"
        assert outcome(record)["error"] == last["error"]["code"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_that_lacks_but_its_last_event_is_whole_or_broken_and_says_which(
    house: Estate, fresh: Fresh, simulator: Simulator, provider: str
) -> None:
    simulator.play(Play(fault=Fault(kind=FaultKind.NO_TERMINATOR)))
    answer = post(house, MESSAGES, SERVICE_BODY | {"model": fresh.alone(provider), "stream": True})
    whole = b"message_stop" in answer.body
    assert whole is (b"event: error" not in answer.body)
    assert whole is (provider != "responses")  # whose last event has the finish and the usage, others say them before
    ending = records.call(house, answer.headers["x-request-id"]).ending
    assert ending in ({"complete", "continued"} if whole else {"failed"})


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_an_endless_answer_is_bounded(house: Estate, fresh: Fresh, simulator: Simulator, path: str) -> None:
    simulator.play(Play(fault=Fault(kind=FaultKind.ENDLESS, after=3)))
    body = {"input": "x"} if path == RESPONSES else SERVICE_BODY
    answer = post(house, path, body | {"model": fresh.alone("openai"), "stream": True})
    assert 0 < len(answer.body) < 8 * MIB
    (heard,) = simulator.requests
    wait_for(lambda: heard.hung_up, "the provider's connection is cut")
    assert records.call(house, answer.headers["x-request-id"]).ending == "failed"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_caller_who_hangs_up_in_mid_stream_ends_the_providers_work(
    house: Estate, fresh: Fresh, simulator: Simulator, provider: str
) -> None:
    simulator.play(Play(fault=Fault(kind=FaultKind.ENDLESS, after=5, pause_s=0.01)))
    body = json.dumps(SERVICE_BODY | {"model": fresh.alone(provider), "stream": True}).encode()
    with asking(house, "POST", CHAT, body) as response:
        call_id = response.headers["x-request-id"]
        assert response.readline().startswith(b"data:")
    (heard,) = simulator.requests
    wait_for(lambda: heard.hung_up, "the provider's connection is cut")
    assert records.call(house, call_id).ending == "cancelled"


def test_a_caller_who_hangs_up_before_the_answer_ends_the_providers_work(house: Estate, simulator: Simulator) -> None:
    simulator.play(Play(fault=Fault(kind=FaultKind.SILENCE)))
    body = json.dumps(SERVICE_BODY | {"model": "well"}).encode()
    with dialled(house) as connection:
        connection.sendall(head(house, CHAT, f"content-length: {len(body)}") + body)
        wait_for(lambda: [heard for heard in simulator.requests if heard.whole], "the provider has the request")
    (heard,) = simulator.requests
    wait_for(lambda: heard.hung_up, "the provider's connection is cut")


def test_answers_that_are_read_to_their_end_share_a_connection(
    house: Estate, fresh: Fresh, simulator: Simulator
) -> None:
    service = fresh.alone("openai")
    with calling(house) as callers:
        for stream in (False, True) * 3:
            callers["chat"].ask(Question(service=service), stream=stream)
            callers["messages"].ask(Question(service=service), stream=stream)
    assert len(simulator.requests) == 12
    assert len({heard.connection for heard in simulator.requests}) == 1


def said_in(answer: Answer, *, stream: bool) -> str:
    if not stream:
        return str(answer.json["choices"][0]["message"]["content"])
    chunks: list[dict[str, Any]] = [
        json.loads(line[6:]) for line in answer.body.split(b"\n\n") if line.startswith(b"data: {")
    ]
    assert answer.body.endswith(b"data: [DONE]\n\n")
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def outcome(record: CallRecord) -> dict[str, Any]:
    (found,) = record.outcomes
    return found
