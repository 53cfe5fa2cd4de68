# SPDX-License-Identifier: Apache-2.0
from tests.facts_builder import TODAY, organisation, owner, provider, register, said

from freehold.assess.evidence.gather import _control
from freehold.policy.facts import backend_facts


def test_who_owns_a_sub_processor_can_be_compelled_and_controls_no_provider() -> None:
    processors = said(complete="yes", listed=[said(organisation="cloud", sees_plaintext="yes")])
    known = register(
        {
            "organisations": {
                "operator": {**organisation("FR", owner("holding")), "name": "Operator"},
                "holding": {**organisation("DE"), "name": "Holding"},
                "cloud": {**organisation("IE", owner("abroad")), "name": "Cloud"},
                "abroad": {**organisation("US"), "name": "Abroad"},
            },
            "providers": {"example": provider(sub_processors=processors)},
        }
    )
    facts = backend_facts(known, "example", today=TODAY)
    assert set(facts.authorities) == {"FR", "DE", "IE", "US"}
    assert {reason.state for reason in _control(known, facts, TODAY)} == {"FR", "DE"}
