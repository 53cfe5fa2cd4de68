# SPDX-License-Identifier: Apache-2.0
"""A model of the vault, opened to be written in other formats: drafts that may be tried, of which one may be kept.

Drafts lie in a directory of the import's kind: gone when the block ends, however that is, and after a crash with the
next import. A draft may run only as long as it says of itself what its parent says, and its parent may run.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from freehold.contract.weights import VerifiedWeights
from freehold.errors import VaultError
from freehold.signing.elliptic import EllipticSigner
from freehold.vault.describing import Facts, OpenFile, read_facts
from freehold.vault.hashing import Progress, hash_descriptor
from freehold.vault.manifest import Document, Lineage, Manifest, ModelFile, check_name, encode, in_order, model_digest
from freehold.vault.store import Store, closing_descriptor, disk_faults
from freehold.vault.trust.custody import sign_model
from freehold.vault.verify import open_draft
from freehold.vault.verity import seal

_DRAFT = "model.gguf"
_MOST_NAMES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The parent's weights, written in another format, whole and read."""

    path: Path
    file: ModelFile
    facts: Facts


@dataclass(slots=True, kw_only=True)
class Derivation:
    """One parent, for as long as it is open. Not for several threads at once."""

    store: Store
    document: Document
    weights: VerifiedWeights  # the parent's
    scratch: Path
    now: Callable[[], datetime]
    signer: Callable[[], EllipticSigner]
    _drafts: int = field(default=0)

    @property
    def manifest(self) -> Manifest:
        return self.document.manifest

    def new_path(self) -> Path:
        """Where a draft may be written."""
        self._drafts += 1
        folder = self.scratch / f"draft-{self._drafts}"
        with disk_faults(f"write to {self.scratch}"):
            folder.mkdir(mode=0o700)
        return folder / _DRAFT

    def require_space(self, size_bytes: int) -> None:
        """Raises VaultError unless the vault's disk takes so many bytes."""
        self.store.require_space(size_bytes)

    def settle(self, path: Path, progress: Progress) -> Draft:
        """Read a draft that is written. Raises VaultError unless it is the parent in another format."""
        with disk_faults(f"read {path}"):
            path.chmod(0o444)
            with closing_descriptor(os.open(path, os.O_RDONLY | os.O_CLOEXEC)) as fd:
                size_bytes = os.fstat(fd).st_size
                digest = hash_descriptor(fd, size_bytes, progress)
                sealed = seal(fd)
                facts = read_facts({_DRAFT: OpenFile(fd=fd, size_bytes=size_bytes)}, self.manifest.name)
        _require_same(self.manifest, facts)
        place = self.manifest.weights[0].path
        file = ModelFile(path=place, digest=digest, size_bytes=size_bytes, verity=sealed)
        return Draft(path=path, file=file, facts=facts)

    def open(self, draft: Draft) -> VerifiedWeights:
        """A draft to be tried; the caller closes it. Raises VerificationFailed if it has changed."""
        return open_draft(self.manifest, draft.path, draft.file, draft.facts)

    def drop(self, draft: Draft) -> None:
        """It is not wanted any more."""
        draft.path.unlink(missing_ok=True)

    def free_name(self, wanted: str, draft: Draft) -> str:
        """The wanted name, or that with a number behind it where it stands for other weights. Raises VaultError."""
        check_name(wanted)
        digest = model_digest(self._files(draft))
        for number in range(1, _MOST_NAMES):
            name = wanted if number == 1 else f"{wanted}-{number}"
            existing = self.store.manifest(name)
            if existing is None or existing.digest == digest:
                check_name(name)
                return name
        raise VaultError(f"every name from {wanted} on is taken", hint="Give another with --name.")

    def described(self, draft: Draft, name: str, done: str) -> Document:
        """What the vault will know of a draft: its parent's origin and licence, and what was done to it."""
        existing = self.store.document(name)
        if existing is not None:
            return existing
        files, parent = self._files(draft), self.manifest
        manifest = _changed(
            parent,
            name=name,
            digest=model_digest(files),
            size_bytes=sum(file.size_bytes for file in files),
            files=files,
            quantisation=draft.facts.quantisation,
            parameters=draft.facts.parameters,
            lineage=Lineage(parents=(parent.digest,), done=done),
            imported_at=self.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        return Document(manifest=manifest, content=encode(manifest))

    def keep(self, document: Document, draft: Draft, approval: bytes) -> Manifest:
        """Move it in, signed, with an approval. Raises VaultError; then the vault is as it was."""
        name, signature = document.manifest.name, sign_model(document, self.signer())
        is_new = self.store.manifest(name) is None
        kept = self.store.keep(document, self.scratch, {draft.file.digest: draft.path}, (signature,))
        try:
            self.store.add_approval(name, approval)
        except VaultError:
            if is_new:
                self.store.remove(name)
            raise
        return kept.manifest

    def _files(self, draft: Draft) -> tuple[ModelFile, ...]:
        others = (file for file in self.manifest.files if file.path != draft.file.path)
        return in_order((draft.file, *others))


def _changed(parent: Manifest, **changes: object) -> Manifest:
    """The parent's manifest with other values for some fields."""
    values = {name: getattr(parent, name) for name in parent.__struct_fields__ if name != "schema"}
    return Manifest(**(values | changes))


def require_derivable(manifest: Manifest, weights: VerifiedWeights) -> None:
    """Raises VaultError for a model that cannot be written in another format here."""
    if manifest.format != "gguf":
        raise VaultError(
            f"{manifest.name} is {manifest.format}, and only GGUF is written in other formats",
            hint="Import the model as GGUF; its publisher or others may have it in that format.",
        )
    if weights.embeds:
        raise VaultError(
            f"{manifest.name} makes vectors and no text, so neither its loss nor its answers can be measured",
            hint="Name a model that answers; 'freehold vault list' shows them.",
        )


def _require_same(parent: Manifest, facts: Facts) -> None:
    said = (facts.architecture, facts.tokenizer_digest, facts.chat_template_digest, facts.context_train_tokens)
    if said != (
        parent.architecture,
        parent.tokenizer_digest or facts.tokenizer_digest,
        parent.chat_template_digest,
        parent.context_train_tokens,
    ):
        raise VaultError(f"what was written out of {parent.name} is not the same model: its header says otherwise")
