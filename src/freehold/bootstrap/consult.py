# SPDX-License-Identifier: Apache-2.0
"""What is in force in an estate, to be read: by its control process where it is up, else by its files."""

import time

import msgspec

from freehold.admin.client import AdminClient
from freehold.admin.configured import read_configured
from freehold.admin.consulted import Consulted
from freehold.admin.orders import read_orders
from freehold.admin.publish import compose, models_of
from freehold.admin.withdrawal_views import directive_view, target_views
from freehold.admin.withdrawals import held_by, located
from freehold.bootstrap.launch import supervisor_pid
from freehold.bootstrap.withdrawn import Told
from freehold.continuity.directives import hits
from freehold.contract.backend import Service, Target
from freehold.contract.estate import Estate
from freehold.contract.law import Law
from freehold.policy.facts import load_register
from freehold.provider import endpoints_of
from freehold.settings import read_settings
from freehold.vault import Vault


def consult(estate: Estate) -> Consulted:
    """Raises PolicyInvalid, SettingsError, EstateError."""
    if supervisor_pid(estate) is None:
        return law_in_files(estate)
    told = AdminClient(estate.control_socket).get("policy")["policy"]
    return Consulted(
        in_force=True,
        law=msgspec.convert(told["law"], Law),
        services=msgspec.convert(told["services"], tuple[Service, ...]),
        targets=msgspec.convert(told["targets"], tuple[Target, ...]),
    )


def law_in_files(estate: Estate) -> Consulted:
    """What the files would put in force now. Raises PolicyInvalid, SettingsError."""
    settings, now_unix = read_settings(estate.settings), time.time()
    files = read_configured(estate, settings)
    law, models = files.law(now_unix), models_of(settings, Vault(estate.vault))
    snapshot = compose(settings, (), models, law, files.endpoints, version=0, now_unix=now_unix)
    return Consulted(in_force=False, law=law, services=snapshot.services, targets=snapshot.targets)


def withdrawals_in_files(estate: Estate) -> Told:
    """What the files say is withdrawn; they know of no outage. Raises PolicyInvalid, SettingsError."""
    settings, found = read_settings(estate.settings), law_in_files(estate)
    register = load_register(estate.facts)
    facts = located(found.law.facts, endpoints_of(settings, register, estate), register)
    directives, reasons, holdings = read_orders(estate.state)
    held = held_by(directives, reasons, holdings)
    hit = {
        one.id: [target.name for target in found.targets if hits(one, target, facts.get(target.operator))]
        for one in directives
    }
    return Told(
        msgspec.to_builtins([directive_view(one, reasons.get(one.id, ""), hit[one.id]) for one in directives]),
        msgspec.to_builtins(target_views(found.targets, found.services, settings, facts, held, holdings, reasons)),
    )
