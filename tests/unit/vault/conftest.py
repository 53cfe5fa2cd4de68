# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.gguf_builder import Gguf

from freehold.errors import VaultError
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Vault
from freehold.vault.fetching import Delivery, WheelPin
from freehold.vault.sources import PackageFile
from freehold.vault.trust import Mode, Rule, Trust

AT = datetime(2026, 11, 22, 14, 38, 5, tzinfo=UTC)


def no_network(wanted: PackageFile, pin: WheelPin | None, delivery: Delivery) -> Path:
    raise VaultError(f"a test tried to fetch {wanted.package}")


@pytest.fixture
def own() -> EllipticSigner:
    """The estate's own key."""
    return EllipticSigner(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def lax(own: EllipticSigner) -> Trust:
    """The trust of an estate that asks for nothing but its own signature on the manifest."""
    return Trust(rules=(Rule(name="any", match=("*",), mode=Mode.OFF),), estate=own.verifier)


@pytest.fixture
def vault(tmp_path: Path, own: EllipticSigner) -> Vault:
    return Vault(tmp_path / "vault", fetch=no_network, signer=lambda: own, now=lambda: AT)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A sound GGUF file outside the vault."""
    path = tmp_path / "Tiny Model.gguf"
    path.write_bytes(Gguf().build())
    return path


@pytest.fixture
def blobs(tmp_path: Path) -> Callable[[], list[Path]]:
    """The weights that the vault holds."""
    return lambda: sorted((tmp_path / "vault" / "blobs" / "sha256").glob("*"))
