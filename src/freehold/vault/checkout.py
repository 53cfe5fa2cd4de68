# SPDX-License-Identifier: Apache-2.0
"""Puts a model into a folder of its own: its files, its manifest and `model.sig`, as the outside tool takes them.

The folder is new, and appears whole. `model.sig` is the newest signature over the files and the manifest; all others
lie in a folder that it lets the tool pass over.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from freehold.errors import VaultError, VerificationFailed
from freehold.vault.hashing import Counted, Progress, copy_hashing
from freehold.vault.manifest import MANIFEST_FILE, SIGNATURE_FILE, SIGNATURE_FOLDER, Document, ModelFile
from freehold.vault.store import Store, disk_faults
from freehold.vault.trust.judge import covers_manifest


def check_out(store: Store, document: Document, folder: Path, progress: Progress) -> None:
    """Make ``folder``, which must not be there. Raises VaultError, VerificationFailed."""
    if os.path.lexists(folder):
        raise VaultError(f"{folder} is there already", hint="Name a new folder.")
    with disk_faults(f"write to {folder.parent}"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            _fill(store, document, draft, progress)
            draft.chmod(0o755)
            draft.rename(folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise


def _fill(store: Store, document: Document, draft: Path, progress: Progress) -> None:
    counted = Counted(progress, document.manifest.size_bytes)
    for file in document.manifest.files:
        _copy(store, file, draft / file.path, counted)
        counted.next(file.size_bytes)
    (draft / MANIFEST_FILE).write_bytes(document.content)
    first, others = _sorted_out(store.signatures(document.manifest.name), document)
    for content in first:
        (draft / SIGNATURE_FILE).write_bytes(content)
    for content in others:
        (draft / SIGNATURE_FOLDER).mkdir(exist_ok=True)
        (draft / SIGNATURE_FOLDER / f"{hashlib.sha256(content).hexdigest()}.sig").write_bytes(content)


def _sorted_out(signatures: tuple[bytes, ...], document: Document) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The newest one over files and manifest, if there is one; and the rest."""
    chosen = next((content for content in signatures if covers_manifest(content, document)), None)
    return ((chosen,) if chosen else (), tuple(content for content in signatures if content is not chosen))


def _copy(store: Store, file: ModelFile, place: Path, progress: Progress) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(store.open_blob(file.digest), "rb") as stream, place.open("xb+") as copy:
        digest = copy_hashing(stream, stream.fileno(), copy.fileno(), file.size_bytes, progress)
    if digest != file.digest:
        raise VerificationFailed(f"{file.path}: the digest must be {file.digest} and was found to be {digest}")
