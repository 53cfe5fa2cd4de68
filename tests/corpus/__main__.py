# SPDX-License-Identifier: Apache-2.0
"""``make corpus``: how much of what we planted ``freehold assess`` finds, and how much of what it finds we planted.

Figures on our own corpus: it was written by those who wrote the scanner. They say that nothing got worse, not how it
does on code of others.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from freehold.assess.exposure.assessment import assess
from freehold.policy.facts import load_register

HERE = Path(__file__).parent
Place = tuple[str, int, str, str]  # file, line, kind, provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was planted, what of it was found, and what was found beside."""

    planted: frozenset[Place]
    look_alikes: frozenset[tuple[str, int]]
    missed: tuple[Place, ...]
    wrong: tuple[Place, ...]

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / len(self.planted)

    @property
    def precision(self) -> float:
        found = len(self.planted) - len(self.missed)
        return found / (found + len(self.wrong))


def measure() -> Measured:
    """Assess the tree and hold it against the labels."""
    planted, look_alikes = set[Place](), set[tuple[str, int]]()
    for line in (HERE / "labels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        file, number, kind, *provider = line.split("\t")
        if kind == "-":
            look_alikes.add((file, int(number)))
        else:
            planted.add((file, int(number), kind, provider[0]))
    assessment = assess([HERE / "tree"], load_register(), date(2026, 11, 23), processes=1)
    found = {(one.found.file, one.found.line, one.found.kind.value, one.found.provider) for one in assessment.exposures}
    return Measured(
        planted=frozenset(planted),
        look_alikes=frozenset(look_alikes),
        missed=tuple(sorted(planted - found)),
        wrong=tuple(sorted(found - planted)),
    )


def main() -> None:
    """Print the figures, and each place that is missed or wrong."""
    measured = measure()
    for what, places in (("missed", measured.missed), ("wrong", measured.wrong)):
        for file, line, kind, provider in places:
            print(f"{what}: {file}:{line} {kind} {provider}")  # noqa: T201 - this is a command
    print(  # noqa: T201 - this is a command
        f"{len(measured.planted)} planted, {len(measured.look_alikes)} look-alikes: recall {measured.recall:.3f}, "
        f"precision {measured.precision:.3f}\nThese are figures on our own corpus, not on code of others."
    )


if __name__ == "__main__":
    main()
