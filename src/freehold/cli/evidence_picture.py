# SPDX-License-Identifier: Apache-2.0
"""The picture of an estate that evidence is drawn from, with the rules in its files and the keys that count in them.

A running estate is asked one thing: what it would lose, with the slots and calls of that instant.
"""

import time
from collections.abc import Iterable
from datetime import datetime

from freehold.admin.keys import EVERY_SERVICE, Standing
from freehold.admin.state import read_api_keys
from freehold.assess.evidence.gather import Rules, gather
from freehold.assess.evidence.picture import Foresight, Lost, Picture
from freehold.bootstrap.consult import law_in_files
from freehold.bootstrap.foresight import foreseen_by
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.policy.cedar import Rule
from freehold.policy.judge import Application
from freehold.policy.trees import names_key


def picture_of(estate: Estate, at: datetime) -> Picture:
    """Raises PolicyInvalid, SettingsError, EstateError, VerificationFailed."""
    found = law_in_files(estate)
    judge = found.judge(estate)
    rules = Rules(
        law=found.law,
        judge=judge,
        services=found.services,
        targets=found.targets,
        applications=tuple(_applications(estate, judge.rules)),
    )
    return gather(estate, rules, at, _foresight(estate))


def _foresight(estate: Estate) -> Foresight:
    """With slots and load where the estate is up. One that does not answer is assessed without."""
    try:
        foreseen = foreseen_by(estate)
    except EstateError:
        return Foresight()
    losses = [
        Lost(
            kind=loss["kind"],
            name=loss["name"],
            service=verdict["service"],
            fate=verdict["fate"],
            target=verdict["target"],
            reason=verdict["reason"],
            touched=verdict["touched"],
        )
        for loss in foreseen.losses
        for verdict in loss["services"]
    ]
    return Foresight(up=foreseen.up, losses=tuple(losses))


def _applications(estate: Estate, rules: Iterable[Rule]) -> Iterable[Application]:
    """One that is good for every service; and every key that works, where rules can tell keys apart."""
    yield Application(key="any", services=EVERY_SERVICE)
    if any(names_key(rule.tree) for rule in rules):
        for record in read_api_keys(estate.state):
            if record.standing(time.time()) is Standing.ACTIVE:
                yield Application(key=record.id, services=record.services)
