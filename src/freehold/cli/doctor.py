# SPDX-License-Identifier: Apache-2.0
"""freehold doctor: what would harm the estate, and what to do about it. Repairs nothing."""

import click

from freehold.admin.doctor import Finding
from freehold.admin.readable import require_estate
from freehold.bootstrap.down import checks_down
from freehold.bootstrap.launch import control, supervisor_pid
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(
    short_help="Look for what would harm the estate.", epilog=examples("freehold doctor", "freehold doctor --json")
)
@estate_option
@json_option
@click.pass_context
def doctor(context: click.Context, estate: Estate, *, as_json: bool) -> None:
    """Look for what would harm the estate, and say what to do: permissions, disk, weights, jails, ledger, kernel.

    Repairs nothing. Exits with 1 if a check failed; warnings leave it 0. Works while the estate is down.
    """
    require_estate(estate)
    with output.progress() as show:
        if supervisor_pid(estate) is None:
            checks = checks_down(estate, lambda done, total: show("verifying weights", done, total))
        else:
            with control(estate) as admin:
                checks = admin.post("doctor", progress=output.told(show))["checks"]
    if as_json:
        output.emit("checks", checks)
    else:
        for check in checks:
            finding = click.style(check["finding"].ljust(4), fg=_COLOURS[check["finding"]])
            output.say(f"{finding}  {check['name'].ljust(12)}  {check['what']}")
            if check["advice"]:
                output.say(f"{' ' * 20}{check['advice']}")
    if any(check["finding"] == Finding.FAIL for check in checks):
        context.exit(1)
