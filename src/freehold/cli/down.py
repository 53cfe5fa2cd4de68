# SPDX-License-Identifier: Apache-2.0
"""freehold down: everything that 'freehold up' started is stopped."""

import click

from freehold.bootstrap.launch import stop_supervisor
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate


@click.command(epilog=examples("freehold down", "freehold down --estate /srv/freehold"))
@estate_option
@json_option
def down(estate: Estate, *, as_json: bool) -> None:
    """Stop everything that 'freehold up' started, and nothing else. Calls under way may finish for ten seconds."""
    stopped = stop_supervisor(estate)
    if as_json:
        output.emit("down", {"estate": str(estate.directory), "stopped": stopped})
    else:
        output.say(f"{estate.directory} is down." if stopped else f"{estate.directory} was not up.")
