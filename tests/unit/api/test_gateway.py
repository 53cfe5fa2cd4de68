# SPDX-License-Identifier: Apache-2.0
"""The public application over a stand-in for the server: fake ledger, fake backends, real dialects."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.law_builder import law

from freehold.api.exchange import Headers
from freehold.api.gateway import Gateway
from freehold.contract.backend import BackendKind, EngineStatus, Model, Priority, Service, Target
from freehold.contract.call import DataClass
from freehold.contract.decision import Decision
from freehold.contract.record import Ending
from freehold.contract.report import TargetLoad
from freehold.contract.snapshot import ApiKey, Capacity, Snapshot
from freehold.dialect.interface import Backend, Event, Upstream, Wire
from freehold.dialect.limits import RateLimits
from freehold.errors import EngineBroke, EngineBusy, FreeholdError, SlowCaller
from freehold.http1 import RequestHead
from freehold.ledger.fake import FakeLedger
from freehold.ledger.record.entry import AdmissionEntry, OutcomeEntry, read_entry

CHAT = "/v1/chat/completions"
HELLO = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
WHOLE = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ho"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }
).encode()


def chunk(**delta: str) -> bytes:
    value = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}],
    }
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def head(method: str = "POST", path: str = CHAT, sent: dict[str, str] | None = None, query: str = "") -> RequestHead:
    return RequestHead(method, path, query, 1, {"authorization": "Bearer good"} if sent is None else sent)


class Server:
    """One request at the server, and what the application did with it."""

    def __init__(self, body: object = HELLO, *, hang_up_after: int | None = None) -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.read_bytes = 0
        self.gone = asyncio.Event()
        self.hang_up_after = hang_up_after
        self.too_slow = self.begun = self.ended = self.cut = False

    async def read(self) -> bytes:
        piece = self.body[self.read_bytes : self.read_bytes + 65536]
        self.read_bytes += len(piece)
        return piece

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        if self.begun:
            self.cut = True
            return
        assert not self.status, "answered twice"
        self.status, self.headers, self.pieces = status, dict(headers), [body]

    def begin(self, status: int, headers: Headers) -> None:
        assert not self.status, "answered twice"
        self.status, self.headers = status, dict(headers)
        self.begun = True

    def push(self, piece: bytes) -> bool:
        self.pieces.append(piece)
        return not self.too_slow and len(self.pieces) != self.hang_up_after

    async def taken(self) -> None:
        if self.too_slow:
            raise SlowCaller("the caller did not take the answer")
        self.gone.set()
        await asyncio.Event().wait()

    def end(self) -> None:
        self.ended = True

    async def served_by(self, gateway: Gateway, asked: RequestHead) -> None:
        """As the listener does: whoever hangs up cancels whoever answers."""
        answering, gone = asyncio.create_task(gateway.answer(asked, self)), asyncio.create_task(self.gone.wait())
        await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        answering.cancel()  # does nothing to one that is done
        with suppress(asyncio.CancelledError):
            await answering

    @property
    def json(self) -> Any:
        return json.loads(b"".join(self.pieces))


async def events(*raws: bytes, fault: FreeholdError | None = None) -> AsyncIterator[Event]:
    for raw in raws:
        yield Event(raw, "", raw.removeprefix(b"data: ").rstrip(b"\n"))
    if fault:
        raise fault


@dataclass
class Answer:
    body: bytes = WHOLE
    events: AsyncIterator[Event] = field(default_factory=events)
    limits: RateLimits | None = None


class Engine:
    """The one backend: answers with what it is told to, and waits for ``go`` first."""

    def __init__(self, answer: Callable[[], Answer | FreeholdError] = Answer) -> None:
        self.answer = answer
        self.go = asyncio.Event()
        self.go.set()
        self.asked = asyncio.Event()
        self.bodies: list[bytes] = []
        self.priorities: list[Priority] = []

    def status(self, target: str) -> EngineStatus | None:
        return None

    async def ready(self, target: str) -> Backend:
        return Backend(model="m", wires=frozenset(Wire), context_tokens=100, tools=False)

    @asynccontextmanager
    async def open(self, target: str, upstream: Upstream, decision: Decision) -> AsyncIterator[Answer]:
        self.bodies.append(upstream.body)
        self.priorities.append(upstream.priority)
        self.asked.set()
        await self.go.wait()
        answer = self.answer()
        if isinstance(answer, FreeholdError):
            raise answer
        yield answer

    def cut(self, target: str) -> None:
        raise NotImplementedError


def key(secret: str, **more: Any) -> ApiKey:
    values = {"services": ("*",), "requests_per_minute": 600, **more}
    return ApiKey(id=f"key_{secret}", secret_sha256=hashlib.sha256(secret.encode()).hexdigest(), **values)


TARGET = Target(
    name="local", kind=BackendKind.ENGINE, model=Model(name="m", digest="sha256:" + "0" * 64), operator="self"
)
SNAPSHOT = Snapshot(
    version=7,
    services=(
        Service(name="default", data_class=DataClass.INTERNAL, targets=("local",), aliases=("gpt-*", "claude-*")),
        Service(name="other", data_class=DataClass.INTERNAL, targets=("local",)),
    ),
    targets=(TARGET,),
    keys=(key("good"), key("narrow", services=("other",)), key("slow", requests_per_minute=1)),
    law=law(),
    max_body_bytes=2**20,
)


class House:
    """A gateway with everything behind it."""

    def __init__(self, answer: Callable[[], Answer | FreeholdError] = Answer) -> None:
        self.ledger = FakeLedger()
        self.engine = Engine(answer)
        self.gateway = Gateway("gateway-1", self.ledger, lambda _: self.engine)
        self.gateway.configure(SNAPSHOT)

    async def ask(self, body: object = HELLO, path: str = CHAT, *, method: str = "POST", **headers: str) -> Server:
        server = Server(body)
        sent = {"authorization": "Bearer good"} | {name.replace("_", "-"): text for name, text in headers.items()}
        await server.served_by(self.gateway, head(method, path, sent))
        return server

    @property
    def admissions(self) -> list[AdmissionEntry]:
        return [entry for entry in map(read_entry, self.ledger.entries) if isinstance(entry, AdmissionEntry)]

    @property
    def outcomes(self) -> list[OutcomeEntry]:
        return [entry for entry in map(read_entry, self.ledger.entries) if isinstance(entry, OutcomeEntry)]


async def test_an_answer_names_the_model_the_target_the_decision_and_the_receipt() -> None:
    house = House()
    server = await house.ask()
    assert (server.status, server.json["model"]) == (200, "m")
    assert server.headers["freehold-target"] == "local"
    assert server.headers["freehold-decision"].startswith("dec_")
    assert server.headers["freehold-receipt"].rpartition("/")[2] == "0"
    assert server.headers["x-request-id"].startswith("call_")


async def test_an_admitted_call_has_one_outcome_with_tokens_and_a_commitment() -> None:
    house = House()
    server = await house.ask()
    (outcome,) = house.outcomes
    assert (outcome.ending, outcome.error) == (Ending.COMPLETE, "")
    assert (outcome.input_tokens, outcome.output_tokens) == (5, 2)
    assert (outcome.model, outcome.model_digest) == ("m", TARGET.model.digest)
    assert outcome.answer_bytes == len(server.pieces[0])
    assert len(outcome.answer) == 64


STREAM = (chunk(role="assistant"), chunk(content="ho"), chunk(), b"data: [DONE]\n\n")
PIECES = (STREAM[0] + STREAM[1], *STREAM[2:])  # what opens an answer goes with the first words of it


async def test_a_stream_in_the_callers_own_dialect_is_forwarded_as_it_came() -> None:
    house = House(lambda: Answer(events=events(*STREAM)))
    server = await house.ask({**HELLO, "stream": True})
    assert server.headers["content-type"].startswith("text/event-stream")
    assert tuple(server.pieces) == PIECES
    assert house.outcomes[0].ending is Ending.COMPLETE


async def test_a_stream_that_breaks_ends_with_the_dialects_own_error() -> None:
    house = House(lambda: Answer(events=events(*STREAM[:2], fault=EngineBroke("cut"))))
    server = await house.ask({**HELLO, "stream": True})
    assert server.pieces[0] == PIECES[0]
    assert json.loads(server.pieces[-1].removeprefix(b"data: "))["error"]["code"] == "engine_failed"
    (outcome,) = house.outcomes
    assert (outcome.ending, outcome.error) == (Ending.FAILED, "engine_failed")
    assert outcome.answer_bytes == sum(map(len, server.pieces))


async def test_whoever_hangs_up_in_mid_stream_is_on_record_as_cancelled() -> None:
    house = House(lambda: Answer(events=events(*STREAM)))
    server = Server({**HELLO, "stream": True}, hang_up_after=1)
    await server.served_by(house.gateway, head())
    (outcome,) = house.outcomes
    assert (outcome.ending, outcome.answer_bytes) == (Ending.CANCELLED, len(PIECES[0]))
    assert house.gateway.report.in_flight == 0


async def test_whoever_hangs_up_with_the_whole_answer_in_hand_has_not_cancelled_it() -> None:
    server = Server({**HELLO, "stream": True})

    async def lingering() -> AsyncIterator[Event]:
        async for event in events(*STREAM):
            yield event
        server.gone.set()
        await asyncio.Event().wait()

    house = House(lambda: Answer(events=lingering()))
    await server.served_by(house.gateway, head())
    assert tuple(server.pieces) == PIECES
    assert [outcome.ending for outcome in house.outcomes] == [Ending.COMPLETE]


async def test_a_caller_who_does_not_take_the_answer_is_on_record_by_that_name() -> None:
    house = House(lambda: Answer(events=events(*STREAM)))
    server = Server({**HELLO, "stream": True})
    server.too_slow = True
    await server.served_by(house.gateway, head())
    assert [(outcome.ending, outcome.error) for outcome in house.outcomes] == [(Ending.FAILED, "caller_too_slow")]
    assert (house.gateway.report.slow, house.gateway.report.failed) == (1, 0)
    assert (server.cut, server.ended) == (True, False)


async def test_whoever_hangs_up_before_the_answer_is_on_record_as_cancelled() -> None:
    house = House()
    house.engine.go.clear()
    server = Server()
    visit = asyncio.create_task(server.served_by(house.gateway, head()))
    await house.engine.asked.wait()
    server.gone.set()
    await visit
    assert house.outcomes[0].ending is Ending.CANCELLED
    assert server.status == 0


@pytest.mark.parametrize(("path", "kind"), [(CHAT, "server_error"), ("/v1/messages", "overloaded_error")])
async def test_a_call_beyond_what_the_gateway_can_carry_is_turned_away_unread_unrecorded_and_counted(
    path: str, kind: str
) -> None:
    house = House()
    house.gateway.configure(replace(SNAPSHOT, capacity=Capacity(calls=1, waiting=0)))
    house.engine.go.clear()
    at_work = asyncio.create_task(house.ask())
    await house.engine.asked.wait()
    turned_away = await house.ask(path=path)
    assert (turned_away.status, turned_away.headers["retry-after"]) == (503, "1")
    assert turned_away.json["error"]["type"] == kind
    assert turned_away.read_bytes == 0
    assert (house.gateway.report.shed, house.gateway.report.failed) == (1, 0)
    house.engine.go.set()
    assert (await at_work).status == 200
    assert (await house.ask()).status == 200
    assert len(house.admissions) == 2


async def test_calls_at_work_and_waiting_are_bounded_by_the_bytes_of_their_requests_too() -> None:
    house = House()
    house.gateway.configure(replace(SNAPSHOT, capacity=Capacity(held_bytes=500)))
    house.engine.go.clear()
    at_work = asyncio.create_task(house.ask())
    await house.engine.asked.wait()
    large = {**HELLO, "messages": [{"role": "user", "content": "x" * 500}]}
    assert (await house.ask(large)).json["error"]["code"] == "overloaded"
    house.engine.go.set()
    assert (await at_work).status == 200
    assert (await house.ask(large)).status == 200  # alone it may be as large as a request may be


async def test_a_service_that_the_key_does_not_list_is_refused_and_on_record_and_reaches_no_engine() -> None:
    house = House()
    server = await house.ask(authorization="Bearer narrow")
    assert server.status == 403
    assert server.json["error"]["code"] == "policy_denied"
    assert server.json["error"]["decision_id"] == server.headers["freehold-decision"]
    assert server.headers["freehold-receipt"]
    assert (house.engine.bodies, house.outcomes) == ([], [])
    assert house.gateway.report.refused == 1


@pytest.mark.parametrize("secret", ["", "bad"])
async def test_without_a_good_key_nothing_is_read_and_nothing_recorded(secret: str) -> None:
    house = House()
    server = await house.ask(authorization=f"Bearer {secret}")
    assert (server.status, server.json["error"]["code"]) == (401, "invalid_api_key")
    assert (server.read_bytes, house.ledger.entries) == (0, [])
    assert house.gateway.report.unauthenticated == 1


async def test_a_key_over_its_rate_is_told_when_to_come_back() -> None:
    house = House()
    assert (await house.ask(authorization="Bearer slow")).status == 200
    server = await house.ask(authorization="Bearer slow")
    assert server.status == 429
    assert 1 <= int(server.headers["retry-after"]) <= 60


async def test_a_body_over_the_limit_is_refused_before_it_is_read_whole() -> None:
    house = House()
    announced = await house.ask(b"x" * 2**22, content_length=str(2**22))
    assert (announced.status, announced.read_bytes) == (413, 0)
    unannounced = await house.ask(b"x" * 2**22)
    assert unannounced.status == 413
    assert unannounced.read_bytes <= 2**20 + 65536


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_request"),
        (b"\xff\xfe", 400, "invalid_request"),
        (b"[" * 10_000 + b"]" * 10_000, 400, "invalid_request"),
        ({"model": "gpt-4o", "messages": "x"}, 400, "invalid_request"),
        ({**HELLO, "max_tokens": -1}, 400, "invalid_request"),
        ({**HELLO, "model": "unknown"}, 404, "model_not_found"),
    ],
)
async def test_what_the_caller_got_wrong_is_said_and_not_on_record(body: object, status: int, code: str) -> None:
    house = House()
    server = await house.ask(body)
    assert (server.status, server.json["error"]["code"]) == (status, code)
    assert server.json["error"]["request_id"] == server.headers["x-request-id"]
    assert house.ledger.entries == []


async def test_a_full_engine_says_when_to_come_back_and_the_call_is_on_record_as_failed() -> None:
    house = House(lambda: EngineBusy("every slot is taken", retry_after_s=11.2))
    server = await house.ask()
    assert (server.status, server.json["error"]["code"]) == (503, "engine_busy")
    assert server.headers["retry-after"] == "12"
    assert server.headers["freehold-receipt"]
    assert (house.outcomes[0].ending, house.outcomes[0].error) == (Ending.FAILED, "engine_busy")
    assert (house.gateway.report.shed, house.gateway.report.failed) == (1, 0)


async def test_the_priority_of_a_service_is_that_of_its_calls() -> None:
    house = House()
    high = replace(SNAPSHOT.services[0], priority=Priority.HIGH)
    await house.ask()
    house.gateway.configure(replace(SNAPSHOT, services=(high, *SNAPSHOT.services[1:])))
    await house.ask()
    assert house.engine.priorities == [Priority.NORMAL, Priority.HIGH]


async def test_the_report_says_how_many_calls_each_target_has() -> None:
    gateway = Gateway("gateway-1", FakeLedger(), lambda _: Engine(), load=lambda: {"local": 3})
    assert gateway.report.load == (TargetLoad(target="local", in_flight=3),)


async def test_a_bug_costs_one_call_and_says_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Answer:
        raise RuntimeError("secret detail")

    house = House(broken)
    server = await house.ask()
    assert server.status == 500
    assert "secret detail" not in server.pieces[0].decode()
    assert "secret detail" in caplog.text
    assert (house.outcomes[0].ending, house.outcomes[0].error) == (Ending.FAILED, "internal_error")


async def test_a_caller_may_raise_the_data_class_and_never_lower_it() -> None:
    house = House()
    await house.ask(freehold_data_class="restricted")
    await house.ask(freehold_data_class="public")
    classes = [admission.data_class for admission in house.admissions]
    assert classes == ["restricted", "internal"]
    assert (await house.ask(freehold_data_class="secret")).status == 400


class Dawdler(Server):
    """Whose body comes after the configuration has changed."""

    def __init__(self, gateway: Gateway, snapshot: Snapshot) -> None:
        super().__init__()
        self._gateway = gateway
        self._snapshot = snapshot

    async def read(self) -> bytes:
        self._gateway.configure(self._snapshot)
        return await super().read()


async def test_a_key_that_is_revoked_while_the_body_comes_is_good_for_nothing() -> None:
    house = House()
    server = Dawdler(house.gateway, replace(SNAPSHOT, version=8, keys=()))
    await server.served_by(house.gateway, head())
    assert (server.status, server.json["error"]["code"]) == (401, "invalid_api_key")
    assert not house.engine.bodies
    assert not house.ledger.entries


async def test_a_call_is_decided_by_what_is_in_force_when_its_body_is_there() -> None:
    house = House()
    default, other = SNAPSHOT.services
    changed = replace(SNAPSHOT, version=8, services=(replace(default, data_class=DataClass.RESTRICTED), other))
    await Dawdler(house.gateway, changed).served_by(house.gateway, head())
    (admission,) = house.admissions
    assert (admission.data_class, admission.snapshot) == ("restricted", 8)


async def test_errors_come_in_the_dialect_of_the_path() -> None:
    house = House()
    anthropic = await house.ask({"model": "nope", "max_tokens": 5, "messages": HELLO["messages"]}, "/v1/messages")
    assert anthropic.json["type"] == "error"
    assert anthropic.json["error"]["type"] == "not_found_error"
    mistral = await house.ask(b"{", user_agent="mistralai")
    assert mistral.json["object"] == "error"


async def test_models_are_listed_as_the_key_may_use_them() -> None:
    house = House()
    listed = await house.ask(path="/v1/models", method="GET")
    assert [model["id"] for model in listed.json["data"]] == ["default", "other"]
    narrow = await house.ask(path="/v1/models", method="GET", authorization="Bearer narrow")
    assert [model["id"] for model in narrow.json["data"]] == ["other"]
    assert (await house.ask(path="/v1/models/gpt-4o", method="GET")).json["id"] == "gpt-4o"
    assert (await house.ask(path="/v1/models/nope", method="GET")).status == 404
    assert (await house.ask(path="/v1/models/default", method="GET", authorization="Bearer narrow")).status == 404


async def test_unknown_paths_and_methods_are_json_errors_too() -> None:
    house = House()
    assert (await house.ask(path="/v2/nothing")).json["error"]["code"] == "unknown_endpoint"
    assert (await house.ask(method="GET")).status == 405
    assert (await house.ask(path="/v1/models")).status == 405


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/models", "/v1/models/gpt-4o"])
async def test_whatever_takes_get_takes_head(path: str) -> None:
    assert (await House().ask(path=path, method="HEAD")).status in (200, 503)
    assert (await House().ask(path=path, method="PUT")).headers["allow"] == "GET, HEAD"


async def test_a_body_that_is_compressed_is_refused_and_not_read() -> None:
    house = House()
    answer = await house.ask(**{"content-encoding": "gzip"})
    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_request")
    assert "Content-Encoding" in answer.json["error"]["message"]
    assert (await house.ask(**{"content-encoding": "identity"})).status == 200


async def test_health_needs_no_key() -> None:
    assert (await House().ask(path="/healthz", method="GET", authorization="")).json == {"status": "ok"}


async def test_before_its_first_configuration_the_gateway_serves_nobody() -> None:
    gateway = Gateway("gateway-1", FakeLedger(), lambda _: Engine())
    server = Server()
    await server.served_by(gateway, head())
    assert (server.status, server.json["error"]["code"]) == (503, "gateway_unavailable")


async def test_a_gateway_that_is_told_to_stop_lets_its_calls_finish_and_takes_no_more() -> None:
    house = House()
    house.engine.go.clear()
    server = Server()
    visit = asyncio.create_task(server.served_by(house.gateway, head()))
    await house.engine.asked.wait()
    draining = asyncio.create_task(house.gateway.drain(60))
    await asyncio.sleep(0)
    assert (await house.ask()).status == 503
    assert not draining.done()
    house.engine.go.set()
    await asyncio.gather(visit, draining)
    assert server.status == 200
