# SPDX-License-Identifier: Apache-2.0
"""freehold ledger adopt: a restored, moved or copied ledger becomes the ledger. The one way for it to grow again."""

from pathlib import Path

import click
import msgspec

from freehold.admin.readable import require_estate, require_own
from freehold.bootstrap.adopting import Adoption
from freehold.bootstrap.adopting import adopt as adopt_ledger
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate


@click.command(
    epilog=examples(
        "freehold ledger adopt",
        "freehold ledger adopt --from /mnt/newer/ledger",
        "freehold ledger adopt --unwitnessed",
    ),
)
@click.option(
    "--from",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another copy: take the entries that it has and this one lacks. May be given again.",
)
@click.option("--unwitnessed", is_flag=True, help="Nobody can be asked whether there is a newer one; that is recorded.")
@estate_option
@json_option
def adopt(sources: tuple[Path, ...], estate: Estate, *, unwitnessed: bool, as_json: bool) -> None:
    """Make the copy of the ledger in this estate the ledger, so that entries can be added to it again.

    An estate that was restored, copied or moved to another disk does not start before this: two copies that both went
    on would be two histories under one key. The witnesses of freehold.toml and the anchor are asked for the newest
    entries that they have seen, and a copy that lacks some is refused. Where there is neither, say --unwitnessed; the
    act on record then says so. The estate must be down, and the ledger it was copied from must never run again.
    """
    require_estate(estate)
    require_own(estate)
    adoption = adopt_ledger(estate, sources, unwitnessed=unwitnessed)
    if as_json:
        output.emit("adoption", msgspec.to_builtins(adoption))
    else:
        _show(adoption)


def _show(adoption: Adoption) -> None:
    output.say(f"This copy is the ledger {adoption.origin} now, with {adoption.size} entries signed.")
    if adoption.taken:
        output.say(f"{adoption.taken} of them came from another copy.")
    for witness, size in adoption.seen.items():
        output.say(f"Witness {witness} has seen {'nothing that it would tell' if size is None else f'{size} entries'}.")
    output.note(f"The adoption is entry {adoption.act}. Never start the estate that this one was copied from again.")
