# SPDX-License-Identifier: Apache-2.0
"""Keys on elliptic curves for signatures over models, by URI: P-256, P-384 and P-521, as PEM. Today ``file:PATH``.

A private key's file has mode 0600. A key is known by its hint: SHA-256, in hex, over the PEM of its public half, as
OpenSSF Model Signing has it. The hash that is signed goes with the curve: SHA-256, SHA-384, SHA-512.
"""

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from freehold.errors import EstateError, VerificationFailed
from freehold.signing.files import key_path, read_private, read_public, write_new_key

_HASHES = {"secp256r1": hashes.SHA256(), "secp384r1": hashes.SHA384(), "secp521r1": hashes.SHA512()}
_EXPECTED = "Expected a key on P-256, P-384 or P-521 in PEM, without a password."


class EllipticVerifier:
    """A public key."""

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        if key.curve.name not in _HASHES:
            raise VerificationFailed(f"a key on {key.curve.name} signs no models; P-256, P-384 and P-521 do")
        self._key = key
        self.pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.hint = hashlib.sha256(self.pem).hexdigest()

    def verifies(self, message: bytes, signature: bytes) -> bool:
        try:
            self._key.verify(signature, message, ec.ECDSA(_HASHES[self._key.curve.name]))
        except InvalidSignature:
            return False
        return True


class EllipticSigner:
    """A private key, held in memory."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.verifier = EllipticVerifier(key.public_key())

    def sign(self, message: bytes) -> bytes:
        """The same key and message give the same signature (RFC 6979)."""
        return self._key.sign(message, ec.ECDSA(_HASHES[self._key.curve.name], deterministic_signing=True))


def load_elliptic_signer(uri: str, folder: Path = Path()) -> EllipticSigner:
    """The private key behind a URI, whose relative path starts in ``folder``. Raises EstateError."""
    path = key_path(uri, folder)
    try:
        key = load_pem_private_key(read_private(path), password=None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return EllipticSigner(key)
    except (ValueError, TypeError, UnsupportedAlgorithm, VerificationFailed) as exc:
        raise EstateError(f"{path} holds no private key that signs models", hint=_EXPECTED) from exc
    raise EstateError(f"{path} holds no private key that signs models", hint=_EXPECTED)


def load_elliptic_verifier(uri: str, folder: Path = Path()) -> EllipticVerifier:
    """The public key behind a URI. Raises EstateError."""
    path = key_path(uri, folder)
    return parse_elliptic_verifier(read_public(path), str(path))


def parse_elliptic_verifier(pem: bytes, what: str) -> EllipticVerifier:
    """The public key in a PEM text. Raises EstateError."""
    try:
        key = load_pem_public_key(pem)
        if isinstance(key, ec.EllipticCurvePublicKey):
            return EllipticVerifier(key)
    except (ValueError, UnsupportedAlgorithm, VerificationFailed) as exc:
        raise EstateError(f"{what} holds no public key that signs models", hint=_EXPECTED) from exc
    raise EstateError(f"{what} holds no public key that signs models", hint=_EXPECTED)


def create_elliptic_key(path: Path) -> EllipticSigner:
    """Make a key on P-256 and its file, which must not exist yet; on disk when this returns. Raises EstateError."""
    key = ec.generate_private_key(ec.SECP256R1())
    write_new_key(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return EllipticSigner(key)
