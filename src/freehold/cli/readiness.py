# SPDX-License-Identifier: Apache-2.0
"""What the estate would lose with each provider, as status prints it."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import click

from freehold.cli import output
from freehold.continuity.readiness import Fate, LossKind

_OWNED_ONLY = "No provider could take a service away: all are answered by this estate's own engines."


def show_readiness(readiness: Mapping[str, Any] | None) -> None:
    """One line for each loss, and below it why a service would stop or queue. None: the estate is down."""
    if readiness is None:
        return
    output.say()
    if readiness["owned_only"]:
        output.say(_OWNED_ONLY)
    for (kind, _), losses in groupby(readiness["losses"], key=lambda loss: (loss["kind"], loss["services"])):
        _show_losses(kind, list(losses))


def _show_losses(kind: str, losses: list[Mapping[str, Any]]) -> None:
    """Losses that mean the same."""
    names = " or ".join(loss["name"] for loss in losses)
    touched = [verdict for verdict in losses[0]["services"] if verdict["touched"]]
    fates = ", ".join(f"{verdict['service']} -> {_fate(verdict)}" for verdict in touched)
    whose = names if kind == LossKind.PROVIDER else f"all that {names} can compel"
    output.say(f"if {whose} left: {fates or 'every service stays where it is'}")
    for verdict in touched:
        if verdict["fate"] != Fate.SURVIVES:
            output.say(f"  {verdict['service']}: {verdict['reason']}")


def _fate(verdict: Mapping[str, Any]) -> str:
    if verdict["fate"] == Fate.STOPS:
        return click.style("stops", fg="red", bold=True)
    if verdict["fate"] == Fate.QUEUES:
        return click.style(f"{verdict['target']} (queue)", fg="yellow")
    return str(verdict["target"])
