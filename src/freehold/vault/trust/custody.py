# SPDX-License-Identifier: Apache-2.0
"""Signs a model: its files and its manifest, in the OpenSSF Model Signing format."""

from freehold.signing.elliptic import EllipticSigner
from freehold.vault.manifest import MANIFEST_FILE, SIGNATURE_FOLDER, Document
from freehold.vault.oms import Resource, sign, write_statement


def sign_model(document: Document, signer: EllipticSigner) -> bytes:
    """The signature, over what ``vault checkout`` puts into a folder."""
    manifest = document.manifest
    resources = [Resource(name=file.path, digest=file.digest) for file in manifest.files]
    resources.append(Resource(name=MANIFEST_FILE, digest=document.digest))
    return sign(write_statement(manifest.name, resources, (SIGNATURE_FOLDER,)), signer)
