# SPDX-License-Identifier: Apache-2.0
"""Check an evidence pack: every file, the signature, that it is on record, and every receipt and checkpoint in it.

It says what was proved, and what somebody merely says. A pack that was unpacked may be given as its folder.
"""

import os
import stat
from argparse import ArgumentParser, Namespace
from pathlib import Path

from freehold.errors import EstateError, VerificationFailed
from freehold.signing.elliptic import parse_elliptic_verifier
from freehold.verify.form.archive import MAX_ARCHIVE_BYTES, MAX_FILES, read_archive
from freehold.verify.form.checking import CheckedPack, Statements, check_pack
from freehold.verify.sources import chosen_trust, read_file
from freehold.verify.verdict import NOT_THE_WORLD, Verdict, add_head, head_facts

_MOST_NAMED = 5


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("pack", metavar="FILE|DIR", help="the pack, or the folder that it was unpacked into")
    parser.add_argument("--key", metavar="FILE", help="the public key (PEM) that must have signed the manifest")


def verify(asked: Namespace) -> Verdict:
    policy = chosen_trust(asked)
    key = None if asked.key is None else parse_elliptic_verifier(read_file(asked.key), asked.key)
    path = Path(asked.pack)
    files = _folder(path) if path.is_dir() else read_archive(read_file(asked.pack, limit_bytes=MAX_ARCHIVE_BYTES))
    checked = check_pack(files, policy, key)
    verdict = Verdict(facts=_facts(checked))
    _tell_proved(verdict, checked)
    add_head(verdict, checked.head, policy)
    _tell_asserted(verdict, checked)
    if path.is_dir():
        verdict.not_proved.append("that the pack was a file without defects: its unpacked folder was given")
    if checked.unrecorded:
        verdict.not_proved.append(f"that these scorecards are those on record: {_named(checked.unrecorded)}")
    verdict.not_proved.append(NOT_THE_WORLD)
    return verdict


def _tell_proved(verdict: Verdict, checked: CheckedPack) -> None:
    manifest, act = checked.manifest, checked.act
    verdict.proved += [
        f"the pack {manifest.id} of {manifest.origin} is whole: {len(manifest.files)} files, as its manifest has them",
        f"the key {manifest.key} signed the manifest",
        f"this manifest and this key are on record in entry {checked.index}, by {act.operator} at {act.at}",
        f"what the reports count is the ledger's first {manifest.tree_size} entries, from which it went on",
        f"the receipts hold, in that ledger: calls: {checked.calls}, acts: {checked.acts}",
    ]
    if checked.recorded:
        verdict.proved.append(f"these scorecards of drills are those on record: {_named(checked.recorded)}")


def _tell_asserted(verdict: Verdict, checked: CheckedPack) -> None:
    verdict.asserted += [
        f"the reports: the estate's program drew them up at {checked.manifest.made_at} out of the files beside them",
        *(_told(one) for one in checked.statements),
    ]
    if checked.given:
        verdict.asserted.append(f"made elsewhere, and put in as it came: {_named(checked.given)}")


def _told(said: Statements) -> str:
    people = _named(said.people) or "nobody"
    return f"{said.path}: what people said; answers: {said.answers}, by {people}; none is signed by whoever gave it"


def _facts(checked: CheckedPack) -> dict[str, object]:
    manifest, act = checked.manifest, checked.act
    return {
        **head_facts(checked.head),
        "id": manifest.id,
        "made_at": manifest.made_at,
        "freehold": manifest.freehold,
        "key": manifest.key,
        "index": checked.index,
        "recorded_at": act.at,
        "operator": act.operator,
        "reports_tree_size": manifest.tree_size,
        "files": len(manifest.files),
        "receipts": {"calls": checked.calls, "acts": checked.acts},
        "scorecards": {"recorded": list(checked.recorded), "unrecorded": list(checked.unrecorded)},
        "given": list(checked.given),
    }


def _named(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _folder(folder: Path) -> dict[str, bytes]:
    """Every file below a folder. Raises VerificationFailed for what is none, EstateError."""
    files: dict[str, bytes] = {}
    left_bytes, waiting = MAX_ARCHIVE_BYTES, [folder]
    try:
        while waiting:
            for entry in sorted(os.scandir(waiting.pop()), key=lambda found: found.name):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(Path(entry.path))
                    continue
                name = Path(entry.path).relative_to(folder).as_posix()
                if not stat.S_ISREG(status.st_mode):
                    raise VerificationFailed(f"{name!r} is no plain file: a pack has no links, pipes or devices")
                content = read_file(entry.path, limit_bytes=left_bytes)
                left_bytes -= len(content)
                files[name] = content
                if len(files) > MAX_FILES:
                    raise VerificationFailed(f"the pack has more than {MAX_FILES} files")
    except OSError as exc:
        raise EstateError(f"{folder} cannot be read", hint="Check its owner, or give the pack's file.") from exc
    return files
