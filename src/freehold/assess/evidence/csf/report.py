# SPDX-License-Identifier: Apache-2.0
"""The assessment of an estate: every service, then the whole, each with score, floor and what holds it down. Pure.

A criterion of a service stands where the worst backend that may answer it puts it, and one of the estate where the
worst service does. So no good backend hides a bad one, and a better answer never makes anything worse.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from freehold.assess.evidence.answers import OWN, Answer, newest
from freehold.assess.evidence.csf.framework import HIGHEST_SEAL, Framework, Profile
from freehold.assess.evidence.csf.grading import Grade, grade
from freehold.assess.evidence.csf.measured import measured, subject_of
from freehold.assess.evidence.csf.score import Scored, floor, score, total
from freehold.assess.evidence.picture import LedgerHead, Picture, Served


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One criterion, where its worst backends put it. Those are named; the estate's own engines count as ``self``."""

    title: str
    status: str  # of the source of the criterion
    backends: tuple[str, ...]
    grade: Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """What holds the floor down, and the first step that would not. ``needs`` above ``most``: facts are against it."""

    criterion: str
    title: str
    backends: tuple[str, ...]
    step: int
    needs: int | None  # None: no step of it is higher
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What the score would gain at the most, in percent of the whole, if a criterion stood as high as facts allow."""

    criterion: str
    title: str
    backends: tuple[str, ...]
    step: int
    most: int
    gain_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """A service, or the estate. ``without``: the floor that would be left if a backend might not answer any more."""

    name: str
    data_class: str
    may_answer: tuple[str, ...]
    may_not: tuple[str, ...]
    score_pct: float
    profile: str
    floor: int
    floor_name: str
    objectives: tuple[Scored, ...]
    criteria: tuple[Standing, ...]
    held_by: tuple[Lift, ...]
    gains: tuple[Gain, ...]  # the largest first
    without: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What only a person can answer, and nobody has. ``steps``: how many there are to choose from."""

    criterion: str
    about: str
    title: str
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it, with what it was reckoned from. ``unanswerable``: services that no backend may answer."""

    at: str
    origin: str
    profile: str
    weights: Profile
    criteria_version: str
    set: str
    policy_digest: str
    facts_digest: str
    answers_digest: str
    ledger: LedgerHead | None
    estate: Assessed | None  # None: no service may be answered by anybody
    services: tuple[Assessed, ...]
    unanswerable: tuple[str, ...]
    missing: tuple[Question, ...]
    disagreements: tuple[str, ...]


def assess(picture: Picture, framework: Framework, profile: str = "") -> Report:
    """With the weights of a profile. Raises NotFound for one that there is not, EstateError for a wrong answer."""
    name = profile or framework.default
    reckoner = _Reckoner(picture, framework, name)
    living = [served for served in picture.services if served.may_answer]
    services = [reckoner.service(served) for served in living]
    return Report(
        at=picture.at,
        origin=picture.origin,
        profile=name,
        weights=framework.profile(name),
        criteria_version=framework.version,
        set=picture.set,
        policy_digest=picture.policy_digest,
        facts_digest=picture.facts_digest,
        answers_digest=picture.answers_digest,
        ledger=picture.ledger,
        estate=reckoner.whole(living) if living else None,
        services=tuple(services),
        unanswerable=tuple(served.name for served in picture.services if not served.may_answer),
        missing=reckoner.missing(living),
        disagreements=framework.disagreements,
    )


class _Reckoner:
    """Grades of every backend of every service, made once."""

    def __init__(self, picture: Picture, framework: Framework, profile: str) -> None:
        self._picture = picture
        self._framework = framework
        self._profile = profile
        self._weights = framework.profile(profile)
        self._answers: Mapping[tuple[str, str], Answer] = newest(picture.answers)
        self._grades: dict[tuple[str, str], tuple[Grade, ...]] = {}

    def service(self, served: Served) -> Assessed:
        return self._assessed(served.name, served.data_class, [served], served.may_answer, served.may_not)

    def whole(self, services: Sequence[Served]) -> Assessed:
        may = tuple(dict.fromkeys(name for served in services for name in served.may_answer))
        never = tuple(dict.fromkeys(n for served in services for n in served.may_not if n not in may))
        return self._assessed(self._picture.origin, "", services, may, never)

    def missing(self, services: Iterable[Served]) -> tuple[Question, ...]:
        """Each question once for each subject that it is open about; the estate's own come first."""
        found = {
            (grade.about != OWN, grade.about, grade.criterion): grade
            for served in services
            for name in served.may_answer
            for grade in self._graded(served, name)
            if grade.open
        }
        return tuple(
            Question(
                criterion=one.criterion,
                about=one.about,
                title=self._framework.criteria[one.criterion].title,
                steps=one.best + 1,
            )
            for _, one in sorted(found.items())
        )

    def _assessed(
        self, name: str, data_class: str, services: Sequence[Served], may: tuple[str, ...], never: tuple[str, ...]
    ) -> Assessed:
        standings = self._standings(services, frozenset(may))
        objectives = score(self._framework, {s.grade.criterion: s.grade.step for s in standings}, self._weights.weights)
        level = floor(objectives)
        return Assessed(
            name=name,
            data_class=data_class,
            may_answer=may,
            may_not=never,
            score_pct=round(total(objectives), 2),
            profile=self._profile,
            floor=level,
            floor_name=self._weights.seals[level],
            objectives=objectives,
            criteria=standings,
            held_by=tuple(self._lift(s) for s in standings if s.grade.seal == level) if level < HIGHEST_SEAL else (),
            gains=self._gains(standings, objectives),
            without={one: self._floor(services, frozenset(may) - {one}) for one in may if len(may) > 1},
        )

    def _standings(self, services: Sequence[Served], among: frozenset[str]) -> tuple[Standing, ...]:
        rows = [
            (name, grades)
            for served in services
            for name in served.may_answer
            if name in among
            for grades in [self._graded(served, name)]
        ]
        found = []
        for place, criterion in enumerate(self._framework.criteria.values()):
            worst = min((grades[place] for _, grades in rows), key=lambda one: (one.step, one.most))
            names = dict.fromkeys(name for name, grades in rows if grades[place].step == worst.step)
            found.append(Standing(title=criterion.title, status=criterion.status, backends=tuple(names), grade=worst))
        return tuple(found)

    def _floor(self, services: Sequence[Served], among: frozenset[str]) -> int:
        return min(standing.grade.seal for standing in self._standings(services, among))

    def _graded(self, served: Served, name: str) -> tuple[Grade, ...]:
        """In the order of the criteria."""
        if (served.name, name) not in self._grades:
            backend = self._picture.backends[name]
            bounds, about = measured(self._picture, served, backend), subject_of(backend)
            self._grades[served.name, name] = tuple(
                grade(criterion, about, self._answers.get((criterion.id, about)), bounds.get(criterion.id))
                for criterion in self._framework.criteria.values()
            )
        return self._grades[served.name, name]

    def _gains(self, standings: Iterable[Standing], objectives: Iterable[Scored]) -> tuple[Gain, ...]:
        worth = {objective.id: objective.weight / objective.most_points for objective in objectives}
        gains = []
        for standing in standings:
            criterion, stands = self._framework.criteria[standing.grade.criterion], standing.grade
            points = criterion.steps[stands.most].points - stands.points
            if points > 0:
                gain = Gain(
                    criterion=criterion.id,
                    title=criterion.title,
                    backends=standing.backends,
                    step=stands.step,
                    most=stands.most,
                    gain_pct=round(points * worth[criterion.objective], 2),
                )
                gains.append(gain)
        return tuple(sorted(gains, key=lambda gain: -gain.gain_pct))

    def _lift(self, standing: Standing) -> Lift:
        criterion, stands = self._framework.criteria[standing.grade.criterion], standing.grade
        higher = [number for number, step in enumerate(criterion.steps) if step.seal > stands.seal]
        return Lift(
            criterion=criterion.id,
            title=criterion.title,
            backends=standing.backends,
            step=stands.step,
            needs=min(higher, default=None),
            most=stands.most,
        )
