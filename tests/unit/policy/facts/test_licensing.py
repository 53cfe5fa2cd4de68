# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.errors import SettingsError
from freehold.policy.facts import build_register, load_register
from freehold.policy.facts.licensing import licence_book

WHERE = "source: https://example.org\n    as_of: 2026-11-22\n    confidence: reported\n"
FACTS = f"""
jurisdictions:
  EU:
    name: European Union
    members: [DE, FR]
    {WHERE}
licence_terms:
  house:
    title: House Licence
    known_as: [House-1.0]
    marks: ["The House  Licence"]
    remote_restriction: "yes"
    excluded: [EU, KR]
    {WHERE}
repositories:
  a-house:
    repository: A/House
    revisions: [r1]
    licence: house
    {WHERE}
"""


def test_unions_are_spelt_out_and_names_are_in_small_letters() -> None:
    book = licence_book(build_register([("facts.yaml", FACTS)]), "DE")
    (terms,), (repository,) = book.terms, book.repositories
    assert (terms.name, terms.known_as, terms.marks) == ("house", ("house-1.0",), ("the house licence",))
    assert (terms.remote_restriction, terms.excluded, terms.as_of) == (True, ("DE", "FR", "KR"), "2026-11-22")
    assert (repository.repository, repository.revisions, book.region) == ("A/House", ("r1",), "DE")


def test_a_region_that_is_no_state_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"\[estate\] region: 'UK' is not a state"):
        licence_book(build_register([]), "UK")


@pytest.mark.parametrize("code", ["XX", "EWG"])
def test_a_region_that_is_neither_a_state_nor_a_union_is_refused(code: str) -> None:
    with pytest.raises(SettingsError, match=f"licence_terms.house: '{code}' is not a state"):
        build_register([("facts.yaml", FACTS.replace("[EU, KR]", f"[{code}]"))])


def test_the_shipped_facts_know_the_licences_that_the_issue_names() -> None:
    terms = {known.name: known for known in licence_book(load_register(), "").terms}
    assert terms["gemma"].remote_restriction
    assert "FR" in terms["llama4"].excluded
    assert {"DE", "GB", "KR"} <= set(terms["tencent-hunyuan"].excluded)
    assert terms["minimax"].cap
    assert all(known.source and known.as_of for known in terms.values())
