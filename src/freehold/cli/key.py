# SPDX-License-Identifier: Apache-2.0
"""freehold key: what an application needs to ask the estate. A secret is shown once, when it is made."""

import time

import click

from freehold.admin.readable import require_estate
from freehold.admin.state import read_api_keys
from freehold.admin.views import key_views
from freehold.bootstrap.launch import control
from freehold.cli import output
from freehold.cli.options import Rate, Span, estate_option, examples, json_option
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate


@click.group(
    short_help="API keys of applications.",
    epilog=examples("freehold key create billing --service default --rate 60/min", "freehold key list"),
)
def key() -> None:
    """API keys: who may ask the estate, for which services, how often.

    An application sends its key as 'Authorization: Bearer KEY' or 'x-api-key: KEY'. The estate keeps only its SHA-256.
    """


@key.command(
    epilog=examples(
        "freehold key create",
        "freehold key create 'support desk' --service default --rate 120/min --expires 90d",
        "freehold key create hr --data-class personal --json",
    )
)
@click.argument("label", default="")
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAME",
    help="A service that the key may use; may be given several times. Default: every service.",
)
@click.option(
    "--rate", type=Rate(), help="Requests per minute, as 60/min, 2/s or 1000/h. Default: gateway.requests_per_minute."
)
@click.option(
    "--data-class",
    type=click.Choice([data_class.name.lower() for data_class in DataClass]),
    default="public",
    show_default=True,
    help="The least class that its calls are taken to have. The highest of this, the service and the request counts.",
)
@click.option(
    "--expires", type=Span(), help="How long the key is good for, as 30d, 12h or 45m. Default: until revoked."
)
@estate_option
@json_option
def create(  # noqa: PLR0913, PLR0917 - one argument for each option
    label: str,
    services: tuple[str, ...],
    rate: int | None,
    data_class: str,
    expires: float | None,
    estate: Estate,
    *,
    as_json: bool,
) -> None:
    """Make an API key and show its secret, this once.

    LABEL is for people, to tell keys apart; it is not sent anywhere and not in the ledger.
    """
    asked: dict[str, object] = {"label": label, "data_class": data_class}
    asked |= {"services": services} if services else {}
    asked |= {"requests_per_minute": rate, "expires_in_s": expires}
    with control(estate) as admin:
        made = admin.post("keys", asked)["key"]
    if as_json:
        output.emit("key", made)
        return
    output.say(made["secret"])
    output.note(f"This is the secret of {made['id']}. It is not kept anywhere and cannot be shown again.")
    output.note("Give it to the application as its API key; 'freehold key revoke' ends it.")


@key.command("list", epilog=examples("freehold key list", "freehold key list --json"))
@estate_option
@json_option
def list_(estate: Estate, *, as_json: bool) -> None:
    """Show every key ever made, with what it may do. Works while the estate is down."""
    require_estate(estate)
    keys = key_views(read_api_keys(estate.state), time.time())
    if as_json:
        output.emit("keys", keys)
        return
    output.table(
        ("id", "label", "state", "services", "rate", "data class", "created", "expires"),
        [
            (
                view["id"],
                view["label"],
                view["state"],
                view["services"],
                f"{rate}/min" if (rate := view["requests_per_minute"]) else "default",
                view["data_class"],
                view["created"],
                view["expires"],
            )
            for view in keys
        ],
        empty="There is no key yet; 'freehold key create' makes one.",
    )


@key.command(epilog=examples("freehold key revoke key_3f9a0c27b81d"))
@click.argument("key_id", metavar="ID")
@estate_option
@json_option
def revoke(key_id: str, estate: Estate, *, as_json: bool) -> None:
    """End a key, for good. When this returns no gateway accepts it any more; answers under way are finished."""
    with control(estate) as admin:
        revoked = admin.post(f"keys/{output.in_path(key_id)}/revoke")["key"]
    if as_json:
        output.emit("key", revoked)
    else:
        output.say(f"{revoked['id']} is revoked.")
