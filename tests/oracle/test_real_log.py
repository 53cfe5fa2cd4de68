# SPDX-License-Identifier: Apache-2.0
"""A log that the ledger's own process wrote through its socket, calls, refusals and acts: all of it, by the oracle."""

from pathlib import Path

from tests.ledger_builder import KEY, ORIGIN, TARGETS, call, decision, open_log, outcome
from tests.oracle.notes import read_key
from tests.oracle.policies import Policy
from tests.oracle.proofs import check_proof, read_proof
from tests.oracle.receipts import canonical, check_receipt, commitment, read_json
from tests.oracle.tiles import read_log

from freehold.ledger.check.issuing import receipt_for, tlog_proof_for
from freehold.ledger.client import LedgerClient
from freehold.ledger.keeper.service import LedgerService
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.salts import Salts

POLICY = Policy(logs=[read_key(KEY.vkey)])
CALLS = 300


async def test_what_a_real_ledger_wrote_holds_for_the_oracle(tmp_path: Path) -> None:
    await _write(tmp_path)
    log = read_log(tmp_path / "ledger", POLICY.logs)
    entries = [read_json(data) for data in log.entries]
    assert all(canonical(entry) == data for entry, data in zip(entries, log.entries, strict=True))
    admissions = {index: entry for index, entry in enumerate(entries) if entry["kind"] == "admission"}
    closed = [entry["admission"] for entry in entries if entry["kind"] == "outcome"]
    assert sorted(closed) == [index for index, entry in admissions.items() if entry["effect"] == "allow"]
    salts = Salts(tmp_path / "salts", Disk())
    for index, admission in list(admissions.items())[::29]:
        parts = check_receipt(receipt_for(tmp_path / "ledger", ORIGIN, index), POLICY)
        assert parts["admission"] == admission
        salt = salts.find(admission["at"][:10], index)
        assert salt
        assert admission["request"] == commitment(salt, "request", b"body of " + admission["call"].encode())
        proof = read_proof(tlog_proof_for(tmp_path / "ledger", ORIGIN, index).encode())
        assert check_proof(proof, proof.extra, POLICY) == log.head


async def _write(root: Path) -> None:
    log = open_log(root)
    service = LedgerService(log, root / "ledger.sock")
    await service.start()
    client = LedgerClient(root / "ledger.sock", identity="gateway-1", retry_s=0.01)
    await client.start()
    try:
        for number in range(CALLS):
            asked = call(f"call-{number}", body=f"body of call-{number}".encode())
            verdict = decision(allowed=number % 7 != 0)
            admission = client.admit(asked, verdict, targets=TARGETS, snapshot_version=1)
            if verdict.allowed:
                client.conclude(admission, outcome(f"call-{number}"))
        await client.record_act("test.done", subject="s", operator="o")
        await client.publish()
    finally:
        await client.close()
        await service.close()
