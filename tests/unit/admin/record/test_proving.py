# SPDX-License-Identifier: Apache-2.0
import base64
import json
from typing import Any

import pytest
from tests.ledger_builder import KEY, ORIGIN
from tests.unit.admin.record.conftest import Write, acted, admitted, ended

from freehold.admin.operations import Operations
from freehold.admin.requests import ByIndex, ByPath, Nothing, TakeReceipt
from freehold.contract.estate import Estate
from freehold.errors import NotFound, VerificationFailed
from freehold.ledger.check.receipt import check_receipt, check_tlog_proof
from freehold.ledger.tree.checkpoint import open_checkpoint
from freehold.ledger.tree.merkle import leaf_hash, root_from_inclusion
from freehold.signing.note import parse_vkey

SIGNATURE = "\N{EM DASH} witness.example AAAAAAECAwQFBgcICQ==\n".encode()
CALL = [acted(), admitted(1), ended(1, 1), *(acted(after_s=second) for second in range(300))]


async def shown(up: Operations, index: int) -> Any:
    return (await up.reading.show(ByIndex(index=index), "local"))["entry"]


async def test_an_entry_comes_with_all_that_proves_it(up: Operations, write: Write) -> None:
    write(CALL)
    entry = await shown(up, 1)
    checkpoint = open_checkpoint(entry["checkpoint"].encode(), parse_vkey(entry["vkey"]))
    hashes = tuple(base64.b64decode(node) for node in entry["proof"]["hashes"])
    raw = base64.b64decode(entry["raw"])
    assert root_from_inclusion(leaf_hash(raw), 1, entry["proof"]["size"], hashes) == checkpoint.root
    assert base64.b64decode(entry["proof"]["root"]) == checkpoint.root
    assert base64.b64decode(entry["log_key"]["public_key"]) == parse_vkey(KEY.vkey).public_key
    assert (entry["position"], entry["kind"], entry["fields"]["call"]) == (f"{ORIGIN}/1", "admission", "call_1")
    assert entry["text"].encode() == raw
    assert entry["related"] == [{"what": "outcome", "index": 2}]
    assert entry["problem"] is None


async def test_an_outcome_names_its_admission(up: Operations, write: Write) -> None:
    write(CALL)
    assert (await shown(up, 2))["related"] == [{"what": "admission", "index": 1}]


async def test_a_changed_tile_is_left_to_whoever_verifies(up: Operations, write: Write, estate: Estate) -> None:
    write(CALL)
    tile = estate.ledger / "tile/0/000"
    data = bytearray(tile.read_bytes())
    data[40] ^= 1  # in the hash of entry 1
    tile.write_bytes(data)
    entry = await shown(up, 0)
    hashes = tuple(base64.b64decode(node) for node in entry["proof"]["hashes"])
    found = root_from_inclusion(leaf_hash(base64.b64decode(entry["raw"])), 0, entry["proof"]["size"], hashes)
    assert found != base64.b64decode(entry["proof"]["root"])


async def test_what_cannot_be_read_is_said_beside_what_can(up: Operations, write: Write, estate: Estate) -> None:
    write(CALL)
    (estate.ledger / "tile/0/000").unlink()
    entry = await shown(up, 1)
    assert entry["fields"]["call"] == "call_1"
    assert entry["proof"] is None
    assert (entry["problem"]["code"], entry["problem"]["status"]) == ("verification_failed", 422)


async def test_the_cosigned_checkpoint_proves_what_it_covers(up: Operations, write: Write, estate: Estate) -> None:
    write(CALL)
    assert not (await shown(up, 1))["cosigned"]
    (estate.ledger / "checkpoint.cosigned").write_bytes((estate.ledger / "checkpoint").read_bytes() + SIGNATURE)
    entry = await shown(up, 1)
    assert entry["cosigned"]
    assert entry["checkpoint"].endswith(SIGNATURE.decode())


async def test_an_entry_that_is_not_there_is_not_found(up: Operations, write: Write) -> None:
    write(CALL)
    with pytest.raises(NotFound, match=f"the log has no entry {len(CALL)}"):
        await shown(up, len(CALL))


@pytest.mark.parametrize("index", [1, 2])
async def test_the_receipt_is_the_one_that_a_caller_gets_but_for_the_salt(
    up: Operations, write: Write, index: int
) -> None:
    write(CALL)
    file = await up.reading.receipt(TakeReceipt(index=index), "local")
    assert check_receipt(file.body, KEY.vkey).outcome is not None
    assert "salt" not in json.loads(file.body)
    assert ("content-disposition", f'attachment; filename="receipt-{index}.json"') in file.headers


async def test_a_receipt_is_a_tlog_proof_too(up: Operations, write: Write) -> None:
    write(CALL)
    file = await up.reading.receipt(TakeReceipt(index=1, format="tlog-proof"), "local")
    assert check_tlog_proof(file.body.decode(), KEY.vkey) == CALL[1]


async def test_the_logs_own_files_are_given_out_as_they_lie_and_never_kept(up: Operations, write: Write) -> None:
    write(CALL)
    for path, status in (("checkpoint", 200), ("tile/0/000", 200), ("../keys/ledger.key", 404), ("journal", 404)):
        file = await up.reading.file(ByPath(path=path), "local")
        assert (file.status, dict(file.headers)["cache-control"]) == (status, "no-store")


async def test_the_log_is_verified_and_looked_through(up: Operations, write: Write, estate: Estate) -> None:
    write(CALL)
    told: list[str] = []
    report: Any = (await up.reading.verify(Nothing(), "local", lambda step: told.append(step.doing)))["ledger"]
    assert (report.size, report.admissions, report.acts) == (len(CALL), 1, len(CALL) - 2)
    fsck: Any = (await up.reading.fsck(Nothing(), "local", lambda step: told.append(step.doing)))["fsck"]
    assert fsck["holds"]
    assert len(told) == 2
    (estate.ledger / "tile/0/000").write_bytes(bytes(8192))
    with pytest.raises(VerificationFailed):
        await up.reading.verify(Nothing(), "local", lambda _: None)
