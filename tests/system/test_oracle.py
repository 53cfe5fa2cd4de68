# SPDX-License-Identifier: Apache-2.0
"""The log of a real estate, under calls of real clients, as the oracle reads it: no line of the product has a say."""

from tests.oracle.notes import read_key
from tests.oracle.policies import Policy
from tests.oracle.proofs import check_proof, read_proof
from tests.oracle.receipts import canonical, check_receipt, read_json
from tests.oracle.tiles import read_log
from tests.system.estates import Estate
from tests.system.wire import CHAT, MESSAGES, chat, post


def test_the_log_and_the_receipts_of_a_real_estate_hold_for_the_oracle(estate: Estate) -> None:
    answers = [post(estate, CHAT, chat()), post(estate, CHAT, chat(stream=True)), post(estate, MESSAGES, chat())]
    policy = Policy(logs=[read_key(estate.vkey.read_text(encoding="utf-8").strip())])
    for answer in answers:
        name = answer.headers["freehold-receipt"]
        receipt = check_receipt(estate.run("ledger", "receipt", name).encode(), policy)
        assert receipt["admission"]["call"] == answer.headers["x-request-id"]
        proof = read_proof(estate.run("ledger", "receipt", name, "--format", "tlog-proof").encode())
        assert check_proof(proof, proof.extra, policy).size > proof.index
    log = read_log(estate.files / "ledger", policy.logs)
    assert log.head.size >= len(answers)
    assert all(canonical(read_json(entry)) == entry for entry in log.entries)
