# SPDX-License-Identifier: Apache-2.0
"""Check that the log of one checkpoint goes on from that of an older one: nothing was taken out or changed.

The proof is RFC 6962's; it may come out of the log's own files, which need not be trusted.
"""

import base64
from argparse import ArgumentParser, Namespace
from pathlib import Path

from freehold.ledger.check.consistency import check_consistency, parse_consistency_proof
from freehold.ledger.check.trust import TrustPolicy
from freehold.ledger.tree.store import LedgerFiles
from freehold.verify.exported import log_directory
from freehold.verify.sources import chosen_trust, read_file
from freehold.verify.verdict import Verdict, add_head, head_facts


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("older", metavar="OLDER", help="the older checkpoint")
    parser.add_argument("newer", metavar="NEWER", help="the newer checkpoint")
    proof = parser.add_mutually_exclusive_group()
    proof.add_argument("--log", metavar="DIR|TAR", help="the log's directory, or an export of it, to prove it with")
    proof.add_argument("--proof", metavar="FILE", help="a consistency proof: hashes in base64, one a line, or JSON")


def verify(asked: Namespace) -> Verdict:
    policy = chosen_trust(asked)
    if asked.log is None:
        return _verify(asked, policy, None)
    with log_directory(Path(asked.log)) as directory:
        return _verify(asked, policy, LedgerFiles(directory))


def _verify(asked: Namespace, policy: TrustPolicy, files: LedgerFiles | None) -> Verdict:
    older, newer = policy.open(read_file(asked.older)), policy.open(read_file(asked.newer))
    given = parse_consistency_proof(read_file(asked.proof)) if asked.proof else files
    found = check_consistency(older, newer, given)
    old, new = older.checkpoint.size, newer.checkpoint.size
    verdict = Verdict(
        facts={
            "older": head_facts(older),
            "newer": head_facts(newer),
            "consistency": [base64.b64encode(node).decode() for node in found.proof],
        }
    )
    add_head(verdict, newer, policy)
    verdict.proved.append(f"its first {old} entries are those of the older checkpoint, and {new - old} follow")
    verdict.not_proved.append("what the entries say, and that whoever holds the log still has them")
    return verdict
