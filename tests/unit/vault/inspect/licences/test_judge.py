# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.contract.licence import LicenceBook, LicenceTerms, ModelOrigin, RepositoryLicence
from freehold.vault.inspect.findings import Finding, Severity
from freehold.vault.inspect.licences import Statement, judge_licence, of_text

HOUSE = LicenceTerms(
    name="house",
    title="House Licence",
    known_as=("house-1.0",),
    marks=("house licence agreement",),
    remote_restriction=True,
    excluded=("DE", "FR"),
    excluded_whom="companies in the EU",
    cap="above 5 users",
    limit="attribution",
    source="https://example.org/licence",
    as_of="2026-11-22",
)
READ = RepositoryLicence(
    repository="a/house", revisions=("r1",), licence="house", source="https://example.org/a", as_of="2026-11-22"
)
BOOK = LicenceBook(terms=(HOUSE,), repositories=(READ,), region="DE")
NOWHERE = ModelOrigin()


def named(*names: str, base: str = "") -> tuple[Statement, ...]:
    return (Statement(place="README.md", names=names, base_models=(base,) if base else ()),)


def judged(said: tuple[Statement, ...], origin: ModelOrigin = NOWHERE, book: LicenceBook = BOOK) -> dict[str, Finding]:
    return {finding.rule: finding for finding in judge_licence(said, origin, book)}


def wanting(found: dict[str, Finding]) -> set[str]:
    return {rule for rule, finding in found.items() if finding.severity is Severity.APPROVAL}


@pytest.mark.parametrize("name", ["apache-2.0", "Apache-2.0", "mit", "MIT"])
def test_apache_and_mit_pass_by_name_with_a_note_that_no_text_came(name: str) -> None:
    found = judged(named(name))
    assert (set(found), wanting(found)) == ({"licence.stated"}, set())


@pytest.mark.parametrize("name", ["house", "house-1.0", "House-1.0"])
def test_what_is_known_of_a_licence_is_told_under_its_own_name(name: str) -> None:
    found = judged(named(name))
    assert wanting(found) == {"licence.custom", "licence.remote", "licence.region", "licence.cap", "licence.limit"}
    assert "companies in the EU, where the operator is (DE)" in found["licence.region"].message
    assert "https://example.org/licence, 2026-11-22" in found["licence.remote"].message


def test_a_licence_is_known_by_a_mark_in_its_text() -> None:
    said = tuple(of_text("THE HOUSE\nLICENCE   Agreement\nBe kind.", "LICENSE"))
    assert "licence.remote" in judged(said)


def test_a_region_that_is_not_the_operators_is_a_note() -> None:
    found = judged(named("house"), book=LicenceBook(terms=(HOUSE,), region="US"))
    assert found["licence.region"].severity is Severity.NOTE


def test_an_operator_who_does_not_say_where_is_asked() -> None:
    found = judged(named("house"), book=LicenceBook(terms=(HOUSE,)))
    assert "does not say where" in found["licence.region"].message
    assert "licence.region" in wanting(found)


@pytest.mark.parametrize("names", [("other",), ("cc-by-nc-4.0",), ("apache-2.0-with-more",)])
def test_a_name_that_nobody_knows_needs_an_approval(names: tuple[str, ...]) -> None:
    assert wanting(judged(named(*names))) == {"licence.custom"}


def test_the_name_behind_other_counts() -> None:
    assert "licence.remote" in judged(named("other", "house"))


def test_nothing_that_says_a_licence_needs_an_approval() -> None:
    assert wanting(judged(())) == {"licence.none"}


def test_the_facts_speak_for_the_repository_at_its_revision() -> None:
    found = judged(named("apache-2.0"), ModelOrigin(repository="a/house", revision="r1"))
    assert {"licence.remote", "licence.contradiction"} <= wanting(found)


def test_at_another_revision_the_facts_are_a_note() -> None:
    found = judged(named("apache-2.0"), ModelOrigin(repository="a/house", revision="r2"))
    assert wanting(found) == set()
    assert "read at revision r1, and this is r2" in found["licence.revision"].message


def test_a_repository_of_the_same_family_is_another_repository() -> None:
    assert wanting(judged(named("apache-2.0"), ModelOrigin(repository="a/house-2", revision="r1"))) == set()


def test_a_model_made_from_another_is_under_its_terms_as_well() -> None:
    found = judged(named("apache-2.0", base="A/House"))
    assert wanting(found) == {"licence.lineage"}
    assert "made from A/House, which is under house" in found["licence.lineage"].message


def test_places_that_contradict_each_other_are_told_with_what_each_says() -> None:
    said = (*named("apache-2.0"), Statement(place="m.gguf", names=("mit",)))
    assert "README.md: Apache-2.0; m.gguf: MIT" in judged(said)["licence.contradiction"].message
