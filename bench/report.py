# SPDX-License-Identifier: Apache-2.0
"""The results as a table for people, and as JSON for whoever compares."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.estate import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One number, and the bound that was promised for it, if one was."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    samples: Sequence[float] = field(default=())

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}" if self.at_most is not None else ""

    @property
    def verdict(self) -> str:
        if not self.target:
            return ""
        low = self.at_least is not None and self.value < self.at_least
        high = self.at_most is not None and self.value > self.at_most
        return "missed" if low or high else "met"


def show(rows: Sequence[Row], facts: Facts) -> str:
    """The table, under what it was taken on."""
    head = f"{facts.processor}, {facts.cores} cores; {facts.engine}; {facts.model}, {facts.threads} threads"
    width = max(len(row.name) for row in rows)
    lines = [
        f"{row.name:<{width}}  {row.value:>9.3f} {row.unit:<2}  {row.target:<8} {row.verdict}".rstrip() for row in rows
    ]
    return "\n".join([head, "", *lines])


def write(rows: Sequence[Row], facts: Facts, out: Path) -> Path:
    """Write bench/out/UTC.json, and the same as latest.json."""
    at = datetime.now(UTC)
    results = [asdict(row) | {"target": row.target, "verdict": row.verdict} for row in rows]
    text = json.dumps({"at": at.isoformat(timespec="seconds"), "facts": asdict(facts), "results": results}, indent=2)
    out.mkdir(exist_ok=True)
    for name in (f"{at:%Y%m%dT%H%M%SZ}.json", "latest.json"):
        (out / name).write_text(text + "\n")
    return out / "latest.json"
