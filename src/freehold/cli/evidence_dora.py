# SPDX-License-Identifier: Apache-2.0
"""freehold evidence dora: the register's entries, on whom the estate leans, and a plan to leave each provider."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from freehold.admin.readable import readable, require_estate
from freehold.assess.evidence.dora import Entries, Leaning, fill, leaning, load_layout, write_csv, write_plan
from freehold.assess.evidence.picture import Picture
from freehold.cli import output
from freehold.cli.evidence_picture import picture_of
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate
from freehold.errors import EstateError

_MOST = 20  # findings in the terminal; JSON has all


@click.command(epilog=examples("freehold evidence dora", "freehold evidence dora --output register"))
@click.option("--output", "out", type=click.Path(path_type=Path, file_okay=False), help="A folder to write files to.")
@estate_option
@json_option
@click.pass_context
def dora(context: click.Context, out: Path | None, estate: Estate, *, as_json: bool) -> None:
    """Fill the AI entries of DORA's register of information, and say what is missing by template, row and column.

    --output writes one CSV for each template, and an exit plan for each provider. Exits with 1 if something is missing.
    """
    require_estate(estate)
    with readable(estate):
        picture = picture_of(estate, datetime.now(UTC))
    layout, lean = load_layout(), leaning(picture)
    entries = fill(picture, layout, lean)
    if out is not None:
        _write(out, picture, lean, entries)
    if as_json:
        view = {"at": picture.at, "layout": {"source": layout.source, "as_of": layout.as_of, "status": layout.status}}
        output.emit("dora", msgspec.to_builtins({**view, "leaning": lean, "entries": entries}))
    else:
        _show(lean, entries)
    if entries.findings:
        context.exit(1)


def _show(lean: Leaning, entries: Entries) -> None:
    output.table(
        ("provider", "states", "services", "nobody else for", "calls on record", "substitutability", "drilled"),
        [
            (
                on.provider,
                on.authorities,
                [one.service for one in on.carried],
                on.alone,
                "no ledger" if on.calls is None else on.calls,
                on.substitutability,
                [one.drills[-1].began for one in on.carried if one.drills] or "never",
            )
            for on in lean.providers
        ],
        empty="No provider may answer any service by the rules: the register has no entry of one.",
    )
    if entries.findings:
        output.say()
        output.say(f"{len(entries.findings)} cells are missing or wrong:")
    for one in entries.findings[:_MOST]:
        mend = f"  ({one.answer})" if one.answer else ""
        output.say(f"  {one.template} row {one.row} {one.column}  {one.what}{mend}")
    if len(entries.findings) > _MOST:
        output.say(f"  and {len(entries.findings) - _MOST} more")
    if any(one.answer for one in entries.findings):
        output.say("  'freehold evidence answer ID VALUE --about SUBJECT --by NAME --source TEXT' answers one.")


def _write(folder: Path, picture: Picture, lean: Leaning, entries: Entries) -> None:
    layout = load_layout()
    files = {f"{name.lower()}.csv": write_csv(layout, entries, name) for name in layout.templates}
    files |= {f"exit-{on.provider}.md": write_plan(picture, on, entries.findings) for on in lean.providers}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except OSError as exc:
        raise EstateError(f"{folder} cannot be written", hint="Name another folder with --output.") from exc
    output.note(f"Wrote {len(files)} files to {folder}.")
