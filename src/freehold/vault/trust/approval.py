# SPDX-License-Identifier: Apache-2.0
"""An approval: an operator's word that a model may run, or the release's for a model that it pins.

It is an in-toto statement about the model's digest in the same bundle as a signature, with a predicate of our own. It
binds the model's files and chat template by digest, and an operator's binds the manifest as well.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from freehold.errors import VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault.manifest import Digest, DigestOrNone, Document
from freehold.vault.oms import Bundle, Kind, read_own, sign_own


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was approved, by whom, when and why."""

    model: Digest
    manifest: DigestOrNone  # over its bytes; empty: any that is about this model, as a release has to say
    chat_template: DigestOrNone
    licence: str  # SPDX, or the digest of its text
    reason: Annotated[str, Meta(max_length=2000)]
    approved_by: str  # an operator's id, or the release's version
    approved_at: str  # UTC, RFC 3339
    schema: Literal[1] = 1

    def fits(self, document: Document, *, any_manifest: bool) -> bool:
        """Whether it is about this very model; ``any_manifest``: whoever signed it may leave the manifest open."""
        manifest = document.manifest
        bound = self.manifest == document.digest or (any_manifest and not self.manifest)
        return bound and (self.model, self.chat_template) == (manifest.digest, manifest.chat_template_digest)


_KIND: Final = Kind("https://freehold/approval/v1", Approval, "an approval that this version of Freehold reads")


def draft_approval(name: str, approval: Approval, signer: EllipticSigner) -> bytes:
    """The approval of the model ``name``, signed."""
    return sign_own(_KIND, name, approval.model, approval, signer)


def read_approval(bundle: Bundle) -> Approval:
    """What a bundle approves; its signature is the caller's to check. Raises VerificationFailed."""
    digest, approval = read_own(bundle, _KIND)
    if digest != approval.model:
        raise VerificationFailed("the approval contradicts itself: its subject is not its model")
    return approval
