# SPDX-License-Identifier: Apache-2.0
"""freehold doctor: what would harm the estate, and what to do about it. Repairs nothing."""

from pathlib import Path

import click

from freehold.admin.doctor import Finding
from freehold.admin.readable import require_estate
from freehold.bootstrap.down import checks_down
from freehold.bootstrap.launch import await_control, supervisor_pid
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(
    short_help="Look for what would harm the estate.",
    epilog=examples("freehold doctor", "freehold doctor --json", "freehold doctor --sovereignty"),
)
@click.option("--sovereignty", is_flag=True, help="What the estate itself depends on, kept as evidence, instead.")
@click.option("--no-start", is_flag=True, help="With --sovereignty: leave out the start without a network.")
@click.option(
    "--output",
    "out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --sovereignty: write the report, as HTML for a name that ends so, else as Markdown.",
)
@estate_option
@json_option
@click.pass_context
def doctor(  # noqa: PLR0913 - one argument for each option
    context: click.Context, estate: Estate, out: Path | None, *, sovereignty: bool, no_start: bool, as_json: bool
) -> None:
    """Look for what would harm the estate, and say what to do: permissions, disk, weights, jails, ledger, kernel.

    Repairs nothing. Exits with 1 if a check failed; warnings leave it 0. Works while the estate is down.

    With --sovereignty a copy of the estate is started where there is no network, and the names and connections that it
    wanted are told, with its packages' owners, where keys lie, and where engines come from. Exits with 1 if it does not
    come up, wanted what no setting names, or a secret is readable for others. The copy takes the memory of its models.
    """
    require_estate(estate)
    if not sovereignty and (no_start or out is not None):
        raise click.UsageError("--no-start and --output go with --sovereignty")
    if sovereignty:
        from freehold.cli.sovereignty import check_sovereignty  # noqa: PLC0415 - loads what no other check needs

        context.exit(0 if check_sovereignty(estate, out, starts=not no_start, as_json=as_json) else 1)
    with output.progress() as show:
        if supervisor_pid(estate) is None:
            checks = checks_down(estate, lambda done, total: show("verifying weights", done, total))
        else:
            checks = await_control(estate).post("doctor", progress=output.told(show))["checks"]
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
