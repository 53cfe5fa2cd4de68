# SPDX-License-Identifier: Apache-2.0
from tests.facts_builder import organisation, owner, provider, register, said

from freehold.assess.evidence.recipients import recipients_of
from freehold.contract.facts import UNKNOWN
from freehold.policy.facts import Register


def known(**of_provider: object) -> Register:
    return register(
        {
            "organisations": {
                "operator": {**organisation("FR", owner("holding")), "name": "Operator"},
                "holding": {**organisation("US"), "name": "Holding"},
                "cloud": {**organisation("IN"), "name": "Cloud"},
            },
            "providers": {"example": provider("operator", **of_provider)},
        }
    )


def states(facts: Register) -> set[tuple[str, str]]:
    return {(one.name, one.state) for one in recipients_of(facts, "example")}


def test_who_operates_processes_holds_keys_and_where_it_is_computed_are_recipients_and_owners_are_not() -> None:
    processors = said(complete="yes", listed=[said(organisation="cloud", sees_plaintext="yes", purpose="support")])
    found = states(known(sub_processors=processors, key_holders=[said(organisation="holding")]))
    assert found == {("Operator", "FR"), ("Cloud", "IN"), ("Holding", "US"), ("Example API", "FR")}
    assert ("Holding", "US") not in states(known(sub_processors=processors))


def test_an_owner_who_processes_as_well_is_a_recipient() -> None:
    processors = said(complete="yes", listed=[said(organisation="holding", sees_plaintext="yes")])
    assert ("Holding", "US") in states(known(sub_processors=processors))


def test_who_is_confirmed_to_see_nothing_is_no_recipient() -> None:
    processors = said(complete="yes", listed=[said(organisation="cloud", sees_plaintext="no")])
    assert ("Cloud", "IN") not in states(known(sub_processors=processors))


def test_what_nobody_established_is_listed_as_unknown() -> None:
    found = states(known(operator=None, sub_processors=None, locations=None))
    assert {name for name, state in found if state == UNKNOWN} == {
        "whoever operates it",
        "further sub-processors",
        "Example API",
    }
    assert recipients_of(known(), "nobody") == ()
