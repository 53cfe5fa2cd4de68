# SPDX-License-Identifier: Apache-2.0
"""A vault that release 0.1 wrote is read, verified and left as it is by every later release."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from freehold.errors import VaultError
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Trust, Vault

GOLDEN = Path(__file__).parent / "v0.1" / "vault"
DIGEST = "sha256:2cabc0e5d20fe0fa4669730836dc5961866e9b8674d2041319253c3dcd0d92b8"


def test_a_vault_of_release_0_1_verifies() -> None:
    vault = Vault(GOLDEN)
    assert [(check.name, check.problem) for check in vault.verify_all()] == [("tiny", "")]
    own = EllipticSigner(ec.generate_private_key(ec.SECP256R1()))
    approval = vault.draft_approval("tiny", own, reason="it is a test", by="a test")
    weights = vault.open_verified("tiny", Trust(release=own.verifier, release_approvals=(approval,)))
    weights.close()
    assert weights.model.digest == DIGEST
    assert [file.path for file in weights.files] == ["tiny.gguf"]


def test_a_vault_of_release_0_1_does_not_run_unapproved() -> None:
    with pytest.raises(VaultError, match="tiny may not run: nobody has approved it"):
        Vault(GOLDEN).open_verified("tiny", Trust())


def test_a_manifest_of_release_0_1_keeps_its_meaning() -> None:
    manifest = Vault(GOLDEN).show("tiny")
    assert (manifest.architecture, manifest.quantisation, manifest.parameters) == ("llama", "F32", 40)
    assert (manifest.licence, manifest.origin, manifest.imported_at) == (
        "Apache-2.0",
        "tiny.gguf",
        "2026-11-22T14:38:05Z",
    )
