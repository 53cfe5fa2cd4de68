# SPDX-License-Identifier: Apache-2.0
from datetime import date

from tests.facts_builder import TODAY, organisation, owner, register, said

from freehold.policy.facts import stale, upcoming

LATE = date(2026, 12, 1)


def test_decisions_that_will_change_are_told_with_the_next_first() -> None:
    found = register(
        {
            "organisations": {
                "a": organisation("FR", owner("b", effective="2027-01-01"), owner("c", until="2026-12-24")),
                "b": organisation("US", owner("c", "minority", expected_by="2026-12-31")),
                "c": organisation("DE"),
            },
            "adequacy": {"GB": said(name="United Kingdom", expires="2031-12-27"), "CH": said(name="Switzerland")},
        }
    )
    changes = upcoming(found, TODAY)
    assert [change.on.isoformat() for change in changes] == ["2026-12-24", "2026-12-31", "2027-01-01", "2031-12-27"]
    assert changes[0].what == "of DE as an owner of of FR ends"
    assert changes[-1].entry == "adequacy.GB"
    assert changes[-1].what == "the adequacy decision for United Kingdom lapses"


def test_a_day_that_has_passed_is_no_change_to_come() -> None:
    found = register({"adequacy": {"GB": said(name="United Kingdom", expires="2026-11-30")}})
    assert len(upcoming(found, date(2026, 11, 30))) == 1
    assert upcoming(found, LATE) == ()


def test_facts_older_than_the_age_that_is_set_are_told() -> None:
    found = register({"organisations": {"a": said(name="a", seat="FR") | {"as_of": "2024-01-01"}}})
    (item,) = stale(found, TODAY, 365)
    assert (item.entry, item.as_of.isoformat()) == ("organisations.a", "2024-01-01")
    assert "days old" in item.what
    assert stale(found, TODAY, 3650) == ()


def test_a_fact_from_the_future_is_told() -> None:
    found = register({"organisations": {"a": said(name="a", seat="FR") | {"as_of": "2027-01-01"}}})
    assert [item.what for item in stale(found, TODAY, 365)] == ["is dated after today"]


def test_a_merger_that_was_awaited_and_is_overdue_is_told() -> None:
    awaited = organisation("FR", owner("b", expected_by="2026-11-30"))
    found = register({"organisations": {"a": awaited, "b": organisation("CA")}})
    assert stale(found, TODAY, 365) == ()
    (item,) = stale(found, LATE, 365)
    assert item.entry == "organisations.a.owners.listed[0]"
    assert "was expected by 2026-11-30" in item.what
