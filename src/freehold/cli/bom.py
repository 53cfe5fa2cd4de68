# SPDX-License-Identifier: Apache-2.0
"""freehold bom: what the estate is made of, as CycloneDX. Reads files; asks nobody, and needs no estate that is up."""

from datetime import UTC, datetime
from pathlib import Path

import click

from freehold.admin.readable import require_estate
from freehold.assess.bom import bom_of_estate, bom_of_model
from freehold.cli import output
from freehold.cli.options import estate_option, examples
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.policy.facts import load_register
from freehold.settings import read_settings
from freehold.vault import Vault


@click.command(
    short_help="What the estate is made of: models, engines, packages, providers.",
    epilog=examples("freehold bom --out estate.cdx.json", "freehold bom --model smollm2-135m-instruct"),
)
@click.option("--model", metavar="NAME", help="Only this model of the vault, with what it was made of.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file instead of the terminal.")
@estate_option
def bom(model: str | None, out: Path | None, estate: Estate) -> None:
    """Write the bill of materials, in CycloneDX 1.7 (JSON).

    Models come with their files, card, licence and lineage; engines with the digest of the file that would run; Python
    packages with the hashes that this release is locked to; providers as services, with the states that can compel
    them. What is not known is left out or called unknown.
    """
    require_estate(estate)
    vault, now = Vault(estate.vault), datetime.now(UTC)
    models = vault.list()
    if model is None:
        settings, register = read_settings(estate.settings), load_register(estate.facts)
        written = bom_of_estate(settings, models, register, now, estate.engines)
    else:
        written = bom_of_model(vault.show(model), models, now)
    if out is None:
        click.echo(written, nl=False)
        return
    try:
        out.write_bytes(written)
    except OSError as exc:
        raise EstateError(f"{out} cannot be written", hint="Name another file with --out.") from exc
    output.note(f"Wrote {out}.")
