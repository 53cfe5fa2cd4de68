# SPDX-License-Identifier: Apache-2.0
"""From a signer's certificate to a root that is trusted, and to its key (RFC 5280, by the `cryptography` package).

Every certificate must be valid at the time of asking: a bundle has no proof of when it was signed, so one whose
certificate has expired is not believed. Revocation lists are not asked for, because nothing here contacts anybody.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from freehold.errors import VerificationFailed
from freehold.signing.elliptic import EllipticVerifier

_MAX_CERTIFICATES = 10


def read_certificates(pem: bytes, what: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file. Raises VerificationFailed."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as exc:
        raise VerificationFailed(f"{what} holds no certificates in PEM") from exc


def signer_of(chain: Sequence[bytes], roots: Sequence[x509.Certificate], at: datetime) -> EllipticVerifier:
    """The key of a chain's first certificate, once the chain leads to a root. Raises VerificationFailed."""
    if len(chain) > _MAX_CERTIFICATES:
        raise VerificationFailed(f"the signature has {len(chain)} certificates, expected at most {_MAX_CERTIFICATES}")
    try:
        leaf, *between = (x509.load_der_x509_certificate(certificate) for certificate in chain)
        verifier = (
            PolicyBuilder()
            .store(Store(list(roots)))
            .time(at)
            .extension_policies(ca_policy=_authority(), ee_policy=ExtensionPolicy.permit_all())
            .build_client_verifier()
        )
        verifier.verify(leaf, between)
        signs = _may_sign(leaf)
        key = leaf.public_key()
    except VerificationError as exc:
        raise VerificationFailed(
            f"the certificate of the signature does not lead to a trusted root, or one on the way is not valid on "
            f"{at:%Y-%m-%d}"
        ) from exc
    except (ValueError, x509.DuplicateExtension) as exc:
        raise VerificationFailed("a certificate of the signature is damaged") from exc
    if not signs or not isinstance(key, EllipticCurvePublicKey):
        raise VerificationFailed("the certificate of the signature is not for signing with an elliptic curve")
    return EllipticVerifier(key)


def _authority() -> ExtensionPolicy:
    """Whoever issues certificates must be allowed to."""
    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
    )


def _signs_certificates(policy: Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:  # noqa: ARG001 - the library's shape
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("this certificate may not issue others")


def _may_sign(leaf: x509.Certificate) -> bool:
    for extension in leaf.extensions:
        if isinstance(extension.value, x509.KeyUsage) and extension.value.digital_signature:
            return True
        if isinstance(extension.value, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.CODE_SIGNING in extension.value:
            return True
    return False
