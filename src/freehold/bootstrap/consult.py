# SPDX-License-Identifier: Apache-2.0
"""What is in force in an estate, to be read: by its control process where it is up, else by its files."""

import time
from dataclasses import dataclass

import msgspec

from freehold.admin.client import AdminClient
from freehold.admin.configured import read_configured
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
from freehold.contract.snapshot import Snapshot
from freehold.errors import NotFound
from freehold.policy.cedar import read_rules
from freehold.policy.decide import backends_of
from freehold.policy.facts import backend_facts, load_register
from freehold.policy.judge import Backend, Judge
from freehold.policy.load import day_of
from freehold.provider import endpoints_of
from freehold.settings import read_settings
from freehold.vault import Vault

DESCRIBED = "provider:"  # before the name of a provider of the register that need not be a target


@dataclass(frozen=True, slots=True, kw_only=True)
class Consulted:
    """A law with the services and targets that it decides about."""

    in_force: bool  # false: the estate is down, and this is what its files would put in force
    law: Law
    services: tuple[Service, ...]
    targets: tuple[Target, ...]

    def service(self, name: str) -> Service:
        """Raises NotFound."""
        found = next((service for service in self.services if service.name == name), None)
        if found is None:
            known = ", ".join(service.name for service in self.services)
            raise NotFound(f"there is no service {name!r}; there are: {known}", hint="Name one of them.")
        return found

    def judge(self, estate: Estate, described: tuple[str, ...] = ()) -> Judge:
        """Over every target, and the described backends besides. Raises NotFound, SettingsError."""
        snapshot = Snapshot(version=0, services=self.services, targets=self.targets, law=self.law)
        backends = (*backends_of(snapshot), *(_described(estate, name) for name in described))
        return Judge(read_rules(self.law.files), backends, self.law.states)


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


def _described(estate: Estate, name: str) -> Backend:
    """A provider of the register as one would be judged that somebody configured."""
    provider = name.removeprefix(DESCRIBED)
    facts = backend_facts(load_register(estate.facts), provider, today=day_of(time.time()))
    return Backend(name=f"{DESCRIBED}{provider}", facts=facts)


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
