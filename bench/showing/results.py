# SPDX-License-Identifier: Apache-2.0
"""A run of the suite as a value, and its file: bench/out/UTC.json, and the same as latest.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.report import Row

LATEST = "latest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What one run measured, and on what."""

    at: datetime  # UTC
    command: str
    quick: bool
    facts: Mapping[str, str]  # what it was taken on, and with
    rows: Mapping[str, Sequence[Row]]  # by section, in the order in which they were measured
    numbers: Sequence[Row]  # those that were promised, made of the others


def write(results: Results, out: Path) -> Path:
    """Write the results, the same as latest.json, and return that."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_plain(results), indent=1) + "\n"
    for name in (f"{results.at:%Y%m%dT%H%M%SZ}.json", LATEST):
        (out / name).write_text(text, encoding="utf-8")
    return out / LATEST


def read(path: Path) -> Results | None:
    """The results that lie there; None if none do, or what lies there was written by another version of this suite."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Results(
            at=datetime.fromisoformat(told["at"]),
            command=told["command"],
            quick=told["quick"],
            facts=told["facts"],
            rows={name: [_row(row) for row in rows] for name, rows in told["rows"].items()},
            numbers=[_row(row) for row in told["numbers"]],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _plain(results: Results) -> dict[str, Any]:
    return {
        "at": results.at.isoformat(timespec="seconds"),
        "command": results.command,
        "quick": results.quick,
        "facts": dict(results.facts),
        "numbers": [_told(row) for row in results.numbers],
        "rows": {name: [_told(row) for row in rows] for name, rows in results.rows.items()},
    }


def _told(row: Row) -> dict[str, Any]:
    every = asdict(row) | {"samples": [round(sample, 4) for sample in row.samples]}
    return every | {"label": row.label, "target": row.target, "verdict": row.verdict}


def _row(told: Mapping[str, Any]) -> Row:
    return Row(**{field.name: told[field.name] for field in fields(Row)})
