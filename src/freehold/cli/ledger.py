# SPDX-License-Identifier: Apache-2.0
"""freehold ledger: checks the record, and takes proofs out of it. Reads files and keys only; trusts no process."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import click
import msgspec

from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import control, supervisor_pid
from freehold.cli import output
from freehold.cli.loading import Loading
from freehold.cli.options import estate_option, examples, json_option, operator_option
from freehold.contract.estate import Estate
from freehold.contract.printing import printable
from freehold.errors import EstateError, VerificationFailed
from freehold.ledger.check.issuing import receipt_for, tlog_proof_for
from freehold.ledger.check.receipt import check_receipt, open_tlog_proof
from freehold.ledger.check.trust import TrustPolicy, parse_policy, trust_log
from freehold.ledger.check.verify import LedgerReport, verify_ledger
from freehold.ledger.record.entry import entry_fields

_TLOG_PROOF = b"c2sp.org/tlog-proof@"
_policy_option = click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Trust the log and the witnesses of this policy (c2sp.org/tlog-policy). Default: the key, and no witness.",
)


@click.group(
    cls=Loading,
    modules={
        "adopt": "freehold.cli.adopt",
        "fsck": "freehold.cli.ledger_files",
        "export": "freehold.cli.ledger_files",
        "prune": "freehold.cli.ledger_files",
    },
    short_help="Check the record, and take proofs out of it.",
    epilog=examples("freehold ledger verify", "freehold ledger receipt freehold.local/3f9a0c27b81d/42"),
)
def ledger() -> None:
    """The ledger: every call that was admitted or refused, how it ended, and every act of an operator.

    It is an append-only log as C2SP's tlog-tiles has it, in the estate's ledger/. It holds ids, counts and digests, and
    no content. Whoever has the verifier key, keys/ledger.vkey, can check it without the estate.
    """


@ledger.command(
    epilog=examples("freehold ledger verify", "freehold ledger verify --vkey auditor/ledger.vkey --json"),
)
@click.option("--vkey", metavar="FILE|VKEY", help="The verifier key to trust. Default: the estate's keys/ledger.vkey.")
@_policy_option
@estate_option
@json_option
@click.pass_context
def verify(context: click.Context, vkey: str | None, policy: Path | None, estate: Estate, *, as_json: bool) -> None:
    """Derive the whole log again from its entries, compare every hash and the signature, and count what is there.

    Exits with 1 if something does not hold, and says what was expected and what was found. An estate that is up is
    asked to sign its newest entries first.
    """
    require_estate(estate)
    publish(estate)
    report = verify_ledger(estate.ledger, _trust(policy, vkey, estate))
    if as_json:
        output.emit("ledger", msgspec.to_builtins(report))
    else:
        _show(report)
    if report.with_two_outcomes or report.stray_outcomes:
        context.exit(1)


@ledger.command(
    epilog=examples(
        "freehold ledger receipt freehold.local/3f9a0c27b81d/42 --out call.json",
        "freehold ledger receipt freehold.local/3f9a0c27b81d/42 --format tlog-proof",
        "freehold ledger receipt --check call.json --vkey ledger.vkey",
    )
)
@click.argument("position", metavar="[ORIGIN/INDEX]", default="")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "tlog-proof"]),
    default="json",
    show_default=True,
    help="json: admission and outcome, each with its proof. tlog-proof: C2SP's text, for this one entry.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file instead of the terminal.")
@click.option("--check", type=click.Path(path_type=Path, dir_okay=False), help="Check this receipt; needs no estate.")
@click.option("--vkey", metavar="FILE|VKEY", help="The verifier key to trust. Default: the estate's keys/ledger.vkey.")
@_policy_option
@estate_option
@json_option
def receipt(  # noqa: PLR0913 - one argument for each option
    *,
    position: str,
    form: str,
    out: Path | None,
    check: Path | None,
    vkey: str | None,
    policy: Path | None,
    estate: Estate,
    as_json: bool,
) -> None:
    """Take the proof of one entry out of the log, or check one that somebody was given.

    ORIGIN/INDEX is what an answer carries as Freehold-Receipt. A receipt proves the admission of the call and, once the
    call has ended, its outcome with the commitment to the answer. It is whole in itself: --check needs the verifier key
    and nothing else. An act's receipt proves the act. freehold-verify checks the same where there is no Freehold.
    """
    if bool(position) == (check is not None):
        raise click.UsageError("Give either ORIGIN/INDEX or --check FILE.")
    if check is not None:
        _check(check, _trust(policy, vkey, estate), as_json=as_json)
        return
    origin, index = _parse(position)
    require_estate(estate)
    publish(estate)
    if form == "tlog-proof":
        text = tlog_proof_for(estate.ledger, origin, index)
    else:
        text = receipt_for(estate.ledger, origin, index).decode()
    if out is None:
        click.echo(text, nl=False)
    else:
        _write(out, text)


@ledger.command(
    epilog=examples(
        "freehold ledger forget freehold.local/3f9a0c27b81d/42",
        "freehold ledger forget --call call_019aa6f2c1d43f9a0c27b81d55e0",
        "freehold ledger forget --text key_3f9a0c27b81d",
    )
)
@click.argument("position", metavar="[ORIGIN/INDEX]", default="")
@click.option("--call", metavar="ID", help="The call, as its answer named it: X-Request-Id.")
@click.option("--day", metavar="YYYY-MM-DD", help="Every call of a day, in UTC, that is over.")
@click.option("--text", metavar="ID", help="What was written about a key, operator, directive, drill or target.")
@operator_option
@estate_option
@json_option
def forget(  # noqa: PLR0913 - one argument for each option
    *, position: str, call: str | None, day: str | None, text: str | None, token: str, estate: Estate, as_json: bool
) -> None:
    """Erase, for ever: the salt of a call, or words that the estate keeps. That it was done is on record.

    Without its salt the commitments of a call mean nothing: no one can show, or even test, what was asked and answered.
    The entries stay, and every proof. Backups keep what they have, and so does whoever was given a receipt.
    """
    named = {"position": position, "call": call, "day": day, "text": text}
    asked = {name: value for name, value in named.items() if value}
    if len(asked) != 1:
        raise click.UsageError("Name exactly one of ORIGIN/INDEX, --call, --day and --text.")
    with control(estate) as admin:
        forgotten = admin.acting_with(token).post("ledger/forget", asked)["forgotten"]
    if as_json:
        output.emit("forgotten", forgotten)
        return
    output.say(_forgotten(forgotten))
    output.note("Backups still have what was erased here: erase it there, too.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proved:
    """What a file proves: these entries, in this log."""

    origin: str
    index: int
    tree_size: int
    entries: dict[str, dict[str, object]]  # their fields, by what the receipt calls them


def _check(path: Path, trust: TrustPolicy, *, as_json: bool) -> None:
    data = _read(path, "Name a receipt that 'freehold ledger receipt' wrote.")
    proved = _check_text(data, trust) if data.startswith(_TLOG_PROOF) else _check_json(data, trust)
    if as_json:
        facts = {"origin": proved.origin, "index": proved.index, "tree_size": proved.tree_size, **proved.entries}
        output.emit("receipt", {"holds": True, **facts})
        return
    output.say(f"The receipt holds: entry {proved.index} of {proved.origin}.")
    for kind, entry in proved.entries.items():
        output.say()
        shown = {printable(name): printable(str(value)) for name, value in _flat(entry).items() if value != ""}
        output.fields({"entry": kind} | shown)


def _check_json(data: bytes, trust: TrustPolicy) -> _Proved:
    checked = check_receipt(data, trust)
    return _Proved(
        origin=checked.position.origin,
        index=checked.position.index,
        tree_size=checked.tree_size,
        entries={name: entry_fields(entry) for name, entry in checked.entries.items()},
    )


def _check_text(data: bytes, trust: TrustPolicy) -> _Proved:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise VerificationFailed("this is no tlog-proof: expected UTF-8 text") from exc
    checked = open_tlog_proof(text, trust)
    fields = {} if checked.entry is None else entry_fields(checked.entry)
    return _Proved(
        origin=checked.checkpoint.checkpoint.origin,
        index=checked.index,
        tree_size=checked.checkpoint.checkpoint.size,
        entries={str(fields["kind"]): fields} if fields else {},
    )


def _forgotten(told: dict[str, str]) -> str:
    if "text" in told:
        return f"What was written about {told['text']} is erased, and that is on record."
    what = f"The salt of {told['call']} is" if "call" in told else f"The salts of {told['day']} are"
    return f"{what} destroyed: act {told['act']}, {told.get('kind', '')} at {told.get('at', '')}."


def publish(estate: Estate) -> None:
    """Have what a running estate wrote so far signed; one that is down has signed all that it wrote."""
    if supervisor_pid(estate) is not None:
        with control(estate) as admin:
            admin.post("ledger/publish")


def _trust(policy: Path | None, vkey: str | None, estate: Estate) -> TrustPolicy:
    """Whom to trust: the policy, and the verifier key where that names no log, or where there is no policy."""
    if policy is None:
        return trust_log(read_key(vkey, estate))
    trusted = parse_policy(_read(policy, "Name a policy as c2sp.org/tlog-policy has it."))
    if vkey is not None and trusted.logs:
        raise click.UsageError(f"{policy} names its logs itself: leave out --vkey.")
    return trusted if trusted.logs else replace(trusted, logs=trust_log(read_key(vkey, estate)).logs)


def _read(path: Path, hint: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise EstateError(f"{path} cannot be read", hint=hint) from exc


def read_key(given: str | None, estate: Estate) -> str:
    """The verifier key: what was given, as text or as a file, else the estate's own."""
    path = estate.ledger_vkey if given is None else Path(given)
    if given is not None and not path.exists() and given.count("+") >= 2:
        return given
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise EstateError(
            f"there is no verifier key in {path}",
            hint="Ask the estate's operator for keys/ledger.vkey, by a way that you trust, and give it with --vkey.",
        ) from exc


def _parse(position: str) -> tuple[str, int]:
    origin, _, index = position.rpartition("/")
    if not origin or not index.isdecimal() or not index.isascii():
        raise click.UsageError(f"{position!r} is not ORIGIN/INDEX, as an answer's Freehold-Receipt header has it.")
    return origin, int(index)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise EstateError(f"{path} cannot be written", hint="Name another file with --out.") from exc
    output.note(f"Wrote {path}. 'freehold ledger receipt --check {path}' checks it.")


def _show(report: LedgerReport) -> None:
    strange = report.with_two_outcomes + report.stray_outcomes
    if strange:
        output.say("The ledger does NOT hold: every hash and the signature of its head do, but it contradicts itself.")
    else:
        output.say("The ledger holds: every entry, every hash, the signature of its head.")
    output.fields(
        {
            "origin": report.origin,
            "entries": report.size,
            "root": report.root,
            **({"cosigned up to": report.cosigned_size} if report.witnesses else {}),
            **({"pruned up to": report.minimum_index} if report.minimum_index else {}),
            "admissions": report.admissions,
            "refusals": report.refusals,
            **{f"  {ending}": count for ending, count in report.outcomes.items()},
            **({"  of these pruned": report.outcomes_of_pruned} if report.outcomes_of_pruned else {}),
            "acts": report.acts,
        }
    )
    if report.without_outcome:
        output.note(
            f"{report.without_outcome} calls have no outcome yet: they are under way, or will be closed as lost."
        )
    if strange:
        output.note(click.style(f"{strange} outcomes close no call, or one that was closed already.", fg="red"))
    if report.unknown:
        output.note(f"{report.unknown} entries are of a kind that this release does not know.")


def _flat(entry: Mapping[str, object]) -> dict[str, object]:
    """An entry's fields in one level, as a person reads them."""
    flat: dict[str, object] = {}
    for name, value in entry.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": item for inner, item in value.items()}
        elif name == "targets" and isinstance(value, list):
            flat |= {f"{name}.{row['name']}": "allowed" if row["allowed"] else "refused" for row in value}
        elif name == "seams" and isinstance(value, list):
            flat |= {f"{name}.{number}": f"{row['left']} to {row['taken_by']}" for number, row in enumerate(value, 1)}
        elif name not in ("v", "kind"):
            flat[name] = value
    return flat
