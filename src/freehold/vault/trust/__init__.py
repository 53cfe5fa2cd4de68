# SPDX-License-Identifier: Apache-2.0
"""Whether a model may run: who signed it, who approved it, and what the operator asks of where it came from."""

from freehold.vault.trust.approval import Approval, draft_approval
from freehold.vault.trust.judge import Evidence, Signed, Verdict, approvals_of, judge, signatures_of
from freehold.vault.trust.own import own_signer
from freehold.vault.trust.reading import read_trust
from freehold.vault.trust.rules import Mode, Rule, Trust

__all__ = [
    "Approval",
    "Evidence",
    "Mode",
    "Rule",
    "Signed",
    "Trust",
    "Verdict",
    "approvals_of",
    "draft_approval",
    "judge",
    "own_signer",
    "read_trust",
    "signatures_of",
]
