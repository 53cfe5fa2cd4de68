# SPDX-License-Identifier: Apache-2.0
"""Every page of the console, and the order in which the navigation names them."""

from freehold.console.interface import Page, Place
from freehold.console.pages import drills, keys, models, now, policy, record, seen, talk, withdraw

PLACES: tuple[Place, ...] = (
    Place(path="now", label="Now", icon="now"),
    Place(path="seen", label="Who could see it", icon="eye"),
    Place(path="withdraw", label="Withdraw", icon="withdraw"),
    Place(path="drills", label="Drills", icon="drill"),
    Place(path="policy", label="Policy", icon="policy"),
    Place(path="record", label="Record", icon="record"),
    Place(path="models", label="Models", icon="model"),
    Place(path="talk", label="Talk", icon="talk"),
    Place(path="keys", label="Keys and applications", icon="key"),
)

PAGES: tuple[Page, ...] = (
    *now.PAGES,
    *seen.PAGES,
    *withdraw.PAGES,
    *drills.PAGES,
    *policy.PAGES,
    *record.PAGES,
    *models.PAGES,
    *talk.PAGES,
    *keys.PAGES,
)
