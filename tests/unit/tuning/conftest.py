# SPDX-License-Identifier: Apache-2.0
"""A vault with a tiny model that may run, and an engine whose answers depend on the size of its weights alone."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.tuning_builder import FAKES, write_model

from freehold.contract.estate import Estate
from freehold.settings import EngineTargetSection
from freehold.signing.elliptic import EllipticSigner
from freehold.tuning import Bench
from freehold.vault import Trust, Vault
from freehold.vault.trust import Mode, Rule

AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def own() -> EllipticSigner:
    return EllipticSigner(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def lax(own: EllipticSigner) -> Trust:
    return Trust(rules=(Rule(name="any", match=("*",), mode=Mode.OFF),), estate=own.verifier)


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    estate = Estate(tmp_path / "estate")
    estate.logs.mkdir(parents=True)
    return estate


@pytest.fixture
def vault(estate: Estate, own: EllipticSigner, tmp_path: Path) -> Vault:
    vault = Vault(estate.vault, signer=lambda: own, now=lambda: AT)
    vault.import_model(str(write_model(tmp_path)), "tiny")
    return vault


@pytest.fixture
def bench(estate: Estate) -> Bench:
    return Bench(estate=estate, section=EngineTargetSection(engine="llamacpp", model="tiny"), means=FAKES)


@pytest.fixture
def whole(estate: Estate) -> Callable[[], dict[str, bytes]]:
    """All that the vault has: every file but locks, by its path."""
    return lambda: {
        str(path.relative_to(estate.vault)): path.read_bytes()
        for path in sorted(estate.vault.rglob("*"))
        if path.is_file() and path.name != "lock"
    }
