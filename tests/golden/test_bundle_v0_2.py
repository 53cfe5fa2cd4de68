# SPDX-License-Identifier: Apache-2.0
"""A bundle of format 1, as release 0.2 wrote it, means the same for ever: models, a paper, a program, an engine."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.vault_builder import signer

from freehold.errors import VerificationFailed
from freehold.signing.elliptic import load_elliptic_verifier
from freehold.vault import Trust, Vault
from freehold.vault.bundle import Asked, Terms, look_into
from freehold.vault.trust import Rule

GOLDEN = Path(__file__).parent / "v0.2" / "bundle.tar"
EXPORTER = load_elliptic_verifier(str(GOLDEN.with_name("bundle.pem")))
DIGEST = "sha256:adc317780afb758de76b9f3206f827f9aa6bf2061da6de6943d6a621e2e934b8"


def test_it_has_what_it_had() -> None:
    found = look_into(GOLDEN)
    assert found.digest == DIGEST
    assert (found.contents.origin, [model.name for model in found.contents.models]) == (
        "freehold.local/golden",
        ["many", "tiny"],
    )
    assert dict(found.papers) == {"policies/own.cedar": b"// kept for ever\n"}
    assert [(one.program.platform, one.program.python, sorted(one.files)) for one in found.programs] == [
        ("linux/amd64", "3.11", ["source.tar", "start.py", "wheels/a-1-py3-none-any.whl"])
    ]
    assert [sorted(engine) for engine in found.engines] == [["build.json", "llama-server"]]


def test_its_models_come_in_and_its_approval_counts(tmp_path: Path) -> None:
    own = signer()
    terms = Terms(trust=Trust(estate=own.verifier), at=datetime.now(UTC), keys=(EXPORTER,))
    vault = Vault(tmp_path / "vault", signer=lambda: own)
    with vault.bundles.staged(GOLDEN, Asked(terms=terms)) as staged:
        staged.commit(own)
    assert [check.problem for check in vault.verify_all()] == ["", ""]
    trust = Trust(estate=own.verifier, rules=(Rule(name="golden", match=("*",), keys=(EXPORTER,)),))
    assert vault.judge("tiny", trust).verdict.why == "approved by op_1 on 2026-11-22: kept for ever"


def test_its_digest_is_believed_and_another_is_not(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault", signer=signer)
    for digest, holds in ((DIGEST, True), ("sha256:" + "00" * 32, False)):
        asked = Asked(terms=Terms(trust=Trust(), at=datetime.now(UTC), digest=digest))
        if holds:
            with vault.bundles.staged(GOLDEN, asked) as staged:
                assert "whose digest was named" in staged.bundle.signer
        else:
            with pytest.raises(VerificationFailed, match="the bundle must be"), vault.bundles.staged(GOLDEN, asked):
                pass
