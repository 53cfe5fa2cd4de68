# SPDX-License-Identifier: Apache-2.0
"""What the detector of personal data costs a call: from its fields to its class, by way of the detector's process.

Run it alone: ``python -m bench.detector``. The prompts hold none, so that they are read to the end; one that does costs
less. The time is the call's own: other calls do not wait for it.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import uvloop
from bench.memory import pss_by_process
from bench.report import Row

from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.snapshot import Snapshot
from freehold.policy.detect import Detection, Reader

_SENTENCE = (
    "On 12 March 2026 the committee read order 4711-22 over EUR 1.234,56 once more; see section 4.2 of build 20260312 "
    "(id 550e8400-e29b-41d4-a716-446655440000), and nobody objected to what the lighthouse keeper had asked for. "
)
_SIZES_KB = (1, 8, 64)
_ROUNDS = 50
_SNAPSHOT = Snapshot(version=1, detector="identifiers")
_CALL = Call(
    id="call_01939f2c8a6e5b1d4c3f2a9e8d7c",
    dialect=Dialect.OPENAI,
    operation=Operation.CHAT,
    asked="",
    service="",
    key_id="key_1",
    data_class=DataClass.INTERNAL,
    stream=False,
    body=b"",
)


def detector(*, added_ms: float) -> Iterator[Row]:
    """For each size its time, and the share of it in what the gateway then adds to a call; ``added_ms`` is the rest."""
    samples, memory_bytes = uvloop.run(_measured())
    for size_kb, times_us in samples.items():
        cost_us = median(times_us)
        yield Row(name=f"the detector, a prompt of {size_kb} KB", value=cost_us, unit="us", samples=times_us)
        yield Row(
            name=f"its share of the gateway's time, a prompt of {size_kb} KB",
            value=cost_us / (cost_us + max(added_ms, 0) * 1000),
            unit="",
        )
    yield Row(name="memory (PSS) of the detector", value=memory_bytes / 1e6, unit="MB")


async def _measured() -> tuple[dict[int, list[float]], int]:
    before = _children()
    reader = Reader()
    detection = Detection(reader)
    detection.configure(_SNAPSHOT)
    await detection.raised(_CALL, _prompt(1), _SNAPSHOT)  # its process is up, and its libraries are loaded
    samples = {size_kb: [await _time_us(detection, size_kb) for _ in range(_ROUNDS)] for size_kb in _SIZES_KB}
    (child,) = _children() - before
    sizes = pss_by_process({"detector": child})
    await reader.aclose()
    return samples, sizes["detector"]


def _children() -> set[int]:
    return {int(child) for child in Path("/proc/thread-self/children").read_text().split()}


async def _time_us(detection: Detection, size_kb: int) -> float:
    fields = _prompt(size_kb)
    begun = time.perf_counter_ns()
    call = await detection.raised(_CALL, fields, _SNAPSHOT)
    taken = time.perf_counter_ns() - begun
    if call.data_class is not DataClass.INTERNAL:
        raise RuntimeError(f"the detector did not read the prompt, or found what is not there: {detection.counts}")
    return taken / 1000


def _prompt(size_kb: int) -> dict[str, object]:
    text = (_SENTENCE * (size_kb * 1024 // len(_SENTENCE) + 1))[: size_kb * 1024]
    return {"model": "default", "messages": [{"role": "user", "content": text}], "max_tokens": 64}


def main() -> None:
    """Print the times alone."""
    for row in detector(added_ms=0.0):
        if row.unit:
            print(f"{row.name}: {row.value:.0f} {row.unit}")


if __name__ == "__main__":
    main()
