# SPDX-License-Identifier: Apache-2.0
"""All that was found, in the light of the facts: on whom one depends, who can compel them, how hard it is to leave."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Final

from freehold.assess.exposure.finding import Found, Read, Secret, Trouble
from freehold.assess.exposure.knowledge import Kind, Knowledge, load_knowledge
from freehold.assess.exposure.manifests import manifest_of
from freehold.assess.exposure.moving import HARDNESS, Effort, Move, Moves, hardest
from freehold.assess.exposure.run import Hosts, read_all
from freehold.assess.exposure.walk import Place, Walked, walk
from freehold.contract.facts import UNKNOWN, Confidence
from freehold.policy.facts import EXPOSURE, Register, backend_facts, statutes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A state that can compel a provider, by the strongest of the reasons, with its source."""

    state: str
    because: str
    source: str
    as_of: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One finding with what follows from it. ``new`` is false for what a baseline has."""

    found: Found
    application: str
    move: Move
    new: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One provider that something depends on. ``known`` is false where no facts are: nothing is safe then."""

    provider: str
    title: str
    known: bool
    authorities: tuple[Authority, ...]
    ties: tuple[str, ...]  # weaker ties of the facts, which are no authority
    statutes: tuple[str, ...]
    kinds: Mapping[Kind, int]
    applications: tuple[str, ...]
    effort: Effort
    efforts: Mapping[Effort, int]

    @property
    def states(self) -> tuple[str, ...]:
        """What nobody established comes last."""
        return tuple(sorted((one.state for one in self.authorities), key=lambda state: (state == UNKNOWN, state)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The whole. Exposures are in the order of files and lines, dependencies the largest first."""

    paths: tuple[str, ...]
    exposures: tuple[Exposure, ...]
    owned: tuple[Found, ...]
    dependencies: tuple[Dependency, ...]
    applications: tuple[str, ...]  # with findings, one's own among them
    secrets: tuple[Secret, ...]
    troubles: tuple[Trouble, ...]
    files: int
    passed_over: Mapping[str, int]
    archives: tuple[str, ...]

    @property
    def states(self) -> tuple[str, ...]:
        found = {state for one in self.dependencies for state in one.states}
        return tuple(sorted(found, key=lambda state: (state == UNKNOWN, state)))

    def of(self, provider: str) -> tuple[Exposure, ...]:
        return tuple(one for one in self.exposures if one.found.provider == provider)


def assess(paths: Iterable[Path], register: Register, today: date, *, processes: int | None = None) -> Assessment:
    """Read all that lies under the paths. Raises EstateError for one that is not there."""
    roots, walked = tuple(paths), Walked()
    hosts = hosts_of(register)
    folders: set[str] = set()
    every = read_all(_noting(walk(roots, walked), folders), hosts, processes=processes)
    reads = [read for read in every if read.found or read.secrets or read.troubles]
    return _assessed(roots, reads, walked, folders, register, load_knowledge(hosts), today)


def hosts_of(register: Register) -> Hosts:
    """The hosts that the register names, for the rules."""
    return tuple(
        (known.host, name, known.source) for name, provider in register.providers.items() for known in provider.hosts
    )


def _noting(places: Iterable[Place], folders: set[str]) -> Iterable[Place]:
    """The folders that have a manifest are applications."""
    for place in places:
        folder, _, name = place.name.rpartition("/")
        manifest = manifest_of(name)
        if (manifest is not None and not manifest.lock) or name == "Dockerfile":
            folders.add(folder)
        yield place


def _assessed(  # noqa: PLR0913, PLR0917 - what an assessment is made of
    roots: tuple[Path, ...],
    reads: list[Read],
    walked: Walked,
    folders: set[str],
    register: Register,
    known: Knowledge,
    today: date,
) -> Assessment:
    moves = Moves(known.places, register)
    root = roots[0].resolve().name if len(roots) == 1 and roots[0].is_dir() else ""
    found = [one for read in reads for one in read.found]
    exposures = tuple(
        Exposure(found=one, application=application_of(one.file, folders, root), move=moves.of(one))
        for one in found
        if not one.owned
    )
    applications = {application_of(one.file, folders, root) for one in found}
    return Assessment(
        paths=tuple(map(str, roots)),
        exposures=exposures,
        owned=tuple(one for one in found if one.owned),
        dependencies=dependencies(exposures, register, known.places.titles, today),
        applications=tuple(sorted(applications)),
        secrets=tuple(secret for read in reads for secret in read.secrets),
        troubles=tuple(trouble for read in reads for trouble in read.troubles),
        files=walked.files,
        passed_over=dict(sorted(walked.passed_over.items())),
        archives=tuple(walked.archives),
    )


def application_of(file: str, folders: set[str], root: str) -> str:
    """The nearest folder above that has a manifest, else the first folder of the path, else what was asked for."""
    parents = [str(parent) for parent in PurePosixPath(file).parents]
    nearest = next((folder for folder in parents if folder != "." and folder in folders), "")
    if nearest:
        return nearest
    return root or parents[-2 if len(parents) > 1 else -1].removeprefix(".") or file


def dependencies(
    exposures: Iterable[Exposure], register: Register, titles: Mapping[str, str], today: date
) -> tuple[Dependency, ...]:
    """One for each provider, those with the most findings first."""
    by_provider: dict[str, list[Exposure]] = {}
    for exposure in exposures:
        by_provider.setdefault(exposure.found.provider, []).append(exposure)
    made = [_dependency(name, found, register, titles, today) for name, found in by_provider.items()]
    return tuple(sorted(made, key=lambda one: (-sum(one.kinds.values()), one.provider)))


def _dependency(
    provider: str, found: list[Exposure], register: Register, titles: Mapping[str, str], today: date
) -> Dependency:
    known = register.providers.get(provider)
    authorities = _authorities(register, provider, today)
    states = [authority.state for authority in authorities]
    efforts = Counter(one.move.effort for one in found)
    return Dependency(
        provider=provider,
        title=known.name if known else titles.get(provider, provider),
        known=known is not None,
        authorities=authorities,
        ties=backend_facts(register, provider, today=today).exposure if known else (),
        statutes=tuple(sorted(statutes_of(register, states))),
        kinds=dict(sorted(Counter(one.found.kind for one in found).items())),
        applications=tuple(sorted({one.application for one in found})),
        effort=hardest(one.move for one in found),
        efforts={effort: efforts[effort] for effort in HARDNESS if efforts[effort]},
    )


_NOTHING: Final = Authority(
    state=UNKNOWN,
    because="no facts about it are in the register",
    source="",
    as_of="",
    confidence=Confidence.UNKNOWN,
)
_SUREST: Final = (Confidence.CONFIRMED, Confidence.REPORTED, Confidence.UNKNOWN)


def _authorities(register: Register, provider: str, today: date) -> tuple[Authority, ...]:
    if provider not in register.providers:
        return (_NOTHING,)
    facts = backend_facts(register, provider, today=today)
    found = []
    for state in facts.authorities:
        reasons = [one for one in facts.reasons if one.state == state and one.rule not in EXPOSURE]
        best = min(reasons, key=lambda one: _SUREST.index(one.confidence))
        found.append(
            Authority(
                state=state, because=best.because, source=best.source, as_of=best.as_of, confidence=best.confidence
            )
        )
    return tuple(found)
