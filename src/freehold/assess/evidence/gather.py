# SPDX-License-Identifier: Apache-2.0
"""Reads an estate into a picture of it. Files only: it asks no process, and changes nothing.

What only a running estate knows, its room for what it would lose, is handed in.

What a rule may decide by is tried out: every application given, and every data class that a call of the service can
have. A target that any of them may reach counts, whether or not a directive withdraws it today.
"""

import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from freehold.assess.evidence.answers import answers_path, read_answers
from freehold.assess.evidence.picture import (
    Backend,
    DrillDone,
    Evidence,
    Foresight,
    KeyFile,
    Kind,
    Picture,
    Served,
    Setup,
    VaultModel,
)
from freehold.assess.evidence.recipients import recipients_of
from freehold.assess.evidence.recorded import read_ledger
from freehold.assess.ourselves.kept import read_kept
from freehold.continuity.drill.kept import Kept, read_all
from freehold.continuity.drill.scorecard import Held, Scorecard
from freehold.contract.backend import Service, Target
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.contract.facts import BackendFacts, Reason
from freehold.contract.law import Law
from freehold.errors import EstateError
from freehold.policy.facts import Register, adequacy_in_force, load_register, members_of, statutes_of
from freehold.policy.facts.derive import in_force, organisation_versions, provider_versions
from freehold.policy.judge import Application, Circumstances, Judge
from freehold.settings import Settings, read_settings
from freehold.vault import Manifest, Vault

_MINUTE_S = 60
_CONTROL = frozenset({"operator", "parent"})  # rules by which a reason may be about control


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides in the estate, and whom it is asked for."""

    law: Law
    judge: Judge
    services: Sequence[Service]
    targets: Sequence[Target]
    applications: Sequence[Application]


def gather(estate: Estate, rules: Rules, at: datetime, foresight: Foresight) -> Picture:
    """Raises SettingsError, EstateError, and VerificationFailed for a ledger whose checkpoint does not hold."""
    settings, register = read_settings(estate.settings), load_register(estate.facts)
    answers, digest = read_answers(answers_path(estate.directory))
    return Picture(
        at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        origin=settings.estate.origin,
        region=settings.estate.region,
        set=rules.law.set,
        policy_digest=rules.law.policy_digest,
        facts_digest=rules.law.facts_digest,
        services=tuple(_served(service, rules, int(at.timestamp())) for service in rules.services),
        backends={backend.name: backend for backend in _backends(estate, settings, rules, register, at.date())},
        keys=tuple(_keys(estate)),
        ledger=read_ledger(estate),
        salts_kept_days=settings.ledger.salts_kept_days,
        witnesses=tuple(sorted(settings.witnesses)),
        drills=tuple(map(_drill, read_all(estate.drills))),
        eu=members_of(register, "EU"),
        answers=answers,
        answers_digest=digest,
        eea=members_of(register, "EEA"),
        adequacy=adequacy_in_force(register, at.date()),
        models=tuple(_models(estate)),
        setup=_setup(settings),
        foresight=foresight,
        ourselves=read_kept(estate),
    )


def _served(service: Service, rules: Rules, at_unix: int) -> Served:
    may = [name for name in service.targets if _may_answer(service, name, rules, at_unix)]
    return Served(
        name=service.name,
        data_class=service.data_class.name.lower(),
        may_answer=tuple(may),
        may_not=tuple(name for name in service.targets if name not in may),
        unqualified=service.unqualified,
        may_see_personal=tuple(n for n in may if _may_answer(service, n, rules, at_unix, DataClass.PERSONAL)),
        purpose=service.purpose,
    )


def _may_answer(service: Service, target: str, rules: Rules, at_unix: int, least: DataClass = DataClass.PUBLIC) -> bool:
    classes = [data_class for data_class in DataClass if data_class >= max(service.data_class, least)]
    return any(
        rules.judge.judge(
            application,
            target,
            Circumstances(service=service.name, purpose=service.purpose, data_class=data_class, at_unix=at_unix),
        ).allowed
        for application in rules.applications
        for data_class in classes
    )


def _backends(estate: Estate, settings: Settings, rules: Rules, register: Register, today: date) -> Iterator[Backend]:
    models = {manifest.name: manifest for manifest in Vault(estate.vault).list()}
    for target in rules.targets:
        facts = rules.judge.backends[target.name].facts
        owned = settings.engines.get(target.name)
        yield Backend(
            name=target.name,
            operator=target.operator,
            model=target.model.name,
            licence=target.licence,
            weights=_weights(models.get(owned.model), estate) if owned is not None else None,
            facts=facts,
            statutes={name: one.act for name, one in statutes_of(register, facts.authorities).items()},
            control=tuple(_control(register, facts, today)),
            legal_name=_legal_name(register, target.operator),
            recipients=() if facts.owned else recipients_of(register, target.operator),
        )


def _control(register: Register, facts: BackendFacts, today: date) -> Iterator[Reason]:
    """A sub-processor's owner can be compelled, and controls no provider."""
    known = provider_versions(register, facts.operator) if facts.operator in register.providers else ()
    waiting = [entry.operator.organisation for entry in known if entry.operator]
    visited, names = set[str](), set[str]()
    while waiting:
        name = waiting.pop()
        if name in visited:
            continue
        visited.add(name)
        for version in organisation_versions(register, name):
            names.add(version.name)
            owners = version.owners.listed if version.owners else ()
            waiting += [owner.organisation for owner in owners if owner.controls and in_force(owner, today)]
    for reason in facts.reasons:
        if reason.rule in _CONTROL and any(reason.because.startswith(f"{name} ") for name in names):
            yield reason


def _legal_name(register: Register, provider: str) -> str:
    known = register.providers.get(provider)
    operator = register.organisations.get(known.operator.organisation) if known and known.operator else None
    return operator.name if operator else ""


def _weights(manifest: Manifest | None, estate: Estate) -> Evidence | None:
    if manifest is None:
        return None
    says = f"{manifest.name}, {manifest.digest}, from {manifest.repository or manifest.origin}"
    return Evidence(kind=Kind.FILE, where=str(estate.vault.name), says=says, as_of=manifest.imported_at)


def _models(estate: Estate) -> Iterator[VaultModel]:
    manifests = Vault(estate.vault).list()
    names = {manifest.digest: manifest.name for manifest in manifests}
    for one in manifests:
        yield VaultModel(
            name=one.name,
            digest=one.digest,
            came_from=" ".join(filter(None, (one.repository or one.origin, one.revision))),
            published=bool(one.repository),
            parameters=one.parameters,
            licence=one.licence,
            parents=tuple(names.get(digest, digest) for digest in one.lineage.parents),
            made=one.lineage.done,
            imported_at=one.imported_at,
        )


def _setup(settings: Settings) -> Setup:
    return Setup(
        prune_after_days=settings.ledger.prune_after_days,
        detector=bool(settings.policy.detector),
        tls=bool(settings.listen.tls_cert),
        host=settings.listen.host,
    )


def _keys(estate: Estate) -> Iterator[KeyFile]:
    folder: Iterable[Path] = sorted(estate.keys.glob("*.key")) if estate.keys.is_dir() else []
    for path in folder:
        try:
            mode = path.lstat().st_mode
        except OSError as exc:
            raise EstateError(f"{path} cannot be looked at", hint="Run the command as the estate's owner.") from exc
        alone = stat.S_ISREG(mode) and not mode & (stat.S_IRWXG | stat.S_IRWXO)
        yield KeyFile(place=f"{estate.keys.name}/{path.name}", alone=alone)


def _drill(kept: Kept) -> DrillDone:
    card = kept.card
    return DrillDone(
        id=card.id,
        scenario=card.scenario,
        service=card.service,
        began=card.began,
        passed=card.passed,
        digest=kept.digest,
        hit=frozenset(target for move in card.happened for target in move.targets),
        simulated=frozenset(card.simulated),
        calls=card.calls.made,
        not_answered=card.calls.not_answered,
        shed=card.calls.shed,
        waiting_peak=card.waiting_peak,
        duration_s=card.duration_s,
        recovery_s=card.recovery_longest_s,
        policy_violations=card.policy_violations,
        answered_by=frozenset(name for second in card.seconds for name in second.answered),
        objectives=tuple(map(_objective, card.verdict)),
        per_minute=_per_minute(card),
    )


def _per_minute(card: Scorecard) -> float:
    """A minute of the clock lies in at most 61 of the drill's seconds."""
    if card.duration_s < _MINUTE_S:
        return card.calls.made / card.duration_s * _MINUTE_S if card.duration_s else 0.0
    began = [second.began for second in card.seconds]
    return float(max((sum(began[at : at + _MINUTE_S + 1]) for at in range(len(began))), default=0))


def _objective(held: Held) -> str:
    found = "not known" if held.found is None else f"{held.found:g}"
    return f"{held.objective} {held.stated:g}: found {found}, {'held' if held.holds else 'not held'}"
