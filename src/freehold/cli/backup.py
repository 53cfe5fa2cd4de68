# SPDX-License-Identifier: Apache-2.0
"""freehold backup and restore: the estate in one file, and back. Neither starts or stops anything."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import msgspec

from freehold.admin.backup import Restored, Taken, require_possible
from freehold.admin.backup import restore as restore_estate
from freehold.admin.backup import take as take_backup
from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import control
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option, operator_option
from freehold.contract.estate import Estate
from freehold.errors import FreeholdError, InvalidToken


@click.command(
    short_help="Write the whole estate into one file.",
    epilog=examples(
        "freehold backup /mnt/safe/2027-01-01.tar",
        "freehold backup /mnt/safe/2027-01-01.tar.age --encrypt-to age1...",
        "freehold backup small.tar --without-models",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--encrypt-to", "recipients", multiple=True, metavar="AGE1...", help="Whom to encrypt to, by age.")
@click.option("--without-models", is_flag=True, help="Leave the weights out: import them again, or bring a bundle.")
@operator_option
@estate_option
@json_option
def backup(  # noqa: PLR0913 - one argument for each option
    file: Path, recipients: tuple[str, ...], token: str, estate: Estate, *, without_models: bool, as_json: bool
) -> None:
    """Write the whole estate into one file: settings, rules, keys, models, the database, the ledger and its salts.

    It may go on answering meanwhile: what is in the file is a state that the estate could have been found in. That a
    backup was made is in the ledger. Whoever has the file and can read it can act as the estate and read what erasure
    would make unreadable: encrypt it, and destroy old ones when what is in them has to be forgotten.
    """
    require_estate(estate)
    require_possible(estate, file.absolute(), recipients)
    try:
        with control(estate) as admin:
            admin.acting_with(token).post("backups")
    except InvalidToken:
        raise
    except FreeholdError as problem:  # what is broken needs a backup most
        output.note(f"That this backup is made is not on record: {problem.message}")
    with output.progress() as show:
        taken = take_backup(
            estate,
            file.absolute(),
            datetime.now(UTC),
            recipients=recipients,
            models=not without_models,
            progress=partial(show, "copying"),
        )
    if as_json:
        output.emit("backup", msgspec.to_builtins(taken))
    else:
        _show_backup(taken)


@click.command(
    short_help="Make an estate of a backup.",
    epilog=examples(
        "freehold restore /mnt/safe/2027-01-01.tar --estate ./estate",
        "freehold restore /mnt/safe/2027-01-01.tar.age --identity backup.key",
    ),
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--identity", type=click.Path(path_type=Path), help="The key to an encrypted one: a file of age-keygen.")
@estate_option
@json_option
def restore(file: Path, estate: Estate, *, identity: Path | None, as_json: bool) -> None:
    """Make an estate of a backup, in a directory that is free. All of it is checked before any of it is in place.

    The ledger in it is a copy: the estate starts once 'freehold ledger adopt' has asked witnesses and anchor whether
    there is a newer one. The estate that the backup was made of must never run again.
    """
    with output.progress() as show:
        restored = restore_estate(file.absolute(), estate, identity=identity, progress=partial(show, "restoring"))
    if as_json:
        output.emit("restored", msgspec.to_builtins(restored))
    else:
        _show_restored(restored)


def _show_backup(taken: Taken) -> None:
    output.say(f"{taken.path} holds the estate: {taken.files} files, {output.size(taken.size_bytes)}.")
    output.fields(
        {
            "ledger": f"{taken.origin}, {taken.entries} entries" if taken.origin else "none yet",
            "models": "with their weights" if taken.models else "without their weights",
            "encrypted": "yes" if taken.encrypted else "no",
            "sha256": taken.sha256,
        }
    )
    for path in taken.left_out:
        output.note(f"Left out, because it is no plain file: {path}")
    if not taken.encrypted:
        output.note(
            "The estate's keys are in it. Whoever can read the file can act as the estate: --encrypt-to AGE1..."
        )


def _show_restored(restored: Restored) -> None:
    output.say(
        f"{restored.estate} is as it was at {restored.made_at}: {restored.files} files, all as the backup lists."
    )
    if restored.origin:
        output.fields({"ledger": f"{restored.origin}, {restored.entries} entries, checked to the signed root"})
        output.note(
            "Its ledger is a copy. Make sure that the estate it was made of never runs again, then:\n"
            f"  freehold ledger adopt --estate {restored.estate}\n  freehold up --estate {restored.estate}"
        )
    if not restored.models:
        output.note("The weights of its models are not in the backup: import them again before 'freehold up'.")
