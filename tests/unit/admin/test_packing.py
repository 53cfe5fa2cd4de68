# SPDX-License-Identifier: Apache-2.0
"""A pack's manifest is signed by the estate's own key, and on record with that key before anybody has the signature."""

from pathlib import Path

import pytest

from freehold.admin.founding import found
from freehold.admin.packing import Packing
from freehold.admin.requests import SealPack
from freehold.contract.estate import Estate
from freehold.contract.record import LedgerPosition
from freehold.errors import EstateError, LedgerUnavailable
from freehold.ledger.fake import FakeLedger
from freehold.ledger.record.entry import ActEntry, read_entry
from freehold.signing.elliptic import load_elliptic_verifier
from freehold.verify.form.signature import read_signature, require_signed

MANIFEST = "ab" * 32


class SilentLedger(FakeLedger):
    """Never says that an act is on disk."""

    async def record_act(self, kind: str, **said: object) -> LedgerPosition:
        raise TimeoutError


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    estate = Estate(tmp_path / "estate")
    found(estate)
    return estate


def asked(key: str) -> SealPack:
    return SealPack(id="pack_0123456789ab", manifest=f"sha256:{MANIFEST}", key=f"sha256:{key}")


async def test_what_is_signed_is_on_record_with_the_key_that_signed_it(estate: Estate) -> None:
    ledger, key = FakeLedger(), load_elliptic_verifier(str(estate.vault_pub))
    told = (await Packing(estate, ledger).seal(asked(key.hint), "op-1"))["pack"]
    assert isinstance(told, dict)
    require_signed(read_signature(told["signature"].encode()), MANIFEST, key)
    act = read_entry(ledger.entries[0])
    assert isinstance(act, ActEntry)
    assert (act.act, act.subject, act.operator) == ("evidence.pack", "pack_0123456789ab", "op-1")
    assert act.digests == {"manifest": f"sha256:{MANIFEST}", "key": f"sha256:{key.hint}"}
    assert told["act"] == "fake.example/ledger/0"


async def test_a_pack_that_names_another_key_is_not_signed_and_not_on_record(estate: Estate) -> None:
    ledger = FakeLedger()
    with pytest.raises(EstateError, match="another key"):
        await Packing(estate, ledger).seal(asked("00" * 32), "op-1")
    assert ledger.entries == []


async def test_nobody_has_a_signature_that_is_not_on_record(estate: Estate) -> None:
    key = load_elliptic_verifier(str(estate.vault_pub))
    with pytest.raises(LedgerUnavailable, match="did not record"):
        await Packing(estate, SilentLedger()).seal(asked(key.hint), "op-1")
