# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.law_builder import NOW_UNIX, SETS, law

from freehold.contract.estate import Estate
from freehold.contract.law import RuleFile
from freehold.errors import PolicyInvalid
from freehold.policy.cedar import read_rules
from freehold.policy.facts import load_register, owned_facts
from freehold.policy.load import law_of, read_sources, rules_digest

FIRST, SECOND = (
    f'@id("{name}") forbid (principal, action, resource) when {{ resource.trains }};' for name in ("first", "second")
)


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    estate = Estate(tmp_path)
    estate.policies.mkdir()
    return estate


@pytest.mark.parametrize("set_name", SETS)
def test_every_shipped_set_is_sound_and_says_what_each_rule_means(set_name: str) -> None:
    made = law(set_name)
    rules = read_rules(made.files)
    assert all(rule.says.endswith(".") for rule in rules)
    assert "key-lists-service" in {rule.id for rule in rules}
    assert "[/*" not in "".join(file.text for file in made.files)
    assert made.facts == (owned_facts(),)


def test_an_estates_own_rules_come_after_the_set_by_name(estate: Estate) -> None:
    (estate.policies / "b.cedar").write_text(SECOND)
    (estate.policies / "a.cedar").write_text(FIRST)
    (estate.policies / "notes.txt").write_text("no rule")
    made = law_of(read_sources(estate, "eu-only"), now_unix=NOW_UNIX)
    assert [file.name for file in made.files] == [
        "sets/always.cedar",
        "sets/eu-only.cedar",
        "policies/a.cedar",
        "policies/b.cedar",
    ]


def test_an_operator_without_facts_is_unknown_and_not_left_out(estate: Estate) -> None:
    made = law_of(read_sources(estate, "open"), operators=["scaleway", "nobody"], now_unix=NOW_UNIX)
    facts = {known.operator: known for known in made.facts}
    assert facts.keys() == {"self", "scaleway", "nobody"}
    assert (facts["nobody"].authorities, facts["nobody"].trains) == (("??",), None)
    assert "FR" in facts["scaleway"].authorities


def test_every_finding_of_every_file_is_told_at_once(estate: Estate) -> None:
    (estate.policies / "a.cedar").write_text(
        FIRST.replace("trains", "trians") + "\n" + SECOND.replace("trains", "tarins")
    )
    (estate.policies / "b.cedar").write_text("permit")
    with pytest.raises(PolicyInvalid) as refusal:
        law_of(read_sources(estate, "owned-only"), now_unix=NOW_UNIX)
    places = [line.split(": ")[0] for line in refusal.value.message.splitlines()]
    assert places == ["policies/a.cedar, line 1", "policies/a.cedar, line 2", "policies/b.cedar, line 1"]


def test_an_adequacy_decision_counts_until_the_day_on_which_it_lapses(estate: Estate) -> None:
    sources = read_sources(estate, "eu-or-adequate")
    expiry = next(decision.expires for decision in load_register().adequacy.values() if decision.expires)
    last, lapsed = (
        law_of(sources, now_unix=datetime(expiry.year, expiry.month, day, tzinfo=UTC).timestamp())
        for day in (expiry.day - 1, expiry.day)
    )
    assert '"GB"' in last.files[1].text
    assert '"GB"' not in lapsed.files[1].text
    assert last.policy_digest != lapsed.policy_digest


def test_a_decision_that_is_limited_to_some_organisations_makes_no_state_adequate() -> None:
    assert '"US"' not in law("eu-or-adequate").files[1].text
    assert '"CH"' in law("eu-or-adequate").files[1].text


def test_the_digest_tells_texts_names_and_borders_apart() -> None:
    digests = {
        rules_digest([RuleFile(name=name, text=text) for name, text in files])
        for files in (
            [("a", "x"), ("b", "y")],
            [("a", "xy"), ("b", "")],
            [("a", "x\nb\n1\ny")],
            [("b", "y"), ("a", "x")],
            [("a", "x"), ("c", "y")],
        )
    }
    assert len(digests) == 5


@pytest.mark.parametrize("name", ["own.cedar.txt", "OWN.CEDAR", "own.cedar.bak"])
def test_rules_in_a_file_that_would_not_be_read_are_not_passed_over(estate: Estate, name: str) -> None:
    (estate.policies / name).write_text(FIRST)
    with pytest.raises(PolicyInvalid, match=f"policies/{name}: is not read"):
        read_sources(estate, "owned-only")


@pytest.mark.parametrize("name", [".own.cedar.swp", "own.cedar~", "claims.txt"])
def test_what_an_editor_leaves_behind_is_no_rule(estate: Estate, name: str) -> None:
    (estate.policies / name).write_text(FIRST)
    assert len(read_sources(estate, "owned-only").files) == 2
