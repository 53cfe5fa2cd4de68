# SPDX-License-Identifier: Apache-2.0
"""Trust as the whole estate has it: whose word counts, and what the facts say of licences for where its operator is."""

from dataclasses import replace

from freehold.contract.estate import Estate
from freehold.policy.facts import load_register
from freehold.policy.facts.licensing import licence_book
from freehold.settings import Settings
from freehold.vault import Trust, read_trust


def trust_of(estate: Estate, settings: Settings) -> Trust:
    """Read it. Raises SettingsError for a key, a fact or a region that cannot be read, EstateError for the own key."""
    licences = licence_book(load_register(estate.facts), settings.estate.region)
    return replace(read_trust(estate, settings), licences=licences)
