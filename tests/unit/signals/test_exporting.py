# SPDX-License-Identifier: Apache-2.0
"""The queue of spans: it is bounded, nobody waits for it, and what is lost is counted."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from freehold.errors import ContactFailed
from freehold.signals.exporting import MOST_AT_ONCE, MOST_WAITING, Exporter
from freehold.signals.span import Kind, Span

SPAN = Span(
    trace_id="1" * 32,
    span_id="1" * 16,
    parent_id="",
    name="n",
    kind=Kind.SERVER,
    began_ns=1,
    ended_ns=2,
    attributes={},
)


class Receiver:
    def __init__(self, *, works: bool = True, rejects: int = 0) -> None:
        self.batches: list[int] = []
        self.works = works
        self.rejects = rejects

    async def send(self, spans: Sequence[Span]) -> int:
        self.batches.append(len(spans))
        if not self.works:
            raise ContactFailed("nobody is there")
        return len(spans) - self.rejects


async def test_what_was_offered_goes_out_in_bounded_requests() -> None:
    receiver, fates = Receiver(), Counter[str]()
    exporter = Exporter(receiver.send, fates)
    for _ in range(MOST_AT_ONCE + 1):
        exporter.offer(SPAN)
    await exporter.flush()
    assert receiver.batches == [MOST_AT_ONCE, 1]
    assert fates["exported"] == MOST_AT_ONCE + 1


async def test_a_full_queue_drops_what_comes_and_says_so() -> None:
    receiver, fates = Receiver(), Counter[str]()
    exporter = Exporter(receiver.send, fates)
    for _ in range(MOST_WAITING + 7):
        exporter.offer(SPAN)
    assert fates["overflowed"] == 7
    await exporter.flush()
    assert fates["exported"] == MOST_WAITING


async def test_a_receiver_that_is_away_costs_one_request_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    receiver, fates = Receiver(works=False), Counter[str]()
    exporter = Exporter(receiver.send, fates)
    for _ in range(3 * MOST_AT_ONCE):
        exporter.offer(SPAN)
    await exporter.flush()
    await exporter.flush()
    assert receiver.batches == [MOST_AT_ONCE, MOST_AT_ONCE]
    assert fates["unsent"] == 2 * MOST_AT_ONCE
    assert len(caplog.records) == 1
    receiver.works = True
    await exporter.flush()
    assert fates["exported"] == MOST_AT_ONCE


async def test_what_the_receiver_rejects_is_counted() -> None:
    receiver, fates = Receiver(rejects=1), Counter[str]()
    exporter = Exporter(receiver.send, fates)
    exporter.offer(SPAN)
    exporter.offer(SPAN)
    await exporter.flush()
    assert (fates["exported"], fates["rejected"]) == (1, 1)


async def test_many_spans_are_sent_before_their_time() -> None:
    receiver, fates = Receiver(), Counter[str]()
    exporter = Exporter(receiver.send, fates, every_s=3600)
    running = asyncio.create_task(exporter.run())
    for _ in range(MOST_AT_ONCE):
        exporter.offer(SPAN)
    while not fates["exported"]:
        await asyncio.sleep(0)
    running.cancel()
    assert receiver.batches == [MOST_AT_ONCE]
