# SPDX-License-Identifier: Apache-2.0
"""A vault that release 0.1 wrote is read, verified and left as it is by every later release."""

import os
from pathlib import Path

from freehold.vault import Vault

GOLDEN = Path(__file__).parent / "v0.1" / "vault"
DIGEST = "sha256:2cabc0e5d20fe0fa4669730836dc5961866e9b8674d2041319253c3dcd0d92b8"


def test_a_vault_of_release_0_1_verifies() -> None:
    vault = Vault(GOLDEN)
    assert [(check.name, check.problem) for check in vault.verify_all()] == [("tiny", "")]
    weights = vault.open_verified("tiny")
    os.close(weights.fd)
    assert weights.model.digest == DIGEST


def test_a_manifest_of_release_0_1_keeps_its_meaning() -> None:
    manifest = Vault(GOLDEN).show("tiny")
    assert (manifest.architecture, manifest.quantisation, manifest.parameters) == ("llama", "F32", 40)
    assert (manifest.licence, manifest.origin, manifest.imported_at) == (
        "Apache-2.0",
        "tiny.gguf",
        "2026-11-22T14:38:05Z",
    )
