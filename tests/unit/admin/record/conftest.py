# SPDX-License-Identifier: Apache-2.0
"""An estate whose ledger has entries, as the ledger's process would have written them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests import ledger_builder
from tests.ledger_builder import AT, KEY

from freehold.admin.operations import Operations
from freehold.contract.estate import Estate
from freehold.contract.record import Ending, Outcome, Seam, SeamKind
from freehold.ledger import compose

Write = Callable[[Sequence[bytes]], None]


def admitted(
    number: int, *, service: str = "support", key: str = "key_1", allowed: bool = True, after_s: float = 0.0
) -> bytes:
    call = replace(ledger_builder.call(f"call_{number}"), service=service, key_id=key)
    decision = replace(ledger_builder.decision(allowed=allowed), id=f"dec_{number}")
    return compose.admission(
        call,
        decision,
        targets=ledger_builder.TARGETS,
        snapshot_version=7,
        request_commitment="ef" * 32,
        at_utc=AT + timedelta(seconds=after_s),
    )


def ended(
    admission: int, number: int, *, target: str = "local", ending: Ending = Ending.COMPLETE, after_s: float = 0.0
) -> bytes:
    told = replace(ledger_builder.outcome(f"call_{number}", ending), target=target)
    return compose.outcome(told, admission, at_utc=AT + timedelta(seconds=after_s))


def continued(admission: int, number: int) -> bytes:
    seam = Seam(left="claude", taken_by="local", kind=SeamKind.CONTINUED, error="provider_failed", at_bytes=5)
    told: Outcome = replace(ledger_builder.outcome(f"call_{number}", Ending.CONTINUED), seams=(seam,))
    return compose.outcome(told, admission, at_utc=AT)


def acted(kind: str = "key.create", subject: str = "key_1", *, after_s: float = 0.0) -> bytes:
    at_utc = AT + timedelta(seconds=after_s)
    return compose.act(id=f"act_{after_s:g}", kind=kind, subject=subject, operator="op_1", digests={}, at_utc=at_utc)


@pytest.fixture
def write(estate: Estate) -> Write:
    """Makes the estate's ledger one of these entries, published."""

    def write(entries: Sequence[bytes]) -> None:
        ledger_builder.write_log(estate.directory, entries)
        estate.ledger_vkey.write_text(f"{KEY.vkey}\n", encoding="utf-8")

    return write


@pytest.fixture
async def up(operations: Operations) -> Operations:
    await operations.start()
    return operations
