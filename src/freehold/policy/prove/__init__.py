# SPDX-License-Identifier: Apache-2.0
"""Claims about the rules, proved for every request and every backend that there could be, or refuted by one.

z3 has a process of its own (``worker``), and nothing here loads it elsewhere.
"""

from freehold.policy.prove.claim import Claim, parse_claim
from freehold.policy.prove.claims import (
    Verdict,
    check_claims,
    claims_text,
    prove,
    read_claims,
    require_claims,
)
from freehold.policy.prove.counterexample import Counterexample

__all__ = [
    "Claim",
    "Counterexample",
    "Verdict",
    "check_claims",
    "claims_text",
    "parse_claim",
    "prove",
    "read_claims",
    "require_claims",
]
