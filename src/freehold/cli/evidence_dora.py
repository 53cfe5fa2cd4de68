# SPDX-License-Identifier: Apache-2.0
"""freehold evidence dora: the register's entries, on whom the estate leans, and a plan to leave each provider."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from freehold.admin.readable import readable, require_estate
from freehold.assess.evidence.dora import Entries, Leaning, fill, leaning, load_layout, write_csv, write_plan
from freehold.assess.evidence.dora.page import write_report
from freehold.assess.evidence.html import write_document
from freehold.assess.evidence.picture import Picture
from freehold.assess.evidence.wording import counted
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

    --output writes one CSV for each template, an exit plan for each provider, and a page for people.
    Exits with 1 if something is missing.
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
        (
            "provider",
            "states",
            "services",
            "nobody else for",
            "calls on record",
            "share",
            "substitutability",
            "drilled",
        ),
        [
            (
                on.provider,
                on.authorities,
                [one.service for one in on.carried],
                on.alone,
                "no ledger" if on.calls is None else on.calls,
                "" if on.share_pct is None else f"{on.share_pct:g} %",
                on.substitutability,
                [one.drills[-1].began for one in on.carried if one.drills] or "never",
            )
            for on in lean.providers
        ],
        empty="No provider may answer any service by the rules: the register has no entry of one.",
    )
    _show_losses(lean)
    if entries.findings:
        output.say()
        output.say(f"Missing or wrong: {counted(len(entries.findings), 'cell')}.")
    for one in entries.findings[:_MOST]:
        mend = f"  ({one.answer})" if one.answer else ""
        output.say(f"  {one.template} row {one.row} {one.column}  {one.what}{mend}")
    if len(entries.findings) > _MOST:
        output.say(f"  and {len(entries.findings) - _MOST} more")
    if any(one.answer for one in entries.findings):
        output.say("  'freehold evidence answer ID VALUE --about SUBJECT --by NAME --source TEXT' answers one.")


def _show_losses(lean: Leaning) -> None:
    """Who would stand in and with what room, and what is not shown."""
    losses = [one.foreseen for on in lean.providers for one in on.carried if one.foreseen is not None]
    known = [lost for lost in (*losses, *lean.states) if lost.touched]
    if known:
        output.say()
        output.say(
            "What would be lost" + (" now:" if lean.up else " by files; slots and calls are known while it is up:")
        )
    for lost in known:
        output.say(f"  without {lost.name}: {lost.service} {lost.fate}: {lost.reason}")
    for on in lean.providers:
        for one in on.carried:
            if one.lacks:
                output.say(f"  not shown of {one.service} without {on.provider}: {one.lacks}")


def _write(folder: Path, picture: Picture, lean: Leaning, entries: Entries) -> None:
    layout = load_layout()
    files = {f"{name.lower()}.csv": write_csv(layout, entries, name) for name in layout.templates}
    files["dora.html"] = write_document(write_report(picture, layout, lean, entries)).decode()
    files |= {f"exit-{on.provider}.md": write_plan(picture, on, entries.findings) for on in lean.providers}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except OSError as exc:
        raise EstateError(f"{folder} cannot be written", hint="Name another folder with --output.") from exc
    output.note(f"Wrote {len(files)} files to {folder}.")
