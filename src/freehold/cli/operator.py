# SPDX-License-Identifier: Apache-2.0
"""freehold operator: who may use the admin port. A token is shown once, when it is made."""

import click

from freehold.admin.readable import require_estate
from freehold.admin.state import read_operators
from freehold.admin.views import operator_views
from freehold.bootstrap.launch import control
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate


@click.group(
    short_help="Who may use the admin port.",
    epilog=examples("freehold operator create 'Jeanne, on call'", "freehold operator list"),
)
def operator() -> None:
    """Operators: who may administer the estate over its admin port.

    Commands on the estate's own machine need no token: whoever may open its control socket is its owner.
    """


@operator.command(epilog=examples("freehold operator create", "freehold operator create 'Jeanne, on call' --json"))
@click.argument("label", default="")
@estate_option
@json_option
def create(label: str, estate: Estate, *, as_json: bool) -> None:
    """Make an operator and show the token, this once.

    LABEL is for people; the ledger names the operator by the id alone.
    """
    with control(estate) as admin:
        made = admin.post("operators", {"label": label})["operator"]
    if as_json:
        output.emit("operator", made)
        return
    output.say(made["token"])
    output.note(f"This is the token of {made['id']}. It is not kept anywhere and cannot be shown again.")
    output.note("Sign in to the console with it, at the admin port, or send it there as 'Authorization: Bearer TOKEN'.")
    output.note("'freehold operator revoke' ends it.")


@operator.command("list", epilog=examples("freehold operator list", "freehold operator list --json"))
@estate_option
@json_option
def list_(estate: Estate, *, as_json: bool) -> None:
    """Show every operator ever made. Works while the estate is down."""
    require_estate(estate)
    operators = operator_views(read_operators(estate.state))
    if as_json:
        output.emit("operators", operators)
        return
    output.table(
        ("id", "label", "state", "created", "revoked"),
        [(view["id"], view["label"], view["state"], view["created"], view["revoked"]) for view in operators],
        empty="There is no operator yet; 'freehold operator create' makes one.",
    )


@operator.command(epilog=examples("freehold operator revoke op_51c2e07fd3aa"))
@click.argument("operator_id", metavar="ID")
@estate_option
@json_option
def revoke(operator_id: str, estate: Estate, *, as_json: bool) -> None:
    """End an operator's token, from the next request on, for good."""
    with control(estate) as admin:
        revoked = admin.post(f"operators/{output.in_path(operator_id)}/revoke")["operator"]
    if as_json:
        output.emit("operator", revoked)
    else:
        output.say(f"{revoked['id']} is revoked.")
