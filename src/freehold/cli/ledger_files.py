# SPDX-License-Identifier: Apache-2.0
"""freehold ledger fsck, export and prune: the record's files. Only the last changes any, by the ledger's process."""

from pathlib import Path
from typing import Any

import click
import msgspec

from freehold.admin.readable import require_estate, require_own
from freehold.admin.record.reading import fsck_view
from freehold.bootstrap.launch import control
from freehold.bootstrap.witnesses import trust_policy_of
from freehold.cli import output
from freehold.cli.ledger import publish, read_key
from freehold.cli.options import At, estate_option, examples, json_option, operator_option
from freehold.contract.estate import Estate
from freehold.contract.printing import printable
from freehold.ledger.check.fsck import Difference, TreeReport, check_tree
from freehold.ledger.check.surroundings import Surroundings, check_surroundings
from freehold.ledger.public.archive import Exported, LogCopy
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.repairing import repair as repair_tiles

_NAMED = 20


@click.command(
    epilog=examples("freehold ledger fsck", "freehold ledger fsck --vkey auditor/ledger.vkey --json"),
)
@click.option("--vkey", metavar="FILE|VKEY", help="The verifier key to trust. Default: the estate's keys/ledger.vkey.")
@click.option("--repair", is_flag=True, help="Write damaged tiles anew, out of entries that lead to the signed root.")
@estate_option
@json_option
@click.pass_context
def fsck(context: click.Context, *, vkey: str | None, repair: bool, estate: Estate, as_json: bool) -> None:
    """Look through the ledger's files: derive every tile again from the entries, and name each file that differs.

    Says which file, where in it, what was expected and what was found; and of a hash and an entry that do not fit each
    other, which one still leads to the signed root. Looks at partial tiles, checkpoints, the journal and the salts'
    files too, and for files that belong to no log. Reads only, also while the estate is up. Exits with 1 if anything
    differs.

    With --repair, of an estate that is down, tiles are derived anew first. Entries never are: if they do not lead to
    the signed root, nothing is written.
    """
    require_estate(estate)
    if repair:
        require_own(estate)
    key = read_key(vkey, estate)
    repaired = repair_tiles(estate.ledger, key, Disk()) if repair else []
    tree = check_tree(estate.ledger, key)
    around = check_surroundings(estate.ledger, estate.salts, size=tree.size, minimum_index=tree.minimum_index)
    differences = [*tree.differences, *around.differences]
    if as_json:
        output.emit("fsck", {**fsck_view(tree, around), "repaired": repaired})
    else:
        for path in repaired:
            output.say(f"Written anew: {path}")
        _show(tree, around, differences)
    if differences:
        context.exit(1)


@click.command(
    epilog=examples("freehold ledger export ./ledger-copy", "freehold ledger export 2027-01-01.tar"),
)
@click.argument("target", metavar="DIR|FILE.tar", type=click.Path(path_type=Path))
@click.option("--newest", is_flag=True, help="The newest checkpoint, also where witnesses have not cosigned it yet.")
@estate_option
@json_option
def export(target: Path, estate: Estate, *, newest: bool, as_json: bool) -> None:
    """Copy the ledger for somebody else: its tiles under one checkpoint, the verifier key, and a trust policy.

    The copy is whole in itself: freehold-verify checks it on a machine without an estate, any C2SP tool reads it, and
    a web server may give it out. The same ledger gives the same bytes. Nothing of the journal or the salts is in it.
    Where witnesses are configured, the newest checkpoint that they have cosigned is taken.
    """
    require_estate(estate)
    publish(estate)
    policy = "" if newest else trust_policy_of(estate)
    exported = LogCopy(estate.ledger, read_key(None, estate), policy).write(target.absolute())
    if as_json:
        output.emit("export", msgspec.to_builtins(exported))
    else:
        _show_export(exported)


@click.command(
    epilog=examples(
        "freehold ledger prune --before 2027-01-01 --dry-run",
        "freehold ledger prune --before 250000",
    ),
)
@click.option("--before", required=True, metavar="INDEX|TIME", help="The first entry to keep, or its day or instant.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and take nothing away.")
@operator_option
@estate_option
@json_option
@click.pass_context
def prune(  # noqa: PLR0913 - one argument for each option
    context: click.Context, *, before: str, token: str, estate: Estate, dry_run: bool, as_json: bool
) -> None:
    """Take the ledger's oldest entries away, for good. The tree, its root and every proof about later entries stay.

    Needs [ledger] prune_after_days, and refuses entries that are younger, calls that are open, and what the configured
    witnesses have not cosigned. What goes is what C2SP's tlog-tiles lets go: tiles and bundles that end before the
    index. The act is in the ledger before anything goes. Export first what must be kept.
    """
    wanted: dict[str, Any] = {"dry_run": dry_run}
    if before.isascii() and before.isdecimal():
        wanted["before_index"] = int(before)
    else:
        wanted["before"] = At().convert(before, None, context)
    with control(estate) as admin:
        told = admin.acting_with(token).post("ledger/prune", wanted)["prune"]
    if as_json:
        output.emit("prune", told)
    else:
        _show_prune(told)


def _show(tree: TreeReport, around: Surroundings, differences: list[Difference]) -> None:
    if differences:
        output.say(f"{len(differences) + tree.untold} files or hashes differ. The first:")
        for difference in differences[:_NAMED]:
            output.say(printable(f"  {difference}{_blamed(difference)}"))
        if (more := len(differences) + tree.untold - _NAMED) > 0:
            output.say(f"  ... and {more} more; --json tells {len(differences)}")
    else:
        output.say("The ledger's files hold: every tile is what the entries lead to, and nothing else is there.")
    fields = {"origin": tree.origin, "entries": tree.size, "root": tree.root.hex(), "tiles": tree.tiles}
    if tree.minimum_index:
        fields["kept from"] = tree.minimum_index
    output.fields(fields)
    for note in around.notes:
        output.note(note)
    if any(difference.derivable for difference in differences):
        output.note(
            "What differs can be derived from the entries: 'freehold down', then 'freehold ledger fsck --repair'."
        )


def _blamed(difference: Difference) -> str:
    match difference.blame:
        case "entry":
            return f" (the stored hash leads to the signed root: entry {difference.entry} is not what was logged)"
        case "hash":
            return " (the entry leads to the signed root: the hash is not what was logged)"
        case _:
            return ""


def _show_export(exported: Exported) -> None:
    fields: dict[str, object] = {
        "origin": exported.origin,
        "entries": exported.size,
        "cosigned": "yes" if exported.cosigned else "no",
        "files": exported.files,
        "size": output.size(exported.size_bytes),
    }
    if exported.minimum_index:
        fields["kept from"] = exported.minimum_index
    if exported.sha256:
        fields["sha256"] = exported.sha256
    output.say(f"Wrote {exported.path}")
    output.fields(fields)


def _show_prune(told: dict[str, Any]) -> None:
    if not told["files"]:
        output.say(f"There is nothing to prune: no tile ends at or before entry {told['before']}.")
        return
    what = f"{told['files']} files, {output.size(told['size_bytes'])}"
    output.say(f"Pruned: {what}." if told["done"] else f"Would prune: {what}.")
    output.fields({"kept from": told["minimum_index"], "before": told["was"], "root there": told["root"]})
