# SPDX-License-Identifier: Apache-2.0
"""What a witness must not forget: the checkpoint that it cosigned last, one file for each origin; and evidence.

    seen/HASH           the newest checkpoint of the origin with this SHA-256, with the log's signatures and our own
    evidence/HASH/SIZE/ROOT    checkpoints of one size and different roots that the log has signed, each as it came

A file is put in place whole and synced before anybody hears of its checkpoint. One process at a time has the directory.
"""

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from freehold.errors import EstateError, VerificationFailed
from freehold.files.held import hold_folder
from freehold.ledger.tree.checkpoint import Checkpoint, read_unverified
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.placing import replace_file

_MAX_EVIDENCE = 64  # files of one log: a proof takes two
_log = logging.getLogger(__name__)


def hash_of(origin: str) -> str:
    """The name of a log in a witness's paths (§Monitor Retrieval Mechanism)."""
    return hashlib.sha256(origin.encode()).hexdigest()


class Memory:
    """Opens a witness's directory. Raises EstateError if another process has it, VerificationFailed if damaged.

    ``is_ours`` says whether a note bears the witness's own cosignature. The methods of one origin are called one at a
    time; those of different origins may run in several threads.
    """

    def __init__(self, directory: Path, is_ours: Callable[[bytes], bool], *, disk: Disk | None = None) -> None:
        self._seen = directory / "seen"
        self._evidence = directory / "evidence"
        self._disk = disk or Disk()
        self._notes: dict[str, bytes] = {}
        self._claim = _claim(directory)  # held as long as this is open: nobody else cosigns from this directory
        try:
            self._read_all(is_ours)
        except BaseException:
            os.close(self._claim)
            raise

    def latest(self, origin: str) -> Checkpoint | None:
        """The checkpoint of this origin that was cosigned last."""
        note = self._notes.get(hash_of(origin))
        return None if note is None else read_unverified(note)

    def note(self, origin_hash: str) -> bytes | None:
        """The same as the signed note, by the hash of its origin."""
        return self._notes.get(origin_hash)

    def keep(self, origin: str, note: bytes) -> None:
        """Remember a cosigned checkpoint in place of the one before; on disk when this returns.

        Raises OSError; then the one before counts, and nobody may hear of the new one.
        """
        name = hash_of(origin)
        self._disk.make_directory(self._seen)
        replace_file(self._disk, self._seen / name, note)
        self._notes[name] = note

    def keep_evidence(self, origin: str, notes: tuple[bytes, ...]) -> None:
        """Keep checkpoints that contradict each other. What cannot be kept is logged: the refusal stands without."""
        folder = self._evidence / hash_of(origin)
        try:
            if sum(1 for path in folder.rglob("*") if path.is_file()) >= _MAX_EVIDENCE:
                return
            for note in notes:
                checkpoint = read_unverified(note)
                path = folder / str(checkpoint.size) / checkpoint.root.hex()
                if not path.exists():
                    self._disk.make_directory(path.parent)
                    replace_file(self._disk, path, note)
        except OSError as exc:
            _log.error("evidence against %s could not be kept: errno %s", origin, exc.errno)

    def close(self) -> None:
        os.close(self._claim)

    def _read_all(self, is_ours: Callable[[bytes], bool]) -> None:
        for path in sorted(self._seen.glob("*")) if self._seen.exists() else ():
            if path.suffix == ".new":  # cut short by a kill: nobody has heard of it
                continue
            note = path.read_bytes()
            if not is_ours(note) or hash_of(read_unverified(note).origin) != path.name:
                raise VerificationFailed(
                    f"{path} is not a checkpoint that this witness has cosigned",
                    hint="Restore it from a copy that is not older: a witness that forgets signs what it must not.",
                )
            self._notes[path.name] = note


def _claim(directory: Path) -> int:
    try:
        return hold_folder(directory)
    except BlockingIOError as exc:
        raise EstateError(
            f"another process is the witness in {directory}", hint="One is enough, and two would contradict each other."
        ) from exc
    except OSError as exc:
        raise EstateError(
            f"{directory} is not a witness's directory", hint="'freehold witness init DIR --name NAME' makes one."
        ) from exc
