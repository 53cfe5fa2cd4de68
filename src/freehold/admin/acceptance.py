# SPDX-License-Identifier: Apache-2.0
"""Which targets have passed the cases of their services: reads the files, keeps who may stand in, shows it to people.

A service with a file of cases is answered by its first target, and by those others that have a current pass.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from freehold.admin.publish import compose, models_of
from freehold.admin.state import read_qualifications
from freehold.admin.views import View, instant
from freehold.continuity.acceptance import (
    CaseFile,
    Fitness,
    Qualification,
    Terms,
    fitness_of,
    read_cases,
    require_telling,
)
from freehold.contract.backend import Service
from freehold.contract.estate import Estate
from freehold.contract.law import Law
from freehold.contract.snapshot import Snapshot
from freehold.errors import SettingsError
from freehold.settings import Settings, blame
from freehold.vault import Vault

Suites = Mapping[str, CaseFile]  # by service
Fitnesses = Mapping[str, Mapping[str, tuple[Fitness, str]]]  # by service with cases and target; and what it lacks

_LARGEST_BYTES = 2**22


def read_suites(estate: Estate, settings: Settings) -> Suites:
    """The cases of every service that has some. Raises SettingsError, also for cases that tell nothing."""
    suites: dict[str, CaseFile] = {}
    for service, section in settings.services.items():
        if section.acceptance:
            path = _path(estate, service, section.acceptance)
            suites[service] = read_cases(_text_of(path), str(path))
            require_telling(suites[service], name=str(path), min_share=section.min_acceptance)
    return suites


def gated(
    snapshot: Snapshot, settings: Settings, suites: Suites, runs: Iterable[Qualification], now_unix: float
) -> Snapshot:
    """The snapshot, with those targets marked that may stand in for no other."""
    standings = _standings(snapshot, settings, suites, runs, now_unix)
    services = (_marked(service, standings.get(service.name, {})) for service in snapshot.services)
    return replace(snapshot, services=tuple(services))


def acceptance_views(
    snapshot: Snapshot, settings: Settings, suites: Suites, runs: Iterable[Qualification], now_unix: float
) -> dict[str, View | None]:
    """By service, what its cases say of its targets. None for a service without cases."""
    runs = tuple(runs)
    newest = {(run.service, run.target): run for run in runs}
    standings = _standings(snapshot, settings, suites, runs, now_unix)
    return {
        service.name: None
        if service.name not in suites
        else {
            "cases": len(suites[service.name].cases),
            "digest": suites[service.name].digest,
            "min_acceptance": settings.services[service.name].min_acceptance,
            "targets": [
                _target_view(target, standing, why, newest.get((service.name, target)))
                for target, (standing, why) in standings[service.name].items()
            ],
        }
        for service in snapshot.services
    }


def fitness_in_files(estate: Estate, settings: Settings, now_unix: float) -> Fitnesses:
    """How the targets of every service with cases stand, by what lies in the estate's directory. Raises SettingsError,
    EstateError.
    """
    suites = read_suites(estate, settings)
    models = models_of(settings, Vault(estate.vault))
    snapshot = compose(settings, (), models, Law(), version=0, now_unix=now_unix)
    return _standings(snapshot, settings, suites, read_qualifications(estate.state), now_unix)


def with_acceptance(status: View, acceptance: Mapping[str, View | None]) -> View:
    """What is shown of the estate, with what the cases of its services say."""
    services = status["services"]
    assert isinstance(services, list)  # noqa: S101 - describe() made it
    return {**status, "services": [{**row, "acceptance": acceptance.get(row["name"])} for row in services]}


def terms_of(settings: Settings, suites: Suites, service: str) -> Terms:
    """What the service asks of whoever is to stand in."""
    section = settings.services[service]
    return Terms(
        cases=suites[service].digest, min_share=section.min_acceptance, max_age_days=section.acceptance_max_age_days
    )


def _standings(
    snapshot: Snapshot, settings: Settings, suites: Suites, runs: Iterable[Qualification], now_unix: float
) -> Fitnesses:
    newest = {(run.service, run.target): run for run in runs}
    targets = {target.name: target for target in snapshot.targets}
    return {
        service.name: {
            name: fitness_of(
                targets[name],
                newest.get((service.name, name)),
                terms_of(settings, suites, service.name),
                first=number == 0,
                now_unix=now_unix,
            )
            for number, name in enumerate(service.targets)
        }
        for service in snapshot.services
        if service.name in suites
    }


def _marked(service: Service, standings: Mapping[str, tuple[Fitness, str]]) -> Service:
    unqualified = tuple(name for name, (standing, _) in standings.items() if standing is Fitness.NOT_QUALIFIED)
    return replace(service, unqualified=unqualified)


def _target_view(target: str, standing: Fitness, why: str, run: Qualification | None) -> View:
    return {
        "target": target,
        "standing": standing,
        "current_pass": not why,
        "reason": why,
        "passed": run.passed if run else None,
        "total": run.total if run else None,
        "at": instant(run.at_unix) if run else None,
    }


def _path(estate: Estate, service: str, written: str) -> Path:
    relative = PurePosixPath(written)
    if relative.is_absolute() or ".." in relative.parts:
        what = f"{written!r} is not a file within the estate's directory"
        raise blame(estate.settings, ("service", service), "acceptance", what)
    path = estate.directory / relative
    if not path.is_file():
        raise blame(estate.settings, ("service", service), "acceptance", f"there is no file {path}")
    return path


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise SettingsError(f"{path}: is larger than {_LARGEST_BYTES} bytes", hint="Put fewer cases into it.")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: cannot be read as UTF-8 text", hint="Correct the file.") from exc
