# SPDX-License-Identifier: Apache-2.0
"""make bench: the numbers that Freehold promises, measured on this machine against an estate made for it.

Each is a ratio or a difference taken in one run, or a size, so that it means the same on another machine. A number that
misses its target is shown as missed and fails nothing: the machine may be busy, and tests that time things lie.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import continuity, ledger
from bench.detector import detector
from bench.estate import BenchEstate
from bench.measures import added_first_token, memory, throughput, up_to_first_token, wake_to_first_token
from bench.report import Row, show, write

_OUT = Path(__file__).parent / "out"


def main() -> None:
    """Make an estate, measure it, print a table, write bench/out/latest.json, and leave nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a result")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the estate is stopped on this way out as well
    quick = parser.parse_args().quick
    rounds = 3 if quick else 15
    with tempfile.TemporaryDirectory(prefix="freehold-bench-") as directory, BenchEstate(Path(directory)) as estate:
        estate.up()
        facts = estate.facts()
        rows = []
        for row in _measure(estate, rounds=rounds, slots=facts.slots):
            _tell(row)
            rows.append(row)
    with continuity.scene() as scene:
        for row in continuity.measure(scene, rounds=rounds):
            _tell(row)
            rows.append(row)
    with tempfile.TemporaryDirectory(prefix="freehold-ledger-") as directory:
        for row in ledger.measure(Path(directory), quick=quick):
            _tell(row)
            rows.append(row)
    print(f"\n{show(rows, facts)}\n\nWritten to {write(rows, facts, _OUT)}")


def _tell(row: Row) -> None:
    print(f"{row.name}: {row.value:.3f} {row.unit}".rstrip(), file=sys.stderr, flush=True)


def _measure(estate: BenchEstate, *, rounds: int, slots: int) -> Iterator[Row]:
    """In an order that leaves the estate as the next measure needs it: what restarts it comes last."""
    yield throughput(estate, rounds=rounds, streams=1)
    if slots > 1:
        yield throughput(estate, rounds=rounds, streams=slots)
    yield (added := added_first_token(estate, rounds=rounds * 4))
    yield from detector(added_ms=added.value)
    yield from memory(estate)
    yield up_to_first_token(estate, rounds=3)
    yield wake_to_first_token(estate, rounds=3)


if __name__ == "__main__":
    main()
