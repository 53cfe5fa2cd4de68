# SPDX-License-Identifier: Apache-2.0
"""Facts about backends: data with a source and a day, and the written rule that makes states authorities of them."""

from freehold.policy.facts.ageing import Change, Stale, stale, upcoming
from freehold.policy.facts.derive import EXPOSURE, RULE_VERSION, backend_facts, owned_facts
from freehold.policy.facts.describe import Description, Said, describe
from freehold.policy.facts.law import adequacy_in_force, members_of, statutes_of
from freehold.policy.facts.register import Register, build_register, facts_digest, load_register

__all__ = [
    "EXPOSURE",
    "RULE_VERSION",
    "Change",
    "Description",
    "Register",
    "Said",
    "Stale",
    "adequacy_in_force",
    "backend_facts",
    "build_register",
    "describe",
    "facts_digest",
    "load_register",
    "members_of",
    "owned_facts",
    "stale",
    "statutes_of",
    "upcoming",
]
