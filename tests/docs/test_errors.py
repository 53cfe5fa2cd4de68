# SPDX-License-Identifier: Apache-2.0
"""docs/reference/errors.md tells every error code, what it means, and the HTTP status that each dialect gives it."""

from collections.abc import Mapping

import pytest
from tests.docs.pages import Page

from freehold import errors
from freehold.admin.problems import status_of
from freehold.contract.call import Dialect
from freehold.dialect import codecs
from freehold.errors import CallerError, ContextExceeded, FreeholdError, InvalidKey, PolicyDenied, RateLimited

PAGE = "docs/reference/errors.md"
CODED = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, FreeholdError) and "code" in vars(kind)
]
COLUMNS = (Dialect.OPENAI, Dialect.RESPONSES, Dialect.ANTHROPIC, Dialect.MISTRAL)


@pytest.mark.parametrize("kind", CODED, ids=lambda kind: kind.code)
def test_every_error_code_is_explained(kind: type[FreeholdError], pages: Mapping[str, Page]) -> None:
    section = pages[PAGE].section(f"`{kind.code}`")
    assert section, f"{PAGE} lacks a section '### `{kind.code}`': say what it means and what to do"
    assert len(section.split()) > 12, f"{PAGE}: the section `{kind.code}` does not say what it means and what to do"


def test_no_error_code_is_explained_that_does_not_exist(pages: Mapping[str, Page]) -> None:
    known = {f"`{kind.code}`" for kind in CODED}
    explained = {heading for heading in pages[PAGE].headings if heading.startswith("`")}
    assert explained <= known, f"{PAGE} explains {', '.join(explained - known)}, which src/freehold/errors.py lacks"


@pytest.mark.parametrize("kind", CODED, ids=lambda kind: kind.code)
def test_the_statuses_in_the_documentation_are_those_that_callers_get(
    kind: type[FreeholdError], pages: Mapping[str, Page]
) -> None:
    rows = {cells[0].strip("[]()#`").partition("`")[0]: cells for cells in pages[PAGE].rows("HTTP status by dialect")}
    found = rows.get(kind.code)
    assert found, f"{PAGE}: the table under 'HTTP status by dialect' lacks a row for `{kind.code}`"
    problem = _example(kind)
    public = [str(codecs[dialect].error(problem, "call_0")[0]) for dialect in COLUMNS]
    expected = [
        *(public if _can_reach_a_caller(kind) else ["-"] * len(COLUMNS)),
        str(_admin_status(problem)) if _can_reach_an_operator(kind) else "-",
    ]
    assert found[1:] == expected, f"{PAGE}: the row of `{kind.code}` should say {' | '.join(expected)}"


def _admin_status(problem: FreeholdError) -> int:
    return status_of(type(problem))


def _can_reach_a_caller(kind: type[FreeholdError]) -> bool:
    never = (
        errors.InvalidToken,
        errors.ForeignOrigin,
        errors.OperatorError,
        errors.ContactFailed,
        errors.SlowCaller,  # who is hung up on
    )
    return not issubclass(kind, never)


def _can_reach_an_operator(kind: type[FreeholdError]) -> bool:
    of_http = (
        errors.UnknownEndpoint,
        errors.MethodNotAllowed,
        errors.TooLarge,
        errors.SlowRequest,
        errors.InvalidToken,
        errors.ForeignOrigin,
    )
    return kind in (FreeholdError, errors.InvalidRequest, *of_http) or issubclass(
        kind, errors.OperatorError | errors.LedgerFault
    )


def _example(kind: type[FreeholdError]) -> FreeholdError:
    if kind is PolicyDenied:
        return PolicyDenied("an example", decision_id="dec_0")
    if kind is ContextExceeded:
        return ContextExceeded(prompt_tokens=2, context_tokens=1)
    if kind is RateLimited:
        return RateLimited("an example", retry_after_s=1)
    if kind is InvalidKey:
        return InvalidKey()
    if kind is errors.ProviderRefused:
        return errors.ProviderRefused("an example", status=404)
    assert issubclass(kind, CallerError | errors.Fault | errors.OperatorError) or kind is FreeholdError
    return kind("an example")
