# SPDX-License-Identifier: Apache-2.0
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from freehold.errors import EstateError, VerificationFailed
from freehold.signing.elliptic import (
    EllipticSigner,
    EllipticVerifier,
    create_elliptic_key,
    load_elliptic_signer,
    load_elliptic_verifier,
)

CURVES = [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_a_signature_is_verified_by_its_own_key_alone(curve: ec.EllipticCurve) -> None:
    signer, other = (EllipticSigner(ec.generate_private_key(curve)) for _ in range(2))
    signature = signer.sign(b"message")
    assert signer.verifier.verifies(b"message", signature)
    assert not signer.verifier.verifies(b"massage", signature)
    assert not other.verifier.verifies(b"message", signature)
    assert not signer.verifier.verifies(b"message", b"no signature")


def test_a_key_that_is_made_is_read_again_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = create_elliptic_key(tmp_path / "vault.key")
    assert stat.S_IMODE((tmp_path / "vault.key").stat().st_mode) == 0o600
    assert load_elliptic_signer("file:vault.key", tmp_path).verifier.hint == made.verifier.hint
    (tmp_path / "vault.pem").write_bytes(made.verifier.pem)
    assert load_elliptic_verifier(str(tmp_path / "vault.pem")).hint == made.verifier.hint
    with pytest.raises(EstateError, match="there is a key at"):
        create_elliptic_key(tmp_path / "vault.key")


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    create_elliptic_key(tmp_path / "vault.key")
    (tmp_path / "vault.key").chmod(0o640)
    with pytest.raises(EstateError, match="has mode 0640, expected 0600"):
        load_elliptic_signer(str(tmp_path / "vault.key"))


@pytest.mark.parametrize("uri", ["pkcs11:token=x", "https://keys.example/k", "azurekms://k"])
def test_a_scheme_that_is_not_known_is_refused_by_name(uri: str) -> None:
    with pytest.raises(EstateError, match=f"no key can be read from {uri.partition(':')[0]}:"):
        load_elliptic_signer(uri)


def test_keys_of_other_kinds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    elliptic = ec.generate_private_key(ec.SECP256R1())
    keys: list[ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = [
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256K1()),
    ]
    contents = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in keys]
    contents.append(elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")))
    for content in [*contents, b"", b"-----BEGIN PRIVATE KEY-----\n"]:
        path.write_bytes(content)
        with pytest.raises(EstateError, match="holds no private key that signs models"):
            load_elliptic_signer(str(path))
    for key in keys:
        path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        with pytest.raises(EstateError, match="holds no public key that signs models"):
            load_elliptic_verifier(str(path))
    with pytest.raises(VerificationFailed, match="signs no models"):
        EllipticVerifier(ec.generate_private_key(ec.SECP256K1()).public_key())
