# SPDX-License-Identifier: Apache-2.0
"""freehold up: an estate made where there is none, started, and shown to answer."""

import json
import signal
import subprocess

import click

from freehold.bootstrap.launch import stop_supervisor
from freehold.bootstrap.manager import READY, STOPPING, tell_manager
from freehold.bootstrap.start import Up, Wish, bring_up
from freehold.cli import output
from freehold.cli.offer import offer_tuning
from freehold.cli.options import estate_option, examples, json_option
from freehold.cli.welcome import welcome
from freehold.contract.estate import Estate


@click.command(
    epilog=examples(
        "freehold up --detach",
        "freehold up --estate /srv/freehold --port 9080 --admin-port 9081",
        "freehold up --detach --json",
    )
)
@estate_option
@click.option("--port", type=click.IntRange(1, 65535), help="Public port. A new estate's freehold.toml keeps it.")
@click.option("--admin-port", type=click.IntRange(1, 65535), help="Admin port. A new estate's freehold.toml keeps it.")
@click.option("--detach", is_flag=True, help="Return once the estate answers, and leave it running.")
@click.option("--sealed", is_flag=True, help="Let the kernel refuse every way out of the estate, or do not start.")
@click.option("--plaintext", is_flag=True, help="Listen without TLS on addresses that others can reach.")
@json_option
def up(  # noqa: PLR0913 - one argument for each option
    estate: Estate,
    port: int | None,
    admin_port: int | None,
    *,
    detach: bool,
    sealed: bool,
    plaintext: bool,
    as_json: bool,
) -> None:
    """Start the estate: its models, behind the APIs that applications already speak.

    Where there is no estate one is made: keys, a freehold.toml to read and edit, the default model, a first API key
    that is shown once. Then the model is asked a question through the public API, and the answer's receipt is verified.
    Where all is in place this takes seconds. Without --detach the estate runs until this command is interrupted.
    """
    wish = Wish(port=port, admin_port=admin_port, sealed=sealed, plaintext=plaintext)
    with output.progress() as show:
        begun = bring_up(estate, wish, show, output.told(show), detach=detach)
    try:
        if as_json:
            _print_json(begun)
        else:
            welcome(estate, begun)
            if offer_tuning(estate, begun):
                begun = _started_again(estate, wish, begun, detach=detach)
        begun.require_answering()
    finally:
        if not detach and begun.supervisor is not None:
            _stay(begun.supervisor)


def _started_again(estate: Estate, wish: Wish, begun: Up, *, detach: bool) -> Up:
    """With what was changed in freehold.toml since. In the foreground the person there does it."""
    if not detach:
        output.note("Interrupt this, and 'freehold up' again, to have it.")
        return begun
    stop_supervisor(estate)
    with output.progress() as show:
        again = bring_up(estate, wish, show, output.told(show), detach=True)
    output.say("The estate was started again, and runs it.")
    return again


def _print_json(begun: Up) -> None:
    """One object, flat: the form that scripts read."""
    status = begun.status
    told = {
        "base_url": status["base_url"],
        "admin_url": status["admin_url"],
        "services": [service["name"] for service in status["services"]],
        "aliases": {service["name"]: service["aliases"] for service in status["services"]},
    }
    click.echo(json.dumps(told | ({"api_key": begun.first_key} if begun.first_key else {}), indent=2))


def _stay(supervisor: subprocess.Popen[bytes]) -> None:
    """Run for as long as the estate does; an interrupt reaches both, and stops it. What SIGHUP means, it knows."""
    signal.signal(signal.SIGTERM, lambda *_: _stop(supervisor))
    signal.signal(signal.SIGHUP, lambda *_: supervisor.send_signal(signal.SIGHUP))
    tell_manager(READY)
    while True:
        try:
            supervisor.wait()
        except KeyboardInterrupt:
            continue  # the supervisor got it too, and is stopping what it started
        return


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    tell_manager(STOPPING)
    supervisor.terminate()
