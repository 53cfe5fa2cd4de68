# SPDX-License-Identifier: Apache-2.0
"""The framework as data: criteria with their steps, profiles of weights, and in what the sources disagree.

Steps go from the worst answer to the best. What is in the files and does not add up is a bug of this release.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Annotated, Final, Literal, TypeVar

import msgspec
import yaml
from msgspec import Meta

from freehold.errors import NotFound

HIGHEST_SEAL: Final = 4
_HERE = resources.files("freehold.assess.evidence.csf")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Status = Literal["confirmed", "reported", "unconfirmed"]
_Seal = Annotated[int, Meta(ge=0, le=HIGHEST_SEAL)]
_Points = Annotated[float, Meta(ge=0)]
T = TypeVar("T")


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of a data file."""


class Source(_Strict, frozen=True):
    """Where an entry is from, and the day on which that was read."""

    source: str
    as_of: date


class Profile(_Strict, frozen=True):
    """Weights in percent, and what this version calls the levels."""

    weights: dict[str, int]
    seals: list[str]
    source: str
    as_of: date
    status: _Status
    note: str


class _Criterion(_Strict, frozen=True):
    title: str
    steps: list[tuple[_Points, _Seal]]
    source: str
    status: _Status


class _Objective(_Strict, frozen=True):
    title: str
    source: str
    status: _Status
    criteria: dict[str, _Criterion]


class _Criteria(_Strict, frozen=True):
    sources: dict[str, Source]
    version: str
    objectives: dict[str, _Objective]


class _Profiles(_Strict, frozen=True):
    default: str
    profiles: dict[str, Profile]
    disagreements: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One answer: its reference points, and the level that it guarantees."""

    points: float
    seal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One of the 48, by an id such as ``SOV-3.q1``."""

    id: str
    objective: str
    title: str
    steps: tuple[Step, ...]
    source: Source
    status: str

    @property
    def best(self) -> int:
        return len(self.steps) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """All of it. ``objectives`` are titles by id, in their order."""

    version: str
    objectives: Mapping[str, str]
    criteria: Mapping[str, Criterion]
    profiles: Mapping[str, Profile]
    default: str
    disagreements: tuple[str, ...]

    def profile(self, name: str) -> Profile:
        """Raises NotFound."""
        if name not in self.profiles:
            raise NotFound(f"there is no profile {name!r}", hint=f"There are: {', '.join(self.profiles)}.")
        return self.profiles[name]


def load_framework() -> Framework:
    """As this release has it."""
    criteria, profiles = _read("criteria.yaml", _Criteria), _read("profiles.yaml", _Profiles)
    known = {
        f"{objective}.{name}": Criterion(
            id=f"{objective}.{name}",
            objective=objective,
            title=one.title,
            steps=tuple(Step(points=points, seal=seal) for points, seal in one.steps),
            source=criteria.sources[one.source],
            status=one.status,
        )
        for objective, entry in criteria.objectives.items()
        for name, one in entry.criteria.items()
    }
    return Framework(
        version=criteria.version,
        objectives={name: one.title for name, one in criteria.objectives.items()},
        criteria=known,
        profiles=profiles.profiles,
        default=profiles.default,
        disagreements=tuple(profiles.disagreements),
    )


def _read(name: str, kind: type[T]) -> T:
    text = (_HERE / name).read_text(encoding="utf-8")
    return msgspec.convert(yaml.load(text, Loader=_LOADER), kind)  # noqa: S506 - a loader of plain values
