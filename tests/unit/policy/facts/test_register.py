# SPDX-License-Identifier: Apache-2.0
from itertools import permutations
from pathlib import Path

import pytest
from tests.facts_builder import organisation, owner, provider, register, said, text

from freehold.errors import SettingsError
from freehold.policy.facts import build_register, facts_digest, load_register

SHIPPED = {"organisations": {"operator": organisation("FR")}, "providers": {"example": provider()}}


def test_an_estate_adds_to_the_facts_of_the_release() -> None:
    found = register(SHIPPED, {"providers": {"paris": provider()}})
    assert set(found.providers) == {"example", "paris"}
    assert found.own == ("providers.paris",)
    assert not found.overridden.providers


def test_what_an_estate_overrides_is_remembered() -> None:
    found = register(SHIPPED, {"organisations": {"operator": organisation("DE")}})
    assert found.organisations["operator"].seat == "DE"
    assert found.overridden.organisations["operator"].seat == "FR"
    assert found.is_own("organisations", "operator")


def test_the_order_of_files_does_not_matter() -> None:
    files = [
        ("a.yaml", text(providers={"example": provider()})),
        ("b.yaml", text(organisations={"operator": organisation("FR", owner("parent"))})),
        ("c.yaml", text(organisations={"parent": organisation("US")})),
    ]
    digests = {facts_digest(build_register(order)) for order in permutations(files)}
    assert len(digests) == 1


def test_a_name_in_two_files_of_one_level_is_refused() -> None:
    one = text(organisations={"operator": organisation("FR")})
    with pytest.raises(SettingsError, match=r"b\.yaml: organisations\.operator: stands in a\.yaml too"):
        build_register([("b.yaml", one), ("a.yaml", one)])


def test_a_source_that_many_entries_name_is_spelt_out() -> None:
    abbreviated = {"source": "LIST", "confidence": "reported", "state": "US", "act": "An act"}
    found = build_register(
        [
            (
                "f.yaml",
                text(sources={"LIST": {"source": "A list", "as_of": "2026-01-02"}}, statutes={"US-X": abbreviated}),
            )
        ]
    )
    assert (found.statutes["US-X"].source, found.statutes["US-X"].as_of.isoformat()) == ("A list", "2026-01-02")


def test_the_digest_changes_with_any_fact_and_with_what_is_overridden() -> None:
    own = {"organisations": {"operator": organisation("FR")}}
    other = {"organisations": {"operator": organisation("DE")}, "providers": SHIPPED["providers"]}
    digests = {facts_digest(found) for found in (register(SHIPPED), register(other), register(SHIPPED, own))}
    assert len(digests) == 3
    assert facts_digest(register(SHIPPED)) == facts_digest(register(dict(reversed(SHIPPED.items()))))


def test_an_estate_without_a_folder_of_facts_has_those_of_the_release(tmp_path: Path) -> None:
    assert facts_digest(load_register(tmp_path / "facts")) == facts_digest(load_register())


def test_a_file_of_the_estate_is_named_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "paris.yaml").write_text(text(providers={"paris": {**provider(None), "host": "x"}}))
    with pytest.raises(SettingsError, match=r"paris\.yaml: providers\.paris: unknown key 'host'") as refused:
        load_register(tmp_path)
    assert str(tmp_path) in refused.value.message
    assert "docs/reference/facts.md" in refused.value.advice


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "paris.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read as UTF-8 text"):
        load_register(tmp_path)


def test_nothing_that_may_be_meant_as_facts_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "paris.yml").write_text("providers: {}")
    with pytest.raises(SettingsError, match=r"paris\.yml: a file of facts ends in \.yaml"):
        load_register(tmp_path)
    with pytest.raises(SettingsError, match="is not a folder"):
        load_register(tmp_path / "paris.yml")
    (tmp_path / "paris.yml").unlink()
    (tmp_path / "paris.yaml").symlink_to(tmp_path / "gone")
    with pytest.raises(SettingsError, match=r"paris\.yaml: is not a file"):
        load_register(tmp_path)


def test_a_circle_of_minorities_is_possible_and_one_of_majorities_is_not() -> None:
    minorities = {
        "a": organisation("FR", owner("b", "20%")),
        "b": organisation("DE", owner("a", "50%")),
    }
    assert set(register({"organisations": minorities}).organisations) == {"a", "b"}
    majorities = {"a": organisation("FR", owner("b", "50.01%")), "b": organisation("DE", owner("a", "unknown"))}
    with pytest.raises(SettingsError, match=r"a circle of owners: . is owned by . is owned by ."):
        register({"organisations": majorities})


def test_a_code_that_is_no_state_is_refused() -> None:
    with pytest.raises(SettingsError, match="'UK' is not a state"):
        register({"adequacy": {"UK": said(name="United Kingdom")}})
