# SPDX-License-Identifier: Apache-2.0
"""What decisions are made with: the rules and the facts, as one version of the configuration has them."""

from dataclasses import dataclass

from freehold.contract.facts import BackendFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """One file of rules in Cedar, whole and valid: the states are written out where the file had a placeholder."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """The rules, and what is known of every operator of a target. Without rules nothing is permitted."""

    set: str = ""  # which of the shipped sets the estate has chosen
    files: tuple[RuleFile, ...] = ()
    policy_digest: str = ""  # over the schema and every file
    facts: tuple[BackendFacts, ...] = ()  # one for each operator
    facts_digest: str = ""
    states: tuple[str, ...] = ()  # every state there is: what an unknown authority is taken to be
