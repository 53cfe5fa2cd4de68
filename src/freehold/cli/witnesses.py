# SPDX-License-Identifier: Apache-2.0
"""The ledger's witnesses and their alarms, as status and 'freehold witness list' show them."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from freehold.cli import output

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def show_alarms(alarms: Sequence[Mapping[str, Any]]) -> None:
    """Those that stand: before everything else."""
    for alarm in alarms:
        if alarm["state"] == "stands":
            output.say(click.style(f"! ALARM {alarm['id']}: {alarm['what']}", fg="red", bold=True))
            output.say(f"  Since {alarm['at']}. When you know why: freehold witness clear {alarm['id']} --reason TEXT")


def cosigned_line(witnessing: Mapping[str, Any]) -> str:
    """How old the newest checkpoint is that enough witnesses have cosigned."""
    if witnessing["rollback_unseen"] and not witnessing["witnesses"]:
        return click.style(witnessing["rollback_unseen"], fg="yellow")
    cosigned = witnessing["cosigned"]
    if not witnessing["witnesses"]:
        return "no witness; an anchor outside the estate shows a rollback"
    if cosigned is None:
        return click.style("no checkpoint has cosignatures enough yet", fg="yellow")
    return f"{cosigned['size']} entries cosigned {age(cosigned['age_s'])} ago, {cosigned['lag']} since then"


def show_witnesses(witnessing: Mapping[str, Any]) -> None:
    """One line each, and below what is wrong with it."""
    output.table(
        ("witness", "cosigned", "lag", "at", "age", "url"),
        [
            (row["name"], row["size"], row["lag"], row["at"], age(row["age_s"]), row["url"])
            for row in witnessing["witnesses"]
        ],
        empty="freehold.toml names no witness: docs/tasks/have-a-witness.md.",
    )
    for row in witnessing["witnesses"]:
        if row["problem"]:
            output.say(click.style(f"! {row['name']}: {row['problem']}", fg="yellow"))


def age(age_s: int | None) -> str | None:
    """``12 s``, ``5 min``, ``3 h``, ``2 d``."""
    if age_s is None:
        return None
    return next((f"{age_s // span} {unit}" for span, unit in _UNITS if age_s >= span), f"{age_s} s")
