# SPDX-License-Identifier: Apache-2.0
"""What got better or worse since the run before, beyond what each of the two varied by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.report import Row
from bench.showing.results import Results, read
from bench.showing.statistics import is_beyond

_RUNS = "*Z.json"
SAME = ("processor", "cores", "disk", "python")  # what must be the same for two runs to be compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One number that is another now."""

    row: Row
    before: float

    @property
    def word(self) -> str:
        if self.row.more_is_better is None:
            return "changed"
        return "better" if (self.row.value > self.before) == self.row.more_is_better else "worse"

    @property
    def share(self) -> str:
        return f"{(self.row.value - self.before) / abs(self.before):+.0%}" if self.before else ""


def run_before(now: Results, out: Path) -> Results | None:
    """The newest run that is comparable and has all that this one has; None if there is none."""
    for path in sorted(out.glob(_RUNS), reverse=True):
        before = read(path)
        if before and before.at < now.at and is_comparable(before, now) and before.rows.keys() >= now.rows.keys():
            return before
    return None


def is_comparable(before: Results, now: Results) -> bool:
    """Whether both were taken alike, on machines that look alike."""
    return before.quick == now.quick and all(before.facts.get(name) == now.facts.get(name) for name in SAME)


def changes(before: Results, now: Results) -> Iterator[Change]:
    """The numbers that changed by more than both runs' own spread, in the order of the newer run."""
    known = {_key(section, row): row for section, row in _every(before)}
    for section, row in _every(now):
        old = known.get(_key(section, row))
        if old is not None and is_beyond(old.samples, row.samples):
            yield Change(row=row, before=old.value)


def _every(results: Results) -> Iterator[tuple[str, Row]]:
    of_sections = ((section, row) for section, rows in results.rows.items() for row in rows)
    return chain((("", row) for row in results.numbers), of_sections)


def _key(section: str, row: Row) -> tuple[str, str]:
    return section, row.label
