# SPDX-License-Identifier: Apache-2.0
"""freehold egress check: what each process of the estate could reach when it tried. Prints; tries nothing itself."""

import json

import click

from freehold.admin.client import AdminClient
from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import supervisor_pid
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate
from freehold.errors import EstateError

_SEALED = "This estate is sealed: the kernel refuses every way out that was tried."
_NOT_SEALED = "This estate is not sealed. 'freehold down', then 'freehold up --sealed', closes what is possible here."
_BROKEN = "This estate is said to be sealed, and is not: see the attempts with the verdict 'fail'."


@click.command(epilog=examples("freehold egress check", "freehold egress check --json"))
@estate_option
@json_option
@click.pass_context
def check(context: click.Context, estate: Estate, *, as_json: bool) -> None:
    """Have every process of the running estate try to get out, and show what the kernel made of it.

    Each tries addresses, names, foreign unix sockets and io_uring, and looks for sockets that it was handed; engines
    say what their jail holds. The addresses are examples of RFC 5737 and 3849: nobody is contacted. Exits with 1 if
    anything was possible in a sealed estate.
    """
    require_estate(estate)
    if supervisor_pid(estate) is None:
        raise EstateError(f"{estate.directory} is down, and has no process that could try", hint="'freehold up' first.")
    answer = AdminClient(estate.control_socket).post("egress/check")
    failed = any(row["verdict"] == "fail" for row in answer["checks"])
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        columns = ("process", "attempt", "outcome", "verdict", "reason")
        rows = [[row[column] for column in columns] for row in answer["checks"]]
        output.table(columns, rows, empty="no process answered")
        output.note(_BROKEN if failed else _SEALED if answer["sealed"] else _NOT_SEALED)
    if failed:
        context.exit(1)
