# SPDX-License-Identifier: Apache-2.0
"""Nothing of the ledger is pruned that the ledger does not say was pruned."""

from datetime import UTC, datetime

import pytest

from freehold.admin.pruning import Pruning
from freehold.admin.requests import PruneLedger
from freehold.contract.record import LedgerPosition
from freehold.errors import EstateError, InvalidRequest, LedgerUnavailable
from freehold.ledger.fake import FakeLedger
from freehold.ledger.interface import Prune

AN_INSTANT = datetime(2027, 1, 1, tzinfo=UTC)


class PrunableLedger(FakeLedger):
    """Says in ``done`` what was asked of it, in order."""

    def __init__(self, *, files: int = 4) -> None:
        super().__init__()
        self.files = files
        self.done: list[object] = []

    async def prune(self, before: int | datetime, *, dry_run: bool) -> Prune:
        self.done.append((before, dry_run))
        return Prune(was=0, minimum_index=600, before=600, root="ab" * 32, files=self.files, size_bytes=1)

    async def record_act(self, kind: str, **said: object) -> LedgerPosition:
        if self.fault:
            raise self.fault
        self.done.append((kind, said))
        return LedgerPosition(origin="fake.example/ledger", index=0)


async def test_the_act_is_on_record_before_anything_goes() -> None:
    ledger = PrunableLedger()
    told = await Pruning(ledger).prune(PruneLedger(before=AN_INSTANT), "op-1")
    act = {"subject": "600", "operator": "op-1", "digests": {"root": f"sha256:{'ab' * 32}"}}
    assert ledger.done == [(AN_INSTANT, True), ("ledger.prune", act), (600, False)]
    assert told["prune"] == {
        "was": 0,
        "minimum_index": 600,
        "before": 600,
        "root": "ab" * 32,
        "files": 4,
        "size_bytes": 1,
        "done": True,
    }


@pytest.mark.parametrize(
    ("request_", "files"), [(PruneLedger(before_index=600, dry_run=True), 4), (PruneLedger(before_index=600), 0)]
)
async def test_a_rehearsal_and_a_prune_of_nothing_are_no_acts(request_: PruneLedger, files: int) -> None:
    ledger = PrunableLedger(files=files)
    assert (await Pruning(ledger).prune(request_, "op-1"))["prune"]["done"] is False  # type: ignore[index]
    assert ledger.done == [(600, True)]


async def test_what_cannot_be_recorded_stays() -> None:
    ledger = PrunableLedger()
    ledger.fault = LedgerUnavailable("the ledger is away")
    with pytest.raises(LedgerUnavailable):
        await Pruning(ledger).prune(PruneLedger(before_index=600), "op-1")
    assert (600, False) not in ledger.done


@pytest.mark.parametrize("request_", [PruneLedger(), PruneLedger(before_index=1, before=AN_INSTANT)])
async def test_exactly_one_bound_is_named(request_: PruneLedger) -> None:
    with pytest.raises(InvalidRequest, match="exactly one"):
        await Pruning(PrunableLedger()).prune(request_, "op-1")


async def test_a_log_without_a_policy_is_not_pruned() -> None:
    with pytest.raises(EstateError, match="no retention policy"):
        await Pruning(FakeLedger()).prune(PruneLedger(before_index=0), "op-1")
