# SPDX-License-Identifier: Apache-2.0
"""A witness's directory: made, opened, added to.

witness.key   the private key, mode 0600        witness.vkey  its public half, for the logs and for whoever verifies
logs          the logs that are watched         seen/, evidence/  what must not be forgotten: memory.py
"""

import os
from collections.abc import Callable
from pathlib import Path

from freehold.errors import EstateError, OperatorError, VerificationFailed
from freehold.ledger.writing.disk import Disk
from freehold.signing.cosignature import cosign, parse_cosigner
from freehold.signing.keys import create_file_key, load_cosigner
from freehold.signing.note import KeyKind, Signer, parse_note
from freehold.witness.serving.logs import WatchedLogs, parse_log_key
from freehold.witness.serving.memory import Memory
from freehold.witness.serving.service import Witness

KEY_TYPES = {"ed25519": KeyKind.ED25519_COSIGNATURE, "ml-dsa-44": KeyKind.ML_DSA_44_COSIGNATURE}
_LOGS = """# The logs that this witness watches, one a line: log VKEY, and behind it a URL if you like.
# A change takes effect at once.
"""


def make_home(directory: Path, *, name: str, key_type: str) -> str:
    """Make the directory, its key and its files; the verifier key. One that was cut short is completed.

    Raises EstateError if there is a witness already.
    """
    key_file = directory / "witness.key"
    files = {"witness.vkey": "", "logs": _LOGS}
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if key_file.exists() and all((directory / file).exists() for file in files):
            raise EstateError(f"there is a witness in {directory} already", hint="Name another directory.")
        key = (
            load_cosigner(str(key_file)) if key_file.exists() else create_file_key(key_file, name, KEY_TYPES[key_type])
        )
        disk = Disk()
        for file, text in (files | {"witness.vkey": f"{key.vkey}\n"}).items():
            if not (directory / file).exists():
                disk.write_whole(directory / file, text.encode())
        disk.sync_directory(directory)
    except OSError as exc:
        raise EstateError(f"{directory} cannot be written", hint="Check its owner and the disk.") from exc
    return key.vkey


def watch(directory: Path, vkey: str, url: str = "") -> str:
    """Add a log to those that are watched; its origin. One that is there stays. Raises EstateError, SettingsError."""
    try:
        key = parse_log_key(vkey)
    except VerificationFailed as problem:
        raise EstateError(problem.message, hint="An estate has it in keys/ledger.vkey.") from problem
    path = directory / "logs"
    known = WatchedLogs(path)().get(key.name)
    if known is None or key not in known.keys:
        try:
            before = path.read_text(encoding="utf-8")
            separator = "" if not before or before.endswith("\n") else "\n"
            with path.open("a", encoding="utf-8") as file:
                file.write(separator + f"log {vkey} {url}".rstrip() + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise EstateError(f"{path} cannot be written", hint="Check its owner and the disk.") from exc
    return key.name


class Home:
    """An opened witness. Raises OperatorError saying what keeps it from witnessing."""

    def __init__(self, directory: Path, *, now_unix: Callable[[], float], disk: Disk | None = None) -> None:
        if not (directory / "witness.key").exists():
            raise EstateError(
                f"there is no witness in {directory}", hint="'freehold witness init DIR --name NAME' makes one."
            )
        key = load_cosigner(str(directory / "witness.key"))
        self.name = key.name
        self.vkey = key.vkey
        logs = WatchedLogs(directory / "logs")
        self._memory = Memory(directory, _cosigned_by(key), disk=disk)
        self.witness = Witness(self._memory, logs, lambda text: cosign(text, key, max(1, int(now_unix()))))
        self.watched = len(logs())

    def close(self) -> None:
        self._memory.close()


def _cosigned_by(key: Signer) -> Callable[[bytes], bool]:
    """Whether a note bears a cosignature of this key that holds."""
    ours = parse_cosigner(key.vkey)

    def is_ours(signed: bytes) -> bool:
        try:
            note = parse_note(signed)
        except OperatorError:
            return False
        lines = [line for line in note.signatures if (line.name, line.key_id) == (ours.name, ours.key_id)]
        return any(ours.verified_at(note.text, line.signature) is not None for line in lines)

    return is_ours
