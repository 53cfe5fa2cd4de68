# SPDX-License-Identifier: Apache-2.0
"""freehold egress: every host that the estate may contact, and why. Reads; contacts nobody."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from freehold.admin.readable import require_estate
from freehold.bootstrap.contacts import contacts
from freehold.cli import output
from freehold.cli.loading import Loading
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate

_NOBODY = (
    "This estate contacts nobody: no service has a provider among its targets, and freehold.toml grants nothing.\n"
    "An import that names a package (pkg:...) says whom it contacts before it does."
)


@click.group(
    cls=Loading,
    modules={"check": "freehold.cli.leaks"},
    short_help="What may leave the estate, and to whom.",
    epilog=examples("freehold egress list", "freehold egress list --json"),
)
def egress() -> None:
    """What leaves the estate: calls to providers, which policy decides one by one, and what freehold.toml grants."""


@egress.command("list", epilog=examples("freehold egress list", "freehold egress list --json"))
@estate_option
@json_option
def list_(estate: Estate, *, as_json: bool) -> None:
    """Show every host that the estate may contact: for what, why, and which calls may go there by the rules in force.

    While the estate is down, by what its files would put in force. Contacts none of them.
    """
    require_estate(estate)
    hosts = contacts(estate)
    if as_json:
        output.emit("hosts", hosts)
        return
    output.table(
        ("host", "port", "for", "may see", "encrypted", "private", "why", "source"),
        [_row(host) for host in hosts],
        empty=_NOBODY,
    )
    if any(not host["allowed"] and not host["sealed"] for host in hosts):
        output.note(
            "Forbidden by policy: nothing is sent there, and its name is not looked up, while the rules stay so."
        )
    if hosts:
        output.note("Names are looked up with this machine's resolver, and only for what may be contacted.")


def _row(host: Mapping[str, Any]) -> Sequence[object]:
    calls = host["for"] == "calls"
    return (
        host["host"],
        host["port"],
        ", ".join(service["name"] for service in host["services"]) if calls else host["for"],
        "; ".join(map(_seen, host["services"])) if host["allowed"] else _forbidden(host),
        {True: "yes", False: "NO", None: None}[host["encrypted"]],
        "may be" if host["allow_private"] else "no",
        host["why"],
        host["source"],
    )


def _forbidden(host: Mapping[str, Any]) -> str:
    return "nothing: sealed" if host["sealed"] else "forbidden by policy"


def _seen(service: Mapping[str, Any]) -> str:
    return f"{service['name']}: {', '.join(service['data_classes']) or 'nothing'}"
