# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.admin.problems import described, headers_of, kinds, problem_of, status_of
from freehold.errors import Conflict, FreeholdError, InvalidRequest, LedgerFull, NotAtHome, NotFound, RateLimited


def test_an_error_is_told_whole_and_each_time_as_one_of_its_own() -> None:
    error = NotFound("there is no key", hint="Look.")
    first, second = problem_of(error), problem_of(error)
    assert first.pop("instance") != second.pop("instance")
    assert first == second
    assert first == {
        "type": "/admin/v1/problems/not_found",
        "title": "Not found",
        "status": 404,
        "detail": "there is no key",
        "code": "not_found",
        "hint": "Look.",
        "error": {"code": "not_found", "message": "there is no key", "hint": "Look."},
    }


def test_the_field_to_blame_and_what_is_there_now_are_told() -> None:
    assert problem_of(InvalidRequest("x", param="label"))["param"] == "label"
    changed = {"act": "key.revoke", "by": "op_1", "at": "2026-11-22T14:38:00Z"}
    conflict = problem_of(Conflict("x", etag='"a"', changed=changed))
    assert (conflict["etag"], conflict["changed"], conflict["status"]) == ('"a"', changed, 412)


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (LedgerFull("x"), [("retry-after", "10")]),
        (RateLimited("x", retry_after_s=0.2), [("retry-after", "1")]),
        (NotFound("x"), []),
    ],
)
def test_when_to_ask_again_is_a_header(error: FreeholdError, headers: list[tuple[str, str]]) -> None:
    assert headers_of(error) == headers


def test_every_kind_of_error_is_described() -> None:
    codes = [str(kind["code"]) for kind in kinds()]
    assert codes == sorted(set(codes))
    assert {"conflict", "internal_error", "not_found", "ledger_full"} <= set(codes)
    assert described("conflict")["hint"] == Conflict.hint
    with pytest.raises(NotFound, match="there is no problem 'nothing'"):
        described("nothing")


def test_a_narrower_error_has_the_status_of_the_wider_one() -> None:
    assert status_of(NotAtHome) == 409
