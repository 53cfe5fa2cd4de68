# SPDX-License-Identifier: Apache-2.0
"""A statement: what is said, on what basis, and the evidence that it rests on. How evidence reads, in a line."""

from dataclasses import dataclass
from enum import StrEnum

from freehold.assess.evidence.picture import Evidence
from freehold.assess.evidence.questions import Asked


class Ground(StrEnum):
    """On what a statement stands."""

    MEASURED = "measured"  # files, ledger or drills of the estate show it
    KNOWN = "known"  # from facts or law: somebody else's source
    ASSERTED = "asserted"  # a person said it
    CONTRADICTED = "contradicted"  # a person said it, and what is measured or known is against it
    MISSING = "missing"  # nobody said it, and nothing shows it


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """``asks``: the question whose answer would say it, where that is a person's to give."""

    what: str
    says: str
    ground: Ground
    evidence: tuple[Evidence, ...] = ()
    asks: Asked | None = None


def cited(evidence: tuple[Evidence, ...]) -> str:
    """Each on a line of its own."""
    return "\n".join(f"{one.kind}: {one.says} ({one.where}, {one.as_of or 'no date'})" for one in evidence)


def grounded(statement: Statement) -> str:
    """The ground and the evidence, as a cell of a table has them; or what would have to be answered."""
    if statement.ground is Ground.MISSING and statement.asks is not None:
        return f"missing: {statement.asks.id} --about {statement.asks.about}"
    return "\n".join(filter(None, (str(statement.ground), cited(statement.evidence))))
