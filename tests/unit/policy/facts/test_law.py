# SPDX-License-Identifier: Apache-2.0
from datetime import date

from tests.facts_builder import TODAY, register, said

from freehold.policy.facts import adequacy_in_force, members_of, statutes_of

UNION = {"jurisdictions": {"EU": said(name="Union", members=["FR", "DE"])}}


def test_a_union_has_its_members() -> None:
    assert members_of(register(UNION), "EU") == {"FR", "DE"}
    assert members_of(register(UNION), "MOON") == frozenset()


def test_an_override_that_is_not_confirmed_takes_members_out_and_puts_none_in() -> None:
    own = {"jurisdictions": {"EU": said("reported", name="Union", members=["FR", "US"])}}
    assert members_of(register(UNION, own), "EU") == {"FR"}
    own = {"jurisdictions": {"EU": said(name="Union", members=["FR", "US"])}}
    assert members_of(register(UNION, own), "EU") == {"FR", "US"}


def test_a_decision_counts_while_it_is_in_force_and_confirmed() -> None:
    found = register(
        {
            "adequacy": {
                "GB": said(name="United Kingdom", since="2025-12-19", expires="2031-12-27"),
                "CH": said(name="Switzerland"),
                "KE": said("reported", name="Kenya"),
                "EPO": said(name="European Patent Organisation", kind="organisation"),
            }
        }
    )
    assert set(adequacy_in_force(found, TODAY)) == {"GB", "CH"}
    assert set(adequacy_in_force(found, date(2031, 12, 26))) == {"GB", "CH"}
    assert set(adequacy_in_force(found, date(2031, 12, 27))) == {"CH"}
    assert set(adequacy_in_force(found, date(2025, 12, 18))) == {"CH"}


def test_laws_follow_from_states() -> None:
    found = register({"statutes": {"US-X": said(state="US", act="An act"), "CN-X": said(state="CN", act="Another")}})
    assert list(statutes_of(found, ["FR", "US", "??"])) == ["US-X"]
