# SPDX-License-Identifier: Apache-2.0
"""A gateway whose service has several targets: what calls teach it, what the estate decides, and what it reports."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.law_builder import law, operator
from tests.unit.api.test_gateway import CHAT, HELLO, STREAM, WHOLE, Answer, Server, chunk, events, head, key

from freehold.api.gateway import Gateway
from freehold.contract.backend import BackendKind, EngineStatus, Model, Service, Target
from freehold.contract.call import DataClass
from freehold.contract.decision import Decision
from freehold.contract.endpoint import Prefill
from freehold.contract.record import Ending
from freehold.contract.snapshot import Snapshot
from freehold.contract.standing import Standing, TargetState
from freehold.dialect.interface import Backend, Event, Foreign, Upstream, Wire
from freehold.errors import FreeholdError, ProviderBroke, ProviderBusy, ProviderRefused, ProviderUnavailable
from freehold.ledger.fake import FakeLedger
from freehold.ledger.record.entry import AdmissionEntry, OutcomeEntry, read_entry
from freehold.relay import Run, Running

DOWN = ProviderUnavailable("down")
GONE = ProviderRefused("no such model", status=404)
LEGAL = ProviderRefused("region", status=403, legal=True)
FOREIGN = Foreign(preferred=Wire.CHAT, prefill=Prefill.TEXT, answer_tokens=100)


def target(name: str, provider: str = "") -> Target:
    return Target(
        name=name,
        kind=BackendKind.PROVIDER if provider else BackendKind.ENGINE,
        model=Model(name=f"model-{name}", digest=""),
        operator=provider or "self",
        authorities=("FR",) if provider else (),
    )


def standing(name: str, state: TargetState = TargetState.WITHDRAWN, **more: Any) -> Standing:
    return Standing(target=name, state=state, since_unix=1.0, **more)


SNAPSHOT = Snapshot(
    version=1,
    services=(
        Service(name="default", data_class=DataClass.INTERNAL, targets=("one", "two", "local"), aliases=("gpt-*",)),
        Service(name="sole", data_class=DataClass.PUBLIC, targets=("one",)),
    ),
    targets=(target("one", "paris"), target("two", "paris"), target("local")),
    keys=(key("good"), key("second")),
    law=law("open", facts=(operator("paris", "FR"),)),
    max_body_bytes=2**20,
)


@dataclass
class Targets:
    """Backends that answer, or fail, as told; and which of them were asked."""

    problems: dict[str, FreeholdError] = field(default_factory=dict)
    streams: dict[str, AsyncIterator[Event]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    running: Running = field(default_factory=Running)
    hold: asyncio.Event | None = None

    def status(self, target: str) -> EngineStatus | None:
        return None

    async def ready(self, target: str) -> Backend:
        foreign = None if target == "local" else FOREIGN
        return Backend(model="m", wires=frozenset({Wire.CHAT}), context_tokens=100, tools=False, foreign=foreign)

    def open(self, target: str, upstream: Upstream, decision: Decision) -> Run:
        return self.running.run(target, self._opened(target, upstream), stream=upstream.stream)

    @asynccontextmanager
    async def _opened(self, target: str, upstream: Upstream) -> AsyncIterator[Answer]:
        self.asked.append(target)
        self.bodies.append(upstream.body)
        if target in self.problems:
            raise self.problems[target]
        if self.hold:
            await self.hold.wait()
        stream = self.streams.pop(target, None) or events(*STREAM)
        yield Answer(body=WHOLE, events=stream)

    def cut(self, target: str) -> None:
        self.running.cut(target)


class House:
    """A gateway over such targets."""

    def __init__(self) -> None:
        self.ledger = FakeLedger()
        self.targets = Targets()
        self.gateway = Gateway("gateway-1", self.ledger, lambda _: self.targets)
        self.version = 0
        self.configure()

    def configure(self, *standings: Standing) -> None:
        self.version += 1
        self.gateway.configure(replace(SNAPSHOT, version=self.version, standings=standings))

    async def ask(self, *, by: str = "good", **more: Any) -> Server:
        server = Server({**HELLO, **more})
        await server.served_by(self.gateway, head("POST", CHAT, {"authorization": f"Bearer {by}"}))
        return server

    def tell(self) -> Any:
        """A report on its way."""
        self.gateway.news.clear()
        report = self.gateway.report
        self.gateway.reported(report)
        return report

    @property
    def admissions(self) -> Iterator[AdmissionEntry]:
        return (entry for entry in map(read_entry, self.ledger.entries) if isinstance(entry, AdmissionEntry))

    @property
    def outcomes(self) -> list[OutcomeEntry]:
        return [entry for entry in map(read_entry, self.ledger.entries) if isinstance(entry, OutcomeEntry)]


async def test_a_target_that_fails_again_and_again_is_degraded_and_reported_at_once() -> None:
    house = House()
    house.targets.problems["one"] = DOWN
    for _ in range(3):
        assert (await house.ask()).headers["freehold-target"] == "two"
    assert house.gateway.news.is_set()
    house.targets.asked.clear()
    await house.ask()
    assert house.targets.asked == ["two"]
    report = house.tell()
    (outage,) = report.outages
    assert (outage.target, outage.error, outage.faults) == ("one", "provider_unavailable", 3)
    assert report.failovers == 3
    assert not house.gateway.news.is_set()
    assert house.tell().outages == report.outages  # for as long as it lasts


async def test_better_an_attempt_at_a_degraded_target_than_none() -> None:
    house = House()
    house.targets.problems = {"one": DOWN, "two": DOWN, "local": DOWN}
    for _ in range(4):
        assert (await house.ask()).status == 503
    house.targets.problems.clear()
    assert (await house.ask()).status == 200


async def test_a_refusal_that_looks_like_a_withdrawal_is_reported_at_once_with_whose_call_it_was() -> None:
    house = House()
    house.targets.problems["one"] = GONE
    await house.ask()
    await house.ask(by="second")
    assert house.gateway.news.is_set()
    report = house.tell()
    assert [(found.target, found.key_id, found.status, found.legal) for found in report.evidence] == [
        ("one", "key_good", 404, False),
        ("one", "key_second", 404, False),
    ]
    assert report.answered == ("two",)
    assert house.tell().evidence == ()


async def test_what_answered_before_a_sibling_was_refused_says_nothing_of_it() -> None:
    house = House()
    house.targets.problems["one"] = GONE
    house.targets.problems["two"] = GONE
    await house.ask()
    assert house.tell().answered == ("local",)
    house.targets.problems.clear()
    await house.ask()
    house.targets.problems = {"one": GONE, "two": DOWN}
    await house.ask()
    report = house.tell()
    assert (report.evidence[0].target, report.answered) == ("one", ("local",))


async def test_a_target_that_alone_is_refused_while_its_sibling_answers_is_no_outage() -> None:
    house = House()
    house.targets.problems["one"] = GONE
    for _ in range(10):
        await house.ask()
    assert house.tell().outages == ()


async def test_a_provider_that_refuses_everything_is_an_outage() -> None:
    house = House()
    refused = ProviderRefused("key", status=403)
    house.targets.problems = {"one": refused, "two": refused}
    for _ in range(3):
        assert (await house.ask()).headers["freehold-target"] == "local"
    assert [outage.target for outage in house.tell().outages] == ["one", "two"]


async def test_a_legal_reason_is_evidence_and_never_an_outage() -> None:
    house = House()
    house.targets.problems = {"one": LEGAL, "two": LEGAL}
    for _ in range(10):
        await house.ask()
    report = house.tell()
    assert {(found.target, found.legal) for found in report.evidence} == {("one", True), ("two", True)}
    assert report.outages == ()


@pytest.mark.parametrize("problem", [DOWN, ProviderBusy("full"), ProviderRefused("key", status=401)])
async def test_an_outage_is_no_evidence(problem: FreeholdError) -> None:
    house = House()
    house.targets.problems["one"] = problem
    await house.ask()
    assert house.tell().evidence == ()


async def test_a_report_is_bounded_however_often_a_key_is_refused() -> None:
    house = House()
    house.targets.problems["one"] = GONE
    for _ in range(50):
        await house.ask()
    assert len(house.tell().evidence) == 1


async def test_what_was_found_while_a_report_was_on_its_way_is_in_the_next() -> None:
    house = House()
    house.targets.problems["one"] = GONE
    await house.ask()
    report = house.gateway.report
    await house.ask(by="second")
    house.gateway.reported(report)
    assert [found.key_id for found in house.tell().evidence] == ["key_second"]


@pytest.mark.parametrize("state", [TargetState.SUSPECTED, TargetState.WITHDRAWN, TargetState.RETIRED])
async def test_a_target_that_is_not_active_by_the_estates_decision_is_never_tried(state: TargetState) -> None:
    house = House()
    house.configure(standing("one", state))
    house.targets.problems = {"two": DOWN, "local": DOWN}
    for _ in range(5):
        assert (await house.ask()).status == 503
    assert "one" not in house.targets.asked


async def test_where_every_target_is_withdrawn_the_caller_is_told_what_may_be_told() -> None:
    house = House()
    told = "order 7 of the authority"
    house.configure(standing("one", told=told), standing("two", told=told), standing("local", told=told))
    server = await house.ask()
    assert (server.status, server.json["error"]["code"]) == (503, "no_target")
    assert f"withdrawn: {told}" in server.json["error"]["message"]
    assert int(server.headers["retry-after"]) >= 1
    assert [(outcome.ending, outcome.error) for outcome in house.outcomes] == [(Ending.FAILED, "no_target")]


@pytest.mark.parametrize(
    "standings",
    [
        (standing("one"), standing("two"), standing("local")),
        (standing("one", TargetState.SUSPECTED, told="x"), standing("two"), standing("local")),
    ],
)
async def test_what_callers_are_not_to_be_told_they_are_not(standings: tuple[Standing, ...]) -> None:
    house = House()
    house.configure(*standings)
    assert (await house.ask()).json["error"]["message"].startswith("no target is fit to answer")


async def test_a_withdrawal_that_cuts_moves_a_running_stream_to_the_next_target() -> None:
    house = House()
    said, go = asyncio.Event(), asyncio.Event()

    async def lasting() -> AsyncIterator[Event]:
        async for event in events(*STREAM[:2]):
            yield event
        said.set()
        await go.wait()

    house.targets.streams["one"] = lasting()
    asking = asyncio.ensure_future(house.ask(stream=True))
    await said.wait()
    house.configure(standing("one"))
    await asyncio.sleep(0)
    assert not asking.done()  # it may finish
    house.configure(standing("one", cuts=True))
    server = await asking
    assert house.targets.asked == ["one", "two"]
    assert b"error" not in b"".join(server.pieces)
    (outcome,) = house.outcomes
    assert (outcome.ending, outcome.target) == (Ending.CONTINUED, "two")
    report = house.tell()
    assert (report.seams, report.outages) == (1, ())


async def test_a_withdrawal_that_cuts_moves_a_call_that_has_not_begun() -> None:
    house = House()
    house.targets.hold = asyncio.Event()
    asking = asyncio.ensure_future(house.ask())
    while not house.targets.asked:
        await asyncio.sleep(0)
    house.configure(standing("one", cuts=True))
    while house.targets.asked != ["one", "two"]:
        await asyncio.sleep(0)
    house.targets.hold.set()
    assert (await asking).headers["freehold-target"] == "two"
    assert house.tell().failovers == 1


async def test_an_engine_that_was_withdrawn_gets_no_other_turn() -> None:
    house = House()
    house.configure(standing("one"), standing("two"))
    said = asyncio.Event()

    async def lasting() -> AsyncIterator[Event]:
        async for event in events(*STREAM[:2]):
            yield event
        said.set()
        await asyncio.Event().wait()

    house.targets.streams["local"] = lasting()
    asking = asyncio.ensure_future(house.ask(stream=True))
    await said.wait()
    house.configure(standing("one"), standing("two"), standing("local", cuts=True))
    server = await asking
    assert house.targets.asked == ["local"]
    assert json.loads(server.pieces[-1].removeprefix(b"data: "))["error"]["code"] == "backend_failed"


async def test_a_call_that_waits_for_the_ledger_meanwhile_does_not_reach_a_target_that_was_withdrawn() -> None:
    house = House()
    house.ledger.held = True
    asking = asyncio.ensure_future(house.ask())
    for _ in range(10):
        await asyncio.sleep(0)
    house.configure(standing("one"))
    house.ledger.release()
    assert (await asking).headers["freehold-target"] == "two"
    assert house.targets.asked == ["two"]


async def test_a_call_that_waits_for_the_ledger_meanwhile_is_as_confidential_as_its_service_has_become() -> None:
    house = House()
    house.ledger.held = True
    asking = asyncio.ensure_future(house.ask())
    for _ in range(10):
        await asyncio.sleep(0)
    default, *others = SNAPSHOT.services
    restricted = replace(default, data_class=DataClass.RESTRICTED)
    house.gateway.configure(replace(SNAPSHOT, version=2, services=(restricted, *others)))
    house.ledger.release()
    assert (await asking).headers["freehold-target"] == "local"
    assert house.targets.asked == ["local"]


async def test_a_target_that_is_restored_comes_back_afresh() -> None:
    house = House()
    house.targets.problems["one"] = DOWN
    for _ in range(3):
        await house.ask()
    house.targets.problems.clear()
    house.configure(standing("one"))
    house.configure()
    assert (await house.ask()).headers["freehold-target"] == "one"


async def test_a_stream_that_breaks_off_again_and_again_degrades_its_target() -> None:
    house = House()
    for _ in range(3):
        house.targets.streams["one"] = events(chunk(content="a"), fault=ProviderBroke("cut"))
        await house.ask(stream=True)
    assert [outage.target for outage in house.tell().outages] == ["one"]
    assert house.tell().seams == 3


async def test_a_canary_is_decided_and_recorded_and_tries_the_one_target() -> None:
    house = House()
    await house.gateway.try_target("two")
    assert house.targets.asked == ["two"]
    (admission,) = house.admissions
    assert (admission.key, admission.service, admission.data_class) == ("canary", "default", "public")
    assert [(outcome.ending, outcome.target) for outcome in house.outcomes] == [(Ending.COMPLETE, "two")]
    assert house.gateway.news.is_set()
    assert house.tell().answered == ("two",)


async def test_a_canary_that_is_refused_is_evidence_and_goes_nowhere_else() -> None:
    house = House()
    house.targets.problems["one"] = GONE
    await house.gateway.try_target("one")
    assert house.targets.asked == ["one"]
    assert [(found.target, found.key_id) for found in house.tell().evidence] == [("one", "canary")]
    assert next(house.admissions).service == "sole"  # of those that have the target the least sensitive


async def test_a_canary_is_not_sent_where_policy_forbids_it_and_that_is_on_record() -> None:
    house = House()
    house.gateway.configure(replace(SNAPSHOT, version=9, law=law("owned-only", facts=(operator("paris", "FR"),))))
    await house.gateway.try_target("one")
    assert house.targets.asked == []
    assert next(house.admissions).effect == "refuse"


@pytest.mark.parametrize("state", [TargetState.SUSPECTED, TargetState.WITHDRAWN, TargetState.RETIRED])
async def test_a_canary_never_tries_what_the_estate_took_away(state: TargetState) -> None:
    house = House()
    house.configure(standing("one", state))
    await house.gateway.try_target("one")
    await house.gateway.try_target("unknown")
    assert house.targets.asked == []


async def test_a_canary_says_little_and_asks_for_little() -> None:
    house = House()
    await house.gateway.try_target("local")
    body = json.loads(house.targets.bodies[0])
    assert body["max_tokens"] == 16
    assert len(body["messages"]) == 1
