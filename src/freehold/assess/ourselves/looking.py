# SPDX-License-Identifier: Apache-2.0
"""Puts the result together: what the start wanted, and what the estate's files and packages show. Contacts nobody."""

import platform
from datetime import datetime

import msgspec

from freehold import __version__
from freehold.assess.ourselves.engines import engines_of
from freehold.assess.ourselves.keys import keys_of
from freehold.assess.ourselves.packages import packages_of
from freehold.assess.ourselves.places import explained, places_of
from freehold.assess.ourselves.result import Ourselves, Start
from freehold.contract.estate import Estate
from freehold.policy.facts import load_register
from freehold.settings import read_settings


def look(estate: Estate, start: Start, at: datetime) -> Ourselves:
    """``at`` is in UTC. Raises SettingsError, EstateError, VaultError."""
    settings, register = read_settings(estate.settings), load_register(estate.facts)
    places, packages = places_of(estate, settings, register), packages_of(register)
    return Ourselves(
        at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        origin=settings.estate.origin,
        freehold=__version__,
        host=f"{platform.system()} {platform.release()} on {platform.machine()}",
        start=msgspec.structs.replace(start, wanted=explained(start.wanted, places)),
        places=places,
        packages=packages,
        keys=keys_of(estate, settings),
        engines=engines_of(estate, settings, packages),
    )
