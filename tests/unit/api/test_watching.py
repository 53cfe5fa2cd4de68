# SPDX-License-Identifier: Apache-2.0
"""What a gateway takes note of, by real calls through it: measures, traces, lines in the log; and never content."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.law_builder import law, operator
from tests.unit.api.test_gateway import CHAT, HELLO, STREAM, Server, events, head, key
from tests.unit.api.test_standings import DOWN, SNAPSHOT, House

from freehold.api.gateway import Gateway
from freehold.api.tracing import Tracer
from freehold.api.watching import Watch
from freehold.contract.signals import Signals, Tracing
from freehold.errors import ProviderBroke
from freehold.signals import semconv
from freehold.signals.catalogue import COUNTED, NOW
from freehold.signals.span import Kind, Span

CANARY = "kanarienvogel"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACING = Tracing(url="http://127.0.0.1:4318", takes_parent=True)


class Collected:
    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.closed = False

    async def send(self, spans: Sequence[Span]) -> int:
        self.spans += spans
        return len(spans)

    async def close(self) -> None:
        self.closed = True


class Watched(House):
    """The house with several targets, watched."""

    def __init__(self, signals: Signals | None = None) -> None:
        self.collected = Collected()
        self.watch = Watch(Tracer(lambda _: self.collected))
        self.signals = signals or Signals()
        super().__init__()
        self.gateway = Gateway("gateway-1", self.ledger, lambda _: self.targets, watch=self.watch)
        self.gateway.configure(replace(SNAPSHOT, signals=self.signals))

    async def ask(self, *, by: str = "good", headers: Mapping[str, str] | None = None, **more: Any) -> Server:
        server = Server({**HELLO, **more})
        sent = {"authorization": f"Bearer {by}", **(headers or {})}
        await server.served_by(self.gateway, head("POST", CHAT, sent))
        return server

    def counted(self) -> dict[tuple[str, ...], float]:
        """Each series by its metric and labels; of a histogram how many there were."""
        return {
            (series.metric, *series.labels): sum(series.values[:-1]) if len(series.values) > 1 else series.values[0]
            for series in self.gateway.measured.counted
        }

    async def traced(self) -> list[Span]:
        await self.watch.close()
        return self.collected.spans


async def test_a_call_is_counted_for_whoever_answered() -> None:
    house = Watched()
    assert house.counted()["freehold_calls", "default", "one", "complete"] == 0
    await house.ask()
    await house.ask(stream=True)
    found = house.counted()
    assert found["freehold_calls", "default", "one", "complete"] == 2
    assert found["freehold_call_duration_seconds", "default", "one"] == 2
    assert found["freehold_time_to_first_token_seconds", "default", "one"] == 1
    assert found["freehold_inter_token_seconds", "default", "one"] >= 1
    assert found["freehold_tokens", "default", "one", "output"] > 0
    assert found["freehold_requests",] == 2


async def test_failovers_and_faults_name_the_target_that_failed() -> None:
    house = Watched()
    house.targets.problems["one"] = DOWN
    await house.ask()
    found = house.counted()
    assert found["freehold_failovers", "default", "one"] == 1
    assert found["freehold_target_faults", "one", "provider_unavailable"] == 1
    assert found["freehold_calls", "default", "two", "complete"] == 1


async def test_a_seam_names_the_target_that_broke_off() -> None:
    house = Watched()
    house.targets.streams["one"] = events(*STREAM[:2], fault=ProviderBroke("cut"))
    await house.ask(stream=True)
    found = house.counted()
    assert found["freehold_seams", "default", "one", "continued"] == 1
    assert found["freehold_calls", "default", "two", "continued"] == 1


async def test_a_call_that_nobody_answered_is_a_failure_of_its_service() -> None:
    house = Watched()
    house.targets.problems |= {"one": DOWN, "two": DOWN, "local": DOWN}
    await house.ask()
    found = house.counted()
    assert found["freehold_calls", "default", "", "failed"] == 1
    assert found["freehold_problems", "provider_unavailable"] == 1
    assert not [name for name in found if name[0] == "freehold_failovers"]


async def test_a_refusal_is_counted_by_the_rules_that_refused() -> None:
    house = Watched()
    house.gateway.configure(replace(SNAPSHOT, law=law("owned-only", facts=(operator("paris", "FR"),))))
    assert (await house.ask(model="sole")).status == 403
    found = house.counted()
    assert found["freehold_calls", "sole", "", "refused"] == 1
    assert [name for name in found if name[:2] == ("freehold_refusals", "sole")]
    assert found["freehold_problems", "policy_denied"] == 1


async def test_every_series_is_of_the_catalogue_with_its_labels_and_buckets() -> None:
    house = Watched()
    house.targets.problems["one"] = DOWN
    await house.ask(stream=True)
    await house.ask(by="nobody")
    measured = house.gateway.measured
    for series in (*measured.counted, *measured.now):
        metric = {**COUNTED, **NOW}[series.metric]
        assert len(series.labels) == len(metric.labels)
        assert len(series.values) == (len(metric.bounds_s) + 2 if metric.bounds_s else 1)


async def test_where_metrics_are_off_nothing_is_measured() -> None:
    house = Watched(Signals(metrics=False))
    await house.ask(stream=True)
    assert set(house.counted()) == {("freehold_requests",)}


@pytest.mark.parametrize("special", [{"drill": "drill_1"}, {"pins_target": True}])
async def test_the_estates_own_calls_are_not_taken_note_of(special: dict[str, Any]) -> None:
    house = Watched(Signals(tracing=TRACING))
    own = replace(key("good"), **special)
    house.gateway.configure(replace(SNAPSHOT, keys=(own,), signals=house.signals))
    await house.ask()
    assert house.counted()["freehold_calls", "default", "one", "complete"] == 0
    assert not await house.traced()


async def test_a_call_is_a_span_of_ours_and_one_of_whoever_answered() -> None:
    house = Watched(Signals(tracing=TRACING))
    house.targets.problems["one"] = DOWN
    server = await house.ask(stream=True)
    served, asked = await house.traced()
    assert (served.kind, asked.kind) == (Kind.SERVER, Kind.CLIENT)
    assert (served.name, asked.name) == ("chat default", "chat model-two")
    assert asked.parent_id == served.span_id
    assert served.attributes[semconv.DECISION] == server.headers["freehold-decision"]
    assert served.attributes[semconv.RECEIPT] == server.headers["freehold-receipt"]
    assert [happening.attributes for happening in served.happened] == [
        {semconv.TARGET: "one", semconv.ERROR_TYPE: "provider_unavailable"}
    ]
    assert asked.attributes[semconv.PROVIDER] == "paris"
    assert asked.attributes[semconv.OUTPUT_TOKENS] == house.outcomes[0].output_tokens > 0
    assert served.began_ns <= asked.began_ns <= asked.ended_ns == served.ended_ns
    assert house.collected.closed


async def test_a_refused_call_has_a_span_that_says_so() -> None:
    house = Watched()
    refusing = law("owned-only", facts=(operator("paris", "FR"),))
    house.gateway.configure(replace(SNAPSHOT, law=refusing, signals=Signals(tracing=TRACING)))
    await house.ask(model="sole")
    (served,) = await house.traced()
    assert (served.error, served.attributes[semconv.ENDING]) == ("policy_denied", "refused")


async def test_the_callers_trace_goes_on_where_it_is_believed() -> None:
    house = Watched(Signals(tracing=TRACING))
    await house.ask(headers={"traceparent": PARENT})
    served, _ = await house.traced()
    assert (served.trace_id, served.parent_id) == (PARENT.split("-")[1], PARENT.split("-")[2])


async def test_a_trace_that_its_caller_does_not_sample_is_not_sent() -> None:
    house = Watched(Signals(tracing=TRACING))
    await house.ask(headers={"traceparent": PARENT[:-2] + "00"})
    assert not await house.traced()


async def test_without_trust_a_callers_trace_is_not_looked_at() -> None:
    house = Watched(Signals(tracing=replace(TRACING, takes_parent=False)))
    await house.ask(headers={"traceparent": PARENT})
    served, _ = await house.traced()
    assert served.trace_id != PARENT.split("-")[1]
    assert not served.parent_id


async def test_of_a_share_of_nothing_nothing_is_traced() -> None:
    house = Watched(Signals(tracing=replace(TRACING, share=0.0)))
    await house.ask()
    assert not await house.traced()


async def test_a_call_that_is_over_leaves_nothing_behind() -> None:
    tracer = Tracer(lambda _: Collected())
    house = Watched(Signals(tracing=TRACING))
    house.watch = Watch(tracer)
    house.gateway = Gateway("gateway-1", house.ledger, lambda _: house.targets, watch=house.watch)
    house.gateway.configure(replace(SNAPSHOT, signals=house.signals))
    for body in ({}, {"stream": True}, {"model": "nobody"}, {"messages": 5}):
        await house.ask(**body)
    await house.ask(by="nobody")
    assert not tracer._under_way
    await tracer.close()


async def test_a_line_of_the_log_has_the_ids_of_the_call(caplog: pytest.LogCaptureFixture) -> None:
    house = Watched(Signals(log_calls=True))
    with caplog.at_level(logging.INFO, logger="freehold.calls"):
        server = await house.ask(stream=True)
    (record,) = [record for record in caplog.records if record.name == "freehold.calls"]
    fields = record.__dict__["fields"]
    assert fields["request_id"] == server.headers["x-request-id"]
    assert fields["decision_id"] == server.headers["freehold-decision"]
    assert (fields["service"], fields["target"], fields["ending"]) == ("default", "one", "complete")


async def test_nothing_that_a_caller_wrote_is_in_any_of_it(caplog: pytest.LogCaptureFixture) -> None:
    house = Watched(Signals(tracing=TRACING, log_calls=True))
    hello: dict[str, Any] = {
        **HELLO,
        "messages": [{"role": "user", "content": CANARY}],
        "model": f"gpt-{CANARY}",
        "user": CANARY,
    }
    with caplog.at_level(logging.DEBUG):
        await house.ask(**hello)
        await house.ask(**hello, headers={"tracestate": CANARY, "user-agent": CANARY, "traceparent": CANARY})
        await house.ask(model=CANARY)
        await house.ask(by=CANARY)
    spans = await house.traced()
    assert spans
    told = [repr(house.gateway.measured), repr(spans), *(repr(record.__dict__) for record in caplog.records)]
    assert not [one for one in told if CANARY in one]
