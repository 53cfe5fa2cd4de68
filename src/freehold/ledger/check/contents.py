# SPDX-License-Identifier: Apache-2.0
"""Show that a record is of exactly these bytes: the request as it was sent, the answer as it came. Pure.

Without the salt a commitment cannot even be tested. With it, it fits these bytes and no others.
"""

import hmac
from dataclasses import dataclass

from freehold.errors import Uncheckable, VerificationFailed
from freehold.ledger.record.commitment import answer_commitment, request_commitment
from freehold.ledger.record.entry import AdmissionEntry, OutcomeEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What somebody says that a call was. None is what they do not speak of."""

    request: bytes | None = None
    answer: bytes | None = None


def check_contents(
    contents: Contents, *, salt: bytes | None, admission: AdmissionEntry | None, outcome: OutcomeEntry | None
) -> None:
    """Raises VerificationFailed if they are not the call's; Uncheckable if that cannot be told."""
    if admission is None and outcome is None:
        raise Uncheckable("this is of no call, so there is no request and no answer to compare with")
    if salt is None:
        raise Uncheckable(
            "without the call's salt nothing can be told of what was said",
            hint="The receipt that the API gives to the key that made the call has it, until it is forgotten: --salt.",
        )
    if contents.request is not None:
        _check_request(contents.request, salt, admission)
    if contents.answer is not None:
        _check_answer(contents.answer, salt, outcome)


def _check_request(request: bytes, salt: bytes, admission: AdmissionEntry | None) -> None:
    if admission is None:
        raise Uncheckable("this has the outcome and not the admission, so it proves no request")
    if not hmac.compare_digest(request_commitment(salt, request), admission.request):
        raise VerificationFailed("the request is not the one on record: other bytes, or another salt")


def _check_answer(answer: bytes, salt: bytes, outcome: OutcomeEntry | None) -> None:
    if outcome is None:
        raise Uncheckable("this has no outcome, so it proves no answer", hint="Ask for the receipt again.")
    if len(answer) != outcome.answer_bytes:
        raise VerificationFailed(
            f"the answer is not the one on record: it has {len(answer)} bytes, expected {outcome.answer_bytes}"
        )
    if not hmac.compare_digest(answer_commitment(salt, answer), outcome.answer):
        raise VerificationFailed("the answer is not the one on record: other bytes, or another salt")
