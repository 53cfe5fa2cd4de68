# SPDX-License-Identifier: Apache-2.0
"""freehold init and reload: the estate's files made, and put in force. Starting and stopping it is up.py's."""

import click

from freehold.admin.founding import found
from freehold.bootstrap.launch import control
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate

_PORT = click.IntRange(1, 65535)


@click.command(
    short_help="Make an empty estate; start nothing.",
    epilog=examples("freehold init", "freehold init --estate /srv/freehold --port 9000"),
)
@click.option("--port", type=_PORT, default=8080, show_default=True, help="Public port, written to freehold.toml.")
@click.option("--admin-port", type=_PORT, default=8081, show_default=True, help="Admin port, written to freehold.toml.")
@estate_option
@json_option
def init(port: int, admin_port: int, estate: Estate, *, as_json: bool) -> None:
    """Make an empty estate: its directory, freehold.toml, and the key that signs its ledger. Starts nothing.

    An estate that is there already is left as it is.
    """
    founded = found(estate, port=port, admin_port=admin_port)
    vkey = estate.ledger_vkey.read_text(encoding="utf-8").strip()
    if as_json:
        made = {"directory": str(estate.directory), "origin": founded.settings.estate.origin, "vkey": vkey}
        output.emit("estate", {**made, "made": founded.made})
        return
    output.say(f"{'Made an' if founded.made else 'There is already an'} estate in {estate.directory}")
    output.fields(
        {
            "configuration": estate.settings,
            "ledger": founded.settings.estate.origin,
            "verifier key": vkey,
        }
    )
    output.note("Give the verifier key to whoever is to check receipts. 'freehold up' starts the estate.")


@click.command(short_help="Put freehold.toml, rules and facts in force.", epilog=examples("freehold reload"))
@estate_option
@json_option
def reload(estate: Estate, *, as_json: bool) -> None:
    """Put freehold.toml, policies/ and facts/ in force without a restart: services, aliases, limits, rules.

    If something is wrong with a file, the line is named and all that was in force stays. What changes a port, an
    engine or the ledger is named, and waits for the next 'freehold down' and 'freehold up'.
    """
    with control(estate) as admin:
        answer = admin.post("reload")["reload"]
    if as_json:
        output.emit("reload", answer)
        return
    output.say("freehold.toml, the rules and the facts are in force.")
    if answer["after_restart"]:
        output.note(f"After the next 'freehold down' and 'freehold up': {', '.join(answer['after_restart'])}")
