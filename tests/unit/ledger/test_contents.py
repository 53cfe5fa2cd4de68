# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from tests.ledger_builder import AT, TARGETS, call, decision, outcome

from freehold.errors import Uncheckable, VerificationFailed
from freehold.ledger import compose
from freehold.ledger.check.contents import Contents, check_contents
from freehold.ledger.record.commitment import answer_commitment, request_commitment
from freehold.ledger.record.entry import AdmissionEntry, OutcomeEntry, read_entry

SALT = bytes(range(32))
REQUEST, ANSWER = b'{"model":"gpt-4o"}', b"data: [DONE]\n\n"


def _admission() -> AdmissionEntry:
    data = compose.admission(
        call(),
        decision(),
        targets=TARGETS,
        snapshot_version=1,
        request_commitment=request_commitment(SALT, REQUEST),
        at_utc=AT,
    )
    entry = read_entry(data)
    assert isinstance(entry, AdmissionEntry)
    return entry


def _outcome() -> OutcomeEntry:
    result = replace(outcome(), answer=answer_commitment(SALT, ANSWER), answer_bytes=len(ANSWER))
    entry = read_entry(compose.outcome(result, 0, at_utc=AT))
    assert isinstance(entry, OutcomeEntry)
    return entry


def _check(contents: Contents, salt: bytes | None = SALT) -> None:
    check_contents(contents, salt=salt, admission=_admission(), outcome=_outcome())


def test_a_call_s_own_request_and_answer_fit() -> None:
    _check(Contents(request=REQUEST, answer=ANSWER))
    _check(Contents(answer=ANSWER))


@pytest.mark.parametrize("request_", [b"", REQUEST + b"\n", REQUEST[:-1], ANSWER])
def test_any_other_request_does_not_fit(request_: bytes) -> None:
    with pytest.raises(VerificationFailed, match="the request is not the one on record"):
        _check(Contents(request=request_))


def test_any_other_answer_does_not_fit() -> None:
    with pytest.raises(VerificationFailed, match="it has 13 bytes, expected 14"):
        _check(Contents(answer=ANSWER[:-1]))
    with pytest.raises(VerificationFailed, match="the answer is not the one on record: other bytes"):
        _check(Contents(answer=ANSWER[::-1]))


def test_a_request_is_not_passed_off_as_an_answer() -> None:
    same = replace(outcome(), answer=request_commitment(SALT, ANSWER), answer_bytes=len(ANSWER))
    entry = read_entry(compose.outcome(same, 0, at_utc=AT))
    assert isinstance(entry, OutcomeEntry)
    with pytest.raises(VerificationFailed, match="the answer is not"):
        check_contents(Contents(answer=ANSWER), salt=SALT, admission=None, outcome=entry)


def test_another_salt_fits_nothing() -> None:
    with pytest.raises(VerificationFailed, match="or another salt"):
        _check(Contents(request=REQUEST), bytes(32))


def test_what_is_not_there_cannot_be_compared_with() -> None:
    with pytest.raises(Uncheckable, match="without the call's salt"):
        _check(Contents(request=REQUEST), None)
    with pytest.raises(Uncheckable, match="no outcome"):
        check_contents(Contents(answer=ANSWER), salt=SALT, admission=_admission(), outcome=None)
    with pytest.raises(Uncheckable, match="not the admission"):
        check_contents(Contents(request=REQUEST), salt=SALT, admission=None, outcome=_outcome())
    with pytest.raises(Uncheckable, match="of no call"):
        check_contents(Contents(request=REQUEST), salt=SALT, admission=None, outcome=None)
