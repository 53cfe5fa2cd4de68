# SPDX-License-Identifier: Apache-2.0
"""freehold evidence pack: every report with what it rests on, receipts and checkpoints, in one signed file."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import click

from freehold.admin.readable import readable, require_estate
from freehold.assess.evidence.pack import Closing, Draft, Wanted, close, draft
from freehold.bootstrap.launch import control
from freehold.bootstrap.witnesses import trust_policy_of
from freehold.cli import output
from freehold.cli.evidence_picture import picture_of
from freehold.cli.ledger import publish, read_key
from freehold.cli.options import estate_option, examples, json_option, operator_option
from freehold.contract.estate import Estate
from freehold.errors import EstateError, VerificationFailed
from freehold.files.whole import put_whole
from freehold.ledger.check.trust import TrustPolicy, parse_policy, trust_log
from freehold.ledger.tree.store import LedgerFiles

_LOOKED_AT_EVERY_S = 0.2


@click.command(
    epilog=examples(
        "freehold evidence pack evidence-2027-01.zip",
        "freehold evidence pack evidence-2027-01.zip --with exposure.html --with exposure.sarif",
        "freehold evidence pack evidence-2027-01.zip --receipt 1042 --calls 20",
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--profile", metavar="NAME", default="", help="The weights of the CSF: as of 'freehold evidence csf'.")
@click.option(
    "--calls",
    type=click.IntRange(0, 1000),
    default=3,
    show_default=True,
    help="Receipts of how many of the newest calls, for each target that answered and each service that was refused.",
)
@click.option("--receipt", "receipts", type=click.IntRange(0), multiple=True, help="The index of a further entry.")
@click.option(
    "--with",
    "given",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="A file made elsewhere, such as findings of 'freehold assess'; the pack says that it was.",
)
@click.option(
    "--wait",
    "wait_s",
    type=click.IntRange(0, 3600),
    default=30,
    show_default=True,
    help="Seconds to wait for witnesses to cosign what puts the pack on record.",
)
@operator_option
@estate_option
@json_option
def pack(  # noqa: PLR0913 - one argument for each option
    *,
    file: Path,
    profile: str,
    calls: int,
    receipts: tuple[int, ...],
    given: tuple[Path, ...],
    wait_s: int,
    token: str,
    estate: Estate,
    as_json: bool,
) -> None:
    """Put all evidence into one signed file: a ZIP whose index.html is read first, and that is readable without us.

    It has every report as HTML, PDF and data, what they rest on, receipts of acts and of the newest calls, the ledger's
    checkpoints with the cosignatures of witnesses, and public keys. That it was made is in the ledger, with the digest
    of its signed list of files; the receipt of that act is in it. 'freehold-verify pack' checks it on any machine.
    """
    require_estate(estate)
    if os.path.lexists(file):
        raise EstateError(f"{file} is there already", hint="Name a path that is free.")
    publish(estate)
    policy = trust_policy_of(estate)
    wanted = Wanted(
        id=f"pack_{token_hex(6)}", policy=policy, profile=profile, calls_each=calls, receipts=receipts, given=given
    )
    with readable(estate):
        drafted = draft(estate, picture_of(estate, datetime.now(UTC)), wanted)
    with control(estate) as admin:
        request = {"id": wanted.id, "manifest": drafted.digest, "key": f"sha256:{drafted.manifest.key}"}
        sealed = admin.acting_with(token).post("evidence/packs", request)["pack"]
        cosigned = _await_witnesses(estate, parse_policy(policy.encode()), _index(sealed), wait_s)
    trust = trust_log(read_key(None, estate))
    closing = close(drafted, sealed["signature"].encode(), estate.ledger, _index(sealed), trust)
    _write(file, closing.content)
    _tell(file, drafted, closing, cosigned=cosigned, as_json=as_json)


def _index(sealed: dict[str, Any]) -> int:
    return int(sealed["act"].rpartition("/")[2])


def _await_witnesses(estate: Estate, trust: TrustPolicy, index: int, wait_s: int) -> bool | None:
    """Whether the quorum has cosigned a tree with the entry; None where the estate asks for no witness."""
    if not trust.asks_witnesses:
        return None
    ends_s = time.monotonic() + wait_s
    while not _is_cosigned(estate, trust, index):
        if time.monotonic() >= ends_s:
            return False
        time.sleep(_LOOKED_AT_EVERY_S)
    return True


def _is_cosigned(estate: Estate, trust: TrustPolicy, index: int) -> bool:
    note = LedgerFiles(estate.ledger).cosigned_checkpoint()
    try:
        return note is not None and trust.open(note).checkpoint.size > index
    except VerificationFailed:
        return False


def _write(path: Path, content: bytes) -> None:
    try:
        put_whole(path, content)
    except OSError as exc:
        raise EstateError(f"{path} cannot be written", hint="Check its folder and the space there.") from exc


def _tell(path: Path, drafted: Draft, closing: Closing, *, cosigned: bool | None, as_json: bool) -> None:
    checked, manifest = closing.checked, drafted.manifest
    facts = {
        "id": manifest.id,
        "path": str(path),
        "origin": manifest.origin,
        "manifest": drafted.digest,
        "key": manifest.key,
        "files": len(manifest.files),
        "size_bytes": len(closing.content),
        "act": f"{manifest.origin}/{checked.index}",
        "receipts": {"calls": checked.calls, "acts": checked.acts},
        "cosigned": cosigned,
    }
    if as_json:
        output.emit("pack", facts)
        return
    output.say(f"{path} holds the evidence: {len(manifest.files)} files, {output.size(len(closing.content))}.")
    output.fields(
        {
            "pack": manifest.id,
            "on record": facts["act"],
            "manifest": drafted.digest,
            "receipts": f"of {checked.calls} calls and {checked.acts} acts",
            "cosigned": {True: "yes", False: "not yet", None: "no witness is configured"}[cosigned],
        }
    )
    if cosigned is False:
        output.note("The witnesses have not cosigned it yet: who asks for them will not accept it. Make another later.")
    output.note(f"'freehold-verify pack {path} --vkey ledger.vkey' checks it. Open index.html in it first.")
