# SPDX-License-Identifier: Apache-2.0
"""The sections of the suite, in the order in which they run, with about how long each takes."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from subprocess import SubprocessError
from types import MappingProxyType

from bench import continuity, ledger, policy
from bench.detector import detector
from bench.estate import BenchEstate
from bench.measures import added_first_token, memory
from bench.report import Row
from bench.sections import calls, footprint, overhead, owned, starting, streaming
from bench.sections.stage import Stage, stage

Facts = dict[str, str]  # what a scene adds to what is known of the run
Measured = Iterator[tuple[str, Row]]  # section and number


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What sections are measured on: built once for those that share it."""

    quick: bool
    without: Sequence[str]
    facts: Facts
    stage: Stage | None = None
    estate: BenchEstate | None = None

    @property
    def staged(self) -> Stage:
        if self.stage is None:
            raise RuntimeError("this section needs the peers")
        return self.stage

    @property
    def owned(self) -> BenchEstate:
        if self.estate is None:
            raise RuntimeError("this section needs an estate with an engine")
        return self.estate


Build = Callable[[Scene], AbstractContextManager[Scene]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One group of numbers. ``seconds`` of a whole run and of a quick one, on a quiet machine of two cores."""

    name: str
    what: str
    seconds: tuple[int, int]
    build: Build
    measure: Callable[[Scene], Iterator[Row]]


@contextmanager
def _peers(on: Scene) -> Iterator[Scene]:
    with stage(on.without) as built:
        on.facts.update({f"{name}'s version": version for name, version in built.versions.items()})
        yield Scene(quick=on.quick, without=on.without, facts=on.facts, stage=built)


@contextmanager
def _engine(on: Scene) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="freehold-bench-") as folder, BenchEstate(Path(folder)) as estate:
        estate.up()
        facts = estate.facts()
        on.facts.update(engine=facts.engine, model=facts.model, engine_threads=str(facts.threads))
        yield Scene(quick=on.quick, without=on.without, facts=on.facts, estate=estate)


@contextmanager
def _nothing(on: Scene) -> Iterator[Scene]:
    yield on


def _owned(on: Scene) -> Iterator[Row]:
    yield from owned.measure(on.owned, quick=on.quick)
    yield (added := added_first_token(on.owned, rounds=12 if on.quick else 60))
    yield from detector(added_ms=added.value)
    yield from memory(on.owned)


def _decisions(_: Scene) -> Iterator[Row]:
    yield from policy.measure()


def _ledger(on: Scene) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="freehold-ledger-") as folder:
        yield from ledger.measure(Path(folder), quick=on.quick)


def _continuity(on: Scene) -> Iterator[Row]:
    with continuity.scene() as scene:
        yield from continuity.measure(scene, rounds=2 if on.quick else 7)


_ALL = (
    Section(
        name="calls",
        what="whole answers, side by side with every peer, by connections and size of prompt",
        seconds=(340, 70),
        build=_peers,
        measure=lambda on: calls.measure(on.staged, quick=on.quick),
    ),
    Section(
        name="streaming",
        what="paced streams, side by side with every peer: how many, how soon, how evenly",
        seconds=(360, 55),
        build=_peers,
        measure=lambda on: streaming.measure(on.staged, quick=on.quick),
    ),
    Section(
        name="memory",
        what="at rest, after 200,000 requests, at 512 streams, during 1,000 requests of 400 KB",
        seconds=(130, 25),
        build=_peers,
        measure=lambda on: footprint.measure(on.staged, quick=on.quick),
    ),
    Section(
        name="engine",
        what="an owned engine through the gateway and past it: tokens/s, first tokens, cache; the detector alone",
        seconds=(160, 45),
        build=_engine,
        measure=_owned,
    ),
    Section(
        name="start",
        what="start to ready, wake from sleep",
        seconds=(40, 20),
        build=_engine,
        measure=lambda on: starting.measure(on.owned, quick=on.quick),
    ),
    Section(name="decisions", what="the time of a decision", seconds=(5, 5), build=_nothing, measure=_decisions),
    Section(
        name="overhead",
        what="what parts that may be turned on cost whole calls: the detector, metrics, traces",
        seconds=(75, 18),
        build=_nothing,
        measure=lambda on: overhead.measure(quick=on.quick),
    ),
    Section(
        name="ledger",
        what="appends, entries/s, memory, large logs, verification",
        seconds=(270, 60),
        build=_nothing,
        measure=_ledger,
    ),
    Section(
        name="continuity",
        what="a provider that vanishes in mid-stream, and the cost of being ready for it",
        seconds=(120, 45),
        build=_nothing,
        measure=_continuity,
    ),
)
SECTIONS = MappingProxyType({section.name: section for section in _ALL})
NOT_IN_QUICK = frozenset({"ledger", "continuity"})  # unless they are asked for by name


def chosen(names: Sequence[str], *, quick: bool) -> list[Section]:
    """The sections of these names, in the suite's own order; all of them where none is named."""
    if names:
        return [section for section in _ALL if section.name in names]
    return [section for section in _ALL if not (quick and section.name in NOT_IN_QUICK)]


def measure(sections: Sequence[Section], on: Scene, failed: Callable[[str, Exception], None]) -> Measured:
    """Every number as it is known. What several sections share is built once.

    One that breaks takes those with it that share what it ran on, and no others: an hour's figures are not lost.
    """
    for build, sharing in groupby(sections, key=lambda section: section.build):
        name = ""
        try:
            with build(on) as built:
                for section in sharing:
                    name = section.name
                    for row in section.measure(built):
                        yield name, row
        except (RuntimeError, OSError, ValueError, AssertionError, SubprocessError) as problem:
            failed(name or "what the sections run on", problem)
