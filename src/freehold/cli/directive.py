# SPDX-License-Identifier: Apache-2.0
"""freehold directive: withdraw a model, a provider, an authority or a region, now or at an hour, and take that back."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import control
from freehold.bootstrap.withdrawn import withdrawals_of
from freehold.cli import output
from freehold.cli.options import At, estate_option, examples, json_option, operator_option
from freehold.continuity.directives import Phase
from freehold.contract.estate import Estate
from freehold.contract.standing import ScopeKind

_ORDER = "https://example.org/orders/17"


@click.group(
    short_help="Withdraw a model, provider, authority or region.",
    epilog=examples(
        f"freehold directive issue --model 'claude-*' --reason 'export order' --source {_ORDER}",
        "freehold directive list",
        "freehold directive lift dir_51c2e07fd3aa",
    ),
)
def directive() -> None:
    """Directives: withdrawals that somebody ordered. Each has a reason and a source, and is on record.

    A directive takes targets away from every service and alias at once, on every gateway. It is no outage: what it
    withdraws is not tried again until it is lifted.
    """


@directive.command(
    epilog=examples(
        f"freehold directive issue --model claude-opus-4-8 --reason 'export order' --source {_ORDER} --cut-over",
        f"freehold directive issue --authority US --reason 'drill' --source {_ORDER} --dry-run",
        f"freehold directive issue --provider mistral --reason 'contract ends' --source {_ORDER} "
        "--effective 2027-01-01T00:00:00Z",
    )
)
@click.option("--model", metavar="NAME", help="The model, as freehold.toml calls it; one * stands for anything.")
@click.option("--provider", metavar="NAME", help="The provider, by its name in the facts.")
@click.option("--authority", metavar="STATE", help="Whoever this state can compel: two letters, such as US.")
@click.option("--region", metavar="STATE", help="Whatever may be computed in this state: two letters.")
@click.option("--reason", required=True, metavar="TEXT", help="Why, in words. Kept in the estate, never in the ledger.")
@click.option("--source", required=True, metavar="URL", help="Where the order can be read. Nothing is sent there.")
@click.option("--effective", type=At(), help="From when: 2027-01-01T00:00:00Z. Default, and for what is over: now.")
@click.option(
    "--cut-over/--finish",
    "cuts",
    default=False,
    help="Whether streams that run there go on elsewhere at once, or may finish. Default: finish.",
)
@click.option("--tell", "tells", is_flag=True, help="Tell callers the reason where a service has no target left.")
@click.option("--dry-run", is_flag=True, help="Show what it would do, and do nothing.")
@operator_option
@estate_option
@json_option
def issue(  # noqa: PLR0913 - one argument for each option
    *,
    model: str | None,
    provider: str | None,
    authority: str | None,
    region: str | None,
    reason: str,
    source: str,
    effective: str | None,
    cuts: bool,
    tells: bool,
    dry_run: bool,
    token: str,
    estate: Estate,
    as_json: bool,
) -> None:
    """Withdraw every target that is hit, and show which services lose what, and what is left to them.

    Where [continuity] signatures is 2, nothing happens until another operator has confirmed it.
    """
    scopes = {"model": model, "provider": provider, "authority": authority, "region": region}
    named = [(kind, name) for kind, name in scopes.items() if name is not None]
    if len(named) != 1:
        raise click.UsageError("name exactly one of --model, --provider, --authority and --region")
    asked: dict[str, object] = {"kind": named[0][0], "name": named[0][1], "reason": reason, "source": source}
    asked |= {"effective": effective, "cuts": cuts, "tells": tells, "dry_run": dry_run}
    with control(estate) as admin:
        answer = admin.acting_with(token).post("directives", asked)
    if as_json:
        output.emit("directive", answer["directive"] | {"preview": answer["preview"], "dry_run": dry_run})
        return
    if not dry_run:
        output.say(_in_short(answer["directive"]))
    _show_preview(answer["preview"])


@directive.command(epilog=examples("freehold directive confirm dir_51c2e07fd3aa --operator-token ./mine.token"))
@click.argument("directive_id", metavar="ID")
@operator_option
@estate_option
@json_option
def confirm(directive_id: str, token: str, estate: Estate, *, as_json: bool) -> None:
    """Sign a directive, or its lifting, that another operator wants. Shows what is signed, and signs exactly that."""
    with control(estate) as admin:
        acting = admin.acting_with(token)
        found = next((view for view in acting.rows("directives") if view["id"] == directive_id), None)
        digest = (found["to_sign"] or found["digest"]) if found else f"sha256:{'0' * 64}"
        path = f"directives/{output.in_path(directive_id)}/confirm"
        signed = acting.post(path, {"digest": digest})["directive"]
    if as_json:
        output.emit("directive", signed)
        return
    _show(signed)
    output.say(_in_short(signed))


@directive.command(epilog=examples("freehold directive lift dir_51c2e07fd3aa"))
@click.argument("directive_id", metavar="ID")
@operator_option
@estate_option
@json_option
def lift(directive_id: str, token: str, estate: Estate, *, as_json: bool) -> None:
    """End a directive. Targets that nothing else holds come back as they were, on every gateway.

    Where [continuity] signatures is 2, another operator has to confirm that, unless the directive still waits itself.
    """
    with control(estate) as admin:
        path = f"directives/{output.in_path(directive_id)}/lift"
        lifted = admin.acting_with(token).post(path)["directive"]
    if as_json:
        output.emit("directive", lifted)
    else:
        output.say(_in_short(lifted))


@directive.command("list", epilog=examples("freehold directive list", "freehold directive list --json"))
@estate_option
@json_option
def list_(estate: Estate, *, as_json: bool) -> None:
    """Show every directive ever issued. Works while the estate is down."""
    require_estate(estate)
    directives = withdrawals_of(estate).directives
    if as_json:
        output.emit("directives", directives)
        return
    output.table(
        ("id", "state", "names", "hits", "effective", "issued by", "confirmed by", "reason"),
        [_row(view) for view in directives],
        empty="No directive was ever issued.",
    )
    for view in directives:
        if view["to_sign"]:
            what = "its lifting" if view["lift_asked"] else "it"
            output.note(f"{view['id']}: {what} waits for another operator: 'freehold directive confirm {view['id']}'.")


def _row(view: Mapping[str, Any]) -> Sequence[object]:
    return (
        view["id"],
        view["state"],
        f"{view['kind']} {view['name']}",
        view["targets"],
        view["effective"],
        view["issued_by"],
        view["confirmed_by"],
        view["reason"],
    )


def _in_short(view: Mapping[str, Any]) -> str:
    """One line: what it is, and what it waits for."""
    if view["state"] == Phase.LIFTED:
        return f"{view['id']} is lifted."
    if view["to_sign"]:
        what = "Lifting it" if view["lift_asked"] else "It"
        return f"{view['id']} is {view['state']}. {what} waits for another operator's signature on {view['to_sign']}."
    if view["state"] == Phase.SCHEDULED:
        return f"{view['id']} takes effect at {view['effective']}."
    return f"{view['id']} is {view['state']}."


def _show(view: Mapping[str, Any]) -> None:
    output.fields(
        {
            "directive": view["id"],
            "names": f"{ScopeKind(view['kind'])} {view['name']}",
            "hits": view["targets"],
            "reason": view["reason"],
            "source": view["source"],
            "effective": view["effective"],
            "streams": "are cut over" if view["cuts"] else "may finish",
            "issued by": view["issued_by"],
            "lifting asked by": view["lifted_by"],
        }
    )


def _show_preview(preview: Mapping[str, Any]) -> None:
    if not preview["targets"]:
        output.note("It hits no target of this estate now. One that is added later, and that it names, is hit.")
        return
    output.table(
        ("hits", "model", "operator"),
        [(row["target"], row["model"], row["operator"]) for row in preview["targets"]],
        empty="",
    )
    for row in preview["targets"]:
        if row["unsure"]:
            output.note(f"{row['target']} is hit because nobody could establish all that is asked of it (??).")
    output.say()
    output.table(
        ("service", "answers to", "loses", "goes on with"),
        [(row["service"], row["aliases"], row["loses"], row["left"]) for row in preview["services"]],
        empty="No service uses what it hits.",
    )
    for row in preview["services"]:
        if row["stops"]:
            why = f"; the rules forbid {', '.join(row['forbidden'])}" if row["forbidden"] else ""
            output.say(click.style(f"! {row['service']} stops: no target is left to it{why}", fg="red"))
