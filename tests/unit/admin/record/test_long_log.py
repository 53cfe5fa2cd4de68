# SPDX-License-Identifier: Apache-2.0
"""A ledger of 100,000 entries: every question is answered whole, in as much memory as a few bundles take."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.ledger_builder import append, open_log
from tests.unit.admin.record.conftest import admitted, ended

from freehold.admin.record.accounts import count
from freehold.admin.record.entries import Bundles
from freehold.admin.record.searching import Search, wanted
from freehold.admin.requests import SearchLedger
from freehold.ledger.tree.store import LedgerFiles

ENTRIES = 100_000
MOST_BYTES = 4 * 2**20  # eight bundles of a few hundred bytes an entry, and what is read of one


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calls of seven services, one of them older than all others."""
    root = tmp_path_factory.mktemp("long")
    log = open_log(root)
    try:
        for first in range(0, ENTRIES, 5000):
            calls = range(first, first + 5000, 2)
            append(
                log,
                [
                    entry
                    for index in calls
                    for entry in (admitted(index, service=f"s{index % 7}" if index else "old"), ended(index, index))
                ],
            )
        log.publish()
    finally:
        log.close()
    return root / "ledger"


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


def test_the_oldest_call_is_found(log: Path) -> None:
    bundles = Bundles(LedgerFiles(log), ENTRIES)
    with little_memory():
        page = Search(log, bundles).page(wanted(SearchLedger(service="old")), end=ENTRIES, start=0, limit=50)
    assert ([row["index"] for row in page["entries"]], page["examined"], page["whole"]) == ([0], ENTRIES, True)  # type: ignore[attr-defined]


def test_every_call_is_counted(log: Path) -> None:
    bundles = Bundles(LedgerFiles(log), ENTRIES)
    with little_memory():
        found = count(bundles, 0, ENTRIES)
    assert (found.examined, found.calls, found.open_calls) == (ENTRIES, ENTRIES // 2, 0)
    assert sum(total.calls for total in found.flows.values()) == ENTRIES // 2
