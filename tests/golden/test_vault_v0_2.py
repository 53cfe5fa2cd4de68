# SPDX-License-Identifier: Apache-2.0
"""A vault with manifests of schema 2, signatures and approvals, as release 0.2 wrote it, means the same for ever."""

from pathlib import Path

import pytest

from freehold.errors import VaultError
from freehold.signing.elliptic import load_elliptic_verifier
from freehold.vault import Trust, Vault
from freehold.vault.trust import Mode, Rule

GOLDEN = Path(__file__).parent / "v0.2" / "vault"
OWN = load_elliptic_verifier(str(GOLDEN.with_name("vault.pem")))
MANY = "sha256:6091949bedbff595f25cf24a27f5589ff4536fc96a96f727dd2d923195e4c751"


def test_a_vault_of_release_0_2_verifies() -> None:
    checks = [(check.name, check.problem) for check in Vault(GOLDEN).verify_all()]
    assert checks == [("many", ""), ("tiny", "")]
    assert Vault(GOLDEN).show("many").digest == MANY


def test_an_approval_of_release_0_2_counts() -> None:
    weights = Vault(GOLDEN).open_verified("tiny", Trust(estate=OWN))
    weights.close()
    assert weights.standing == "approved by op_1 on 2026-11-22: kept for ever"


def test_a_signature_of_release_0_2_counts() -> None:
    trust = Trust(estate=OWN, rules=(Rule(name="lax", match=("*",), mode=Mode.OFF),))
    Vault(GOLDEN).open_verified("many", trust).close()
    with pytest.raises(VaultError, match="many may not run"):
        Vault(GOLDEN).open_verified("many", Trust(estate=OWN))
    assert [signed.problem for signed in Vault(GOLDEN).judge("many", trust).signatures] == ["", ""]
