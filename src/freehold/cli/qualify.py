# SPDX-License-Identifier: Apache-2.0
"""freehold target qualify: which targets of a service are good enough to stand in for its first."""

from collections.abc import Mapping
from typing import Any

import click

from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import control, supervisor_pid
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option, operator_option
from freehold.contract.estate import Estate
from freehold.errors import EstateError


@click.command(
    short_help="Have a service's acceptance cases answered by its targets.",
    epilog=examples("freehold target qualify support", "freehold target qualify support --target paris --json"),
)
@click.argument("service")
@click.option("--target", "only", metavar="NAME", help="This target alone. Default: every target of the service.")
@operator_option
@estate_option
@json_option
@click.pass_context
def qualify(  # noqa: PLR0913 - one argument for each option
    context: click.Context, service: str, only: str | None, token: str, estate: Estate, *, as_json: bool
) -> None:
    """Have the acceptance cases of a service answered by its targets, and keep what came of it.

    The cases go the way of any call: decided by the rules, on record in the ledger under the key id 'acceptance', and
    answered by the one target that is judged. A target other than the service's first stands in for it only once it
    has passed. One that may not be asked, or cannot answer now, is not judged. Exits with 1 unless all passed.
    """
    require_estate(estate)
    if supervisor_pid(estate) is None:
        raise EstateError(f"the estate in {estate.directory} is down", hint="'freehold up --detach' starts it.")
    with control(estate) as admin, output.progress() as show:
        path, asked = f"services/{output.in_path(service)}/qualify", {"target": only} if only else {}
        runs = admin.acting_with(token).post(path, asked, progress=output.told(show))["qualifications"]
    if as_json:
        output.emit("qualifications", runs)
    else:
        _show(runs)
    if any(run["state"] != "qualified" for run in runs):
        context.exit(1)


def _show(runs: list[Mapping[str, Any]]) -> None:
    output.table(
        ("service", "target", "model", "state", "passed"),
        [(run["service"], run["target"], run["model"], run["state"], _share(run)) for run in runs],
        empty="no target",
    )
    for run in runs:
        if run["reason"]:
            output.say(click.style(f"! {run['target']}: {run['reason']}", fg="yellow"))
        for case in run["cases"]:
            if not case["passed"]:
                output.say(f"{run['target']}, {case['id']}: {'; '.join(case['problems'])}")
                output.say(f"  it said: {case['answer']!r}")


def _share(run: Mapping[str, Any]) -> str | None:
    return None if run["total"] is None else f"{run['passed']} of {run['total']}"
