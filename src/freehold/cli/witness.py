# SPDX-License-Identifier: Apache-2.0
"""freehold witness: be a witness of other logs, and see what the witnesses of one's own log say."""

from pathlib import Path

import click

from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import control
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option, operator_option
from freehold.cli.witnesses import show_alarms, show_witnesses
from freehold.contract.estate import Estate
from freehold.witness.serving.home import KEY_TYPES, make_home, watch

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(
    short_help="Be a witness of logs, and have one's own.",
    epilog=examples(
        "freehold witness init ./witness --name witness.example/w1",
        'freehold witness watch ./witness "$(cat estate/keys/ledger.vkey)"',
        "freehold witness serve ./witness --port 8090",
        "freehold witness list",
    ),
)
def witness() -> None:
    """Witnesses: they sign a log's head once it is shown to go on from the head that they signed before.

    'init', 'watch' and 'serve' make one, in a directory of its own that needs no estate. 'list' and 'clear' are about
    those that [witness.NAME] in freehold.toml names for this estate's ledger.
    """


@witness.command(epilog=examples("freehold witness init ./witness --name witness.example/w1"))
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", required=True, metavar="NAME", help="What it signs as: a URL without a scheme, for ever.")
@click.option(
    "--key-type",
    type=click.Choice(list(KEY_TYPES)),
    default="ed25519",
    show_default=True,
    help="Of its key. ML-DSA-44 outlasts quantum computers; few tools verify it yet.",
)
@json_option
def init(directory: Path, name: str, key_type: str, *, as_json: bool) -> None:
    """Make a witness: its directory, and its key. Shows the verifier key, which logs and verifiers need."""
    vkey = make_home(directory.absolute(), name=name, key_type=key_type)
    if as_json:
        output.emit("witness", {"directory": str(directory.absolute()), "name": name, "vkey": vkey})
        return
    output.say(vkey)
    output.note(
        f"This is the verifier key of the witness in {directory}. It watches no log yet: 'freehold witness watch'."
    )


@witness.command(
    "watch",
    epilog=examples('freehold witness watch ./witness "$(cat estate/keys/ledger.vkey)"'),
)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("vkey", metavar="VKEY")
@click.option("--url", default="", metavar="URL", help="Where the log is served, for people.")
@json_option
def watch_(directory: Path, vkey: str, url: str, *, as_json: bool) -> None:
    """Have a witness watch a log, by the log's verifier key. A witness that is running heeds it at once."""
    origin = watch(directory.absolute(), vkey, url)
    if as_json:
        output.emit("log", {"origin": origin, "vkey": vkey})
    else:
        output.say(f"{origin} is watched.")


@witness.command(
    epilog=examples(
        "freehold witness serve ./witness",
        "freehold witness serve ./witness --host 0.0.0.0 --port 443 --tls-cert cert.pem --tls-key key.pem",
    )
)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8090, show_default=True, help="Port to listen on.")
@click.option("--tls-cert", type=_FILE, metavar="FILE", help="Certificate chain, PEM. Without it: loopback only.")
@click.option("--tls-key", type=_FILE, metavar="FILE", help="Its private key, PEM.")
@click.option("--plaintext", is_flag=True, help="Listen without TLS beyond loopback.")
def serve(  # noqa: PLR0913 - one argument for each option
    directory: Path, host: str, port: int, tls_cert: Path | None, tls_key: Path | None, *, plaintext: bool
) -> None:
    """Be a witness until Ctrl-C: the C2SP witness protocol (c2sp.org/tlog-witness) over HTTP.

    It cosigns a checkpoint of a log that it watches once it is shown to go on from the one it cosigned before, and
    remembers that on disk before it answers. What it has proof of against a log is kept in DIR/evidence.
    """
    from freehold.bootstrap.witness import WitnessListener, serve_witness  # noqa: PLC0415 - loads a server

    serve_witness(
        directory.absolute(),
        WitnessListener(host=host, port=port, tls_cert=tls_cert, tls_key=tls_key, plaintext=plaintext),
    )


@witness.command("list", epilog=examples("freehold witness list", "freehold witness list --json"))
@estate_option
@json_option
def list_(estate: Estate, *, as_json: bool) -> None:
    """Show the witnesses of this estate's ledger: what each cosigned last and when, what it lacks, and every alarm.

    Works while the estate is down. Asks no witness anything.
    """
    from freehold.bootstrap.witnesses import witnessing_of  # noqa: PLC0415 - a witness needs no estate, and none of it

    require_estate(estate)
    known = witnessing_of(estate)
    if as_json:
        output.emit("witnesses", known["witnessing"] | {"alarms": known["alarms"]})
        return
    show_alarms(known["alarms"])
    show_witnesses(known["witnessing"])
    cleared = [alarm for alarm in known["alarms"] if alarm["state"] == "cleared"]
    if cleared:
        output.say()
        output.table(
            ("cleared alarm", "witness", "kind", "raised", "cleared", "by", "reason"),
            [
                (row["id"], row["witness"], row["kind"], row["at"], row["cleared"], row["cleared_by"], row["reason"])
                for row in cleared
            ],
            empty="",
        )


@witness.command(epilog=examples("freehold witness clear alarm_51c2e07fd3aa --reason 'restored on purpose, see #17'"))
@click.argument("alarm_id", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="Why, in words. Kept in the estate, never in the ledger.")
@operator_option
@estate_option
@json_option
def clear(alarm_id: str, reason: str, token: str, estate: Estate, *, as_json: bool) -> None:
    """Lift an alarm, once somebody knows what it was. On record; if it still holds, the witness raises it again."""
    with control(estate) as admin:
        path = f"witnesses/alarms/{output.in_path(alarm_id)}/clear"
        cleared = admin.acting_with(token).post(path, {"reason": reason})["alarm"]
    if as_json:
        output.emit("alarm", cleared)
    else:
        output.say(f"{cleared['id']} is cleared.")


@witness.command(epilog=examples("freehold witness policy > policy.txt"))
@estate_option
def policy(estate: Estate) -> None:
    """Print whom to trust for this estate's ledger, for whoever verifies: a C2SP tlog-policy.

    It names the ledger's key, the witnesses and their quorum, out of freehold.toml. A verifier who does not take an
    estate's word for its witnesses gets their keys from them.
    """
    from freehold.bootstrap.witnesses import trust_policy_of  # noqa: PLC0415

    require_estate(estate)
    output.say(trust_policy_of(estate).removesuffix("\n"))
