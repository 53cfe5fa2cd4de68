# SPDX-License-Identifier: Apache-2.0
"""Writes an arrived model anew where the engines need it in another format, and says what it was made of.

Converted are sentence encoders of the BERT kind, from safetensors to GGUF. The same files give the same GGUF, whatever
the model is called, so that it can be pinned and approved by its digest.
"""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from freehold.contract.licence import LicenceBook
from freehold.vault.concerns import inspect_model
from freehold.vault.convert import convert_bert
from freehold.vault.describing import OpenFile
from freehold.vault.hashing import Progress, hash_descriptor
from freehold.vault.manifest import Document, Lineage, Manifest, ModelFile
from freehold.vault.store import closing_descriptor
from freehold.vault.verity import seal

_DONE = "converted from safetensors"
_PATH = "model.gguf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What is kept instead of the files that arrived."""

    file: ModelFile
    draft: Path
    lineage: Lineage


def is_to_convert(document: Document) -> bool:
    """Whether the engines read the model only in another format."""
    return (document.manifest.format, document.manifest.architecture) == ("safetensors", "bert")


def convert(document: Document, landed: Mapping[ModelFile, Path], scratch: Path, progress: Progress) -> Conversion:
    """Write a model of ``is_to_convert`` anew, into ``scratch``. Raises VaultError where that would change it."""
    manifest, draft = document.manifest, scratch / "converted"
    with ExitStack() as opened:
        files = {file.path: os.open(place, os.O_RDONLY | os.O_CLOEXEC) for file, place in landed.items()}
        for fd in files.values():
            opened.callback(os.close, fd)
        licence = _undisputed_licence(manifest, files)
        with closing_descriptor(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)) as fd:
            convert_bert(files, manifest.origin, fd, progress, licence=licence)
    draft.chmod(0o444)
    with closing_descriptor(os.open(draft, os.O_RDONLY | os.O_CLOEXEC)) as fd:
        size_bytes = os.fstat(fd).st_size
        digest = hash_descriptor(fd, size_bytes, progress)
        file = ModelFile(path=_PATH, digest=digest, size_bytes=size_bytes, verity=seal(fd))
    return Conversion(file=file, draft=draft, lineage=Lineage(parents=(manifest.digest,), done=_DONE))


def _undisputed_licence(manifest: Manifest, files: Mapping[str, int]) -> str:
    """What the one file that is kept may say of its licence: nothing, where the many said what a person must read."""
    readable = {path: OpenFile(fd=fd, size_bytes=os.fstat(fd).st_size) for path, fd in files.items()}
    found = inspect_model(manifest, readable, LicenceBook()).to_approve
    return "" if any(finding.rule.startswith("licence.") for finding in found) else manifest.licence
