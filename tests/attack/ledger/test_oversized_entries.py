# SPDX-License-Identifier: Apache-2.0
"""65,535 bytes is what the length of an entry can say: at that the log holds it, above it nobody takes it for one."""

import json
from pathlib import Path

import pytest
from tests.attack.ledger.signing_by_hand import OWN
from tests.ledger_builder import DAY, KEY, admission_bytes, open_log, salt_of
from tests.oracle.notes import read_key
from tests.oracle.tiles import read_log

from freehold.errors import VerificationFailed
from freehold.ledger.check.issuing import receipt_for
from freehold.ledger.check.receipt import check_receipt
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.tree.bundle import join_entries
from freehold.ledger.writing.log import NewEntry

LIMIT = 65_535
_SHORT = admission_bytes("call-")
AT_THE_LIMIT = admission_bytes("call-").replace(b'"call-"', b'"call-%s"' % (b"a" * (LIMIT - len(_SHORT))))


def test_an_entry_at_the_limit_is_kept_and_proved(tmp_path: Path) -> None:
    assert len(AT_THE_LIMIT) == LIMIT
    log = open_log(tmp_path)
    log.append([NewEntry(AT_THE_LIMIT, salt_of(1))] * 2, DAY)
    log.publish()
    log.close()
    assert verify_ledger(tmp_path / "ledger", KEY.vkey).size == 2
    assert read_log(tmp_path / "ledger", [read_key(KEY.vkey)]).entries[1] == AT_THE_LIMIT
    receipt = receipt_for(tmp_path / "ledger", KEY.name, 1)
    assert json.loads(receipt)["admission"]["entry"].encode() == AT_THE_LIMIT
    assert check_receipt(receipt, OWN.vkey).admission


def test_an_entry_above_the_limit_is_no_entry_and_nothing_of_its_group_is_written(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(ValueError, match="65536 bytes is over the limit of 65535"):
        log.append([NewEntry(_SHORT, salt_of(0)), NewEntry(AT_THE_LIMIT + b" ")], DAY)
    assert log.size == 0
    log.close()
    assert (tmp_path / "ledger" / "journal").read_bytes() == b""


def test_a_receipt_of_an_entry_above_the_limit_is_refused() -> None:
    asset = Path(__file__).parent / "assets" / "receipts" / "entry-over-the-limit.json"
    with pytest.raises(VerificationFailed, match="expected at most 65535"):
        check_receipt(asset.read_bytes(), OWN.vkey)


def test_a_length_cannot_say_more() -> None:
    assert join_entries([AT_THE_LIMIT])[:2] == b"\xff\xff"
