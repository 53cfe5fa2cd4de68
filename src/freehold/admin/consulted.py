# SPDX-License-Identifier: Apache-2.0
"""A law that is consulted: who may see which call under it, and why.

The admin API asks what is in force; the command line the same, or what the files of an estate that is down would put
in force.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from freehold.admin.keys import EVERY_SERVICE, KeyRecord
from freehold.admin.requests import ExplainCall, TabulatePolicy
from freehold.admin.views import View
from freehold.contract.backend import Service, Target
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.contract.law import Law
from freehold.contract.snapshot import Snapshot
from freehold.errors import InvalidRequest, NotFound
from freehold.ledger.record.entry import AdmissionEntry, TargetRecord, entry_fields
from freehold.policy.cedar import read_rules
from freehold.policy.decide import backends_of
from freehold.policy.explain import Explanation, explain
from freehold.policy.facts import Register, backend_facts, load_register
from freehold.policy.judge import Application, Backend, Circumstances, Judge
from freehold.policy.load import day_of
from freehold.policy.matrix import Cell, tabulate

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

    def judge(self, estate: Estate, described: Iterable[str] = (), *, register: Register | None = None) -> Judge:
        """Over every target, and the described backends besides: those are read of the estate's facts, unless the
        ``register`` is given. Raises NotFound, SettingsError.
        """
        snapshot = Snapshot(version=0, services=self.services, targets=self.targets, law=self.law)
        names = list(described)
        known = register or (load_register(estate.facts) if names else None)
        backends = [_described(known, name) for name in names] if known else []
        return Judge(read_rules(self.law.files), (*backends_of(snapshot), *backends), self.law.states)


def explained(
    found: Consulted, request: ExplainCall, keys: Iterable[KeyRecord], estate: Estate, register: Register | None = None
) -> View:
    """A call that is made up, and what every backend would be answered. Raises NotFound, InvalidRequest."""
    service = found.service(request.service) if request.service else _only_service(found)
    application, least = application_of(request.key, keys)
    circumstances = Circumstances(
        service=service.name,
        purpose=service.purpose if request.purpose is None else request.purpose,
        data_class=max(DataClass[(request.data_class or "public").upper()], service.data_class, least),
        at_unix=int(time.time()),
    )
    backends = _known(found, request.backends or service.targets)
    judge = found.judge(estate, [name for name in backends if name.startswith(DESCRIBED)], register=register)
    explanations = [explain(judge, application, name, circumstances) for name in backends]
    call = {
        "service": service.name,
        "data_class": circumstances.data_class.name.lower(),
        "key": application.key,
    }
    return {"call": call, "backends": msgspec.to_builtins(explanations)}


def tabulated(
    found: Consulted,
    request: TabulatePolicy,
    keys: Iterable[KeyRecord],
    estate: Estate,
    register: Register | None = None,
) -> list[Cell]:
    """Every service x data class x backend. Raises NotFound."""
    application, least = application_of(request.key, keys)
    described = [f"{DESCRIBED}{name.removeprefix(DESCRIBED)}" for name in request.providers]
    judge = found.judge(estate, described, register=register)
    return tabulate(judge, application, found.services, at_unix=int(time.time()), least=least)


def recalled(found: Consulted, index: int, entry: AdmissionEntry, keys: Iterable[KeyRecord], estate: Estate) -> View:
    """A decision of the past: what is on record, and an explanation where the same question gets the same answer."""
    same_policy = entry.decision.policy == found.law.policy_digest
    same_facts = entry.decision.facts == found.law.facts_digest
    explanations = _explanations(found, entry, keys, estate) if same_policy and same_facts else []
    return {
        "entry": index,
        "admission": entry_fields(entry),
        "same_policy": same_policy,
        "same_facts": same_facts,
        "explanations": msgspec.to_builtins(explanations),
    }


def law_view(found: Consulted, *, pending: bool) -> dict[str, object]:
    """Which rules, and whether the files say something else."""
    return {
        "set": found.law.set,
        "in_force": found.in_force,
        "pending": pending,
        "policy_digest": found.law.policy_digest,
        "facts_digest": found.law.facts_digest,
        "files": [{"name": file.name, "text": file.text} for file in found.law.files],
    }


def application_of(key_id: str | None, keys: Iterable[KeyRecord]) -> tuple[Application, DataClass]:
    """The principal, and the least class of its calls. Raises NotFound."""
    if key_id is None:
        return Application(key="any", services=EVERY_SERVICE), DataClass.PUBLIC
    record = next((record for record in keys if record.id == key_id), None)
    if record is None:
        raise NotFound(f"there is no API key {key_id!r}", hint="'freehold key list' shows them.")
    return Application(key=record.id, services=record.services), record.data_class


def _described(register: Register, name: str) -> Backend:
    """A provider of the register as one would be judged that somebody configured."""
    provider = name.removeprefix(DESCRIBED)
    facts = backend_facts(register, provider, today=day_of(time.time()))
    return Backend(name=f"{DESCRIBED}{provider}", facts=facts)


def _only_service(found: Consulted) -> Service:
    if len(found.services) != 1:
        known = ", ".join(each.name for each in found.services)
        raise InvalidRequest(f"there are several services: {known}", param="service", hint="Name one: --service.")
    return found.services[0]


def _known(found: Consulted, names: Sequence[str]) -> tuple[str, ...]:
    targets = [target.name for target in found.targets]
    for name in names:
        if name not in targets and not name.startswith(DESCRIBED):
            raise NotFound(
                f"there is no target {name!r}; there are: {', '.join(targets)}",
                hint=f"A provider of the register is '{DESCRIBED}{name}'; 'freehold provider list' shows them.",
            )
    return tuple(dict.fromkeys(names))


def _explanations(
    found: Consulted, entry: AdmissionEntry, keys: Iterable[KeyRecord], estate: Estate
) -> list[Explanation]:
    """Of every target that the same question still gets the same answer for."""
    service = next((service for service in found.services if service.name == entry.service), None)
    by_id: Mapping[str, KeyRecord] = {key.id: key for key in keys}
    if service is None or entry.key not in by_id:
        return []
    application = Application(key=entry.key, services=by_id[entry.key].services)
    circumstances = Circumstances(
        service=service.name,
        purpose=service.purpose,
        data_class=DataClass[entry.data_class.upper()],
        at_unix=int(datetime.fromisoformat(entry.at).timestamp()),
    )
    judge = found.judge(estate)
    answers = (_same(judge, application, record, circumstances) for record in entry.targets)
    return [answer for answer in answers if answer is not None]


def _same(
    judge: Judge, application: Application, record: TargetRecord, circumstances: Circumstances
) -> Explanation | None:
    if record.name not in judge.backends:
        return None
    explanation = explain(judge, application, record.name, circumstances)
    return explanation if (explanation.allowed, explanation.rules) == (record.allowed, record.rules) else None
