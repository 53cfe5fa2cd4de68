# SPDX-License-Identifier: Apache-2.0
"""freehold target: how every target stands, and a person's decision about one."""

from collections.abc import Mapping
from typing import Any

import click

from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import control
from freehold.bootstrap.withdrawn import withdrawals_of
from freehold.cli import output
from freehold.cli.loading import Loading
from freehold.cli.options import estate_option, examples, json_option, operator_option
from freehold.contract.estate import Estate
from freehold.contract.standing import TargetState

_COLOURS = {
    TargetState.DEGRADED: "yellow",
    TargetState.SUSPECTED: "red",
    TargetState.WITHDRAWN: "red",
    TargetState.RETIRED: "yellow",
}


@click.group(
    cls=Loading,
    modules={"qualify": "freehold.cli.qualify"},
    short_help="How targets stand; withdraw or restore one.",
    epilog=examples(
        "freehold target list",
        "freehold target restore claude",
        "freehold target withdraw claude --reason 'wrong bills'",
    ),
)
def target() -> None:
    """Targets: who may answer, and whether they get calls now.

    An outage ends by itself. A withdrawal does not: what looks like one gets no call until a person has decided.
    """


@target.command("list", epilog=examples("freehold target list", "freehold target list --json"))
@estate_option
@json_option
def list_(estate: Estate, *, as_json: bool) -> None:
    """Show every target with its state, since when and why, and the evidence for whoever has to decide.

    While the estate is down it shows what is decided, and no outage.
    """
    require_estate(estate)
    targets = withdrawals_of(estate).targets
    if as_json:
        output.emit("targets", targets)
        return
    output.table(
        ("target", "model", "provider", "state", "since", "services", "retires"),
        [
            (
                view["target"],
                view["model"],
                view["provider"],
                view["state"],
                view["since"],
                view["services"],
                view["retires"],
            )
            for view in targets
        ],
        empty="There is no target.",
    )
    for view in targets:
        _show_why(view)


@target.command(epilog=examples("freehold target withdraw claude --reason 'answers are cut'"))
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why, in words. Kept in the estate, never in the ledger.")
@operator_option
@estate_option
@json_option
def withdraw(name: str, reason: str, token: str, estate: Estate, *, as_json: bool) -> None:
    """Have a target get no call until it is restored, on every gateway. Answers under way may finish."""
    with control(estate) as admin:
        path = f"targets/{output.in_path(name)}/withdraw"
        view = admin.acting_with(token).post(path, {"reason": reason})["target"]
    _emit(view, as_json=as_json)


@target.command(epilog=examples("freehold target restore claude"))
@click.argument("name")
@operator_option
@estate_option
@json_option
def restore(name: str, token: str, estate: Estate, *, as_json: bool) -> None:
    """Let a target that is suspected, or that a person withdrew, have calls again.

    What a directive withdrew comes back when that is lifted: 'freehold directive lift'.
    """
    with control(estate) as admin:
        view = admin.acting_with(token).post(f"targets/{output.in_path(name)}/restore")["target"]
    _emit(view, as_json=as_json)


def _emit(view: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.emit("target", view)
        return
    output.say(f"{view['target']} is {view['state']}.")
    if view["state"] != TargetState.ACTIVE:
        _show_why(view)


def _show_why(view: Mapping[str, Any]) -> None:
    for why in view["why"]:
        output.say(click.style(f"! {view['target']}: {why}", fg=_COLOURS.get(view["state"], "yellow")))
    for seen in view["evidence"]:
        statuses = ", ".join(map(str, seen["statuses"])) + (", for a legal reason" if seen["legal"] else "")
        output.say(
            f"    {seen['key']}: refused {seen['count']} times with {statuses}; {seen['first']} to {seen['last']}"
        )
    if view["state"] == TargetState.SUSPECTED:
        name = view["target"]
        output.note(f"Decide: 'freehold target restore {name}', or 'freehold target withdraw {name} --reason TEXT'.")
