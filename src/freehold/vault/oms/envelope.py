# SPDX-License-Identifier: Apache-2.0
"""The bundle: a DSSE envelope with one signature, in a Sigstore bundle v0.3. Verifies nothing by itself.

DSSE v1.0, protocol.md: what is signed is PAE(type, payload). sigstore_bundle.proto: `publicKey.hint` names a key, or
`x509CertificateChain` holds the signer's certificate and those between it and a root; Sigstore's keyless signatures
have a `certificate` alone.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from freehold.errors import VerificationFailed
from freehold.signing.elliptic import EllipticSigner, EllipticVerifier

MAX_BUNDLE_BYTES = 16 * 2**20

_BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"


def encoded_for_signing(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD_TYPE), _PAYLOAD_TYPE.encode(), len(payload), payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One signature over one statement. Either ``hint`` names its key, or ``certificates`` (DER) lead to it."""

    payload: bytes
    signature: bytes
    hint: str = ""
    certificates: tuple[bytes, ...] = ()

    def holds_for(self, key: EllipticVerifier) -> bool:
        """Whether the key made the signature."""
        return key.verifies(encoded_for_signing(self.payload), self.signature)


def sign(payload: bytes, signer: EllipticSigner, certificates: tuple[bytes, ...] = ()) -> bytes:
    """The signature file over a payload. ``certificates`` (DER), the signer's first, stand in for the key's hint."""
    signature = signer.sign(encoded_for_signing(payload))
    hint = "" if certificates else signer.verifier.hint
    return write_bundle(Bundle(payload=payload, signature=signature, hint=hint, certificates=certificates))


class _Key(msgspec.Struct):
    hint: str = ""


class _Certificate(msgspec.Struct, rename="camel"):
    raw_bytes: str


class _Chain(msgspec.Struct):
    certificates: list[_Certificate]


class _Material(msgspec.Struct, rename="camel"):
    public_key: _Key | None = None
    certificate: _Certificate | None = None
    x509_certificate_chain: _Chain | None = None


class _Signature(msgspec.Struct):
    sig: str


class _Envelope(msgspec.Struct, rename="camel"):
    payload: str
    payload_type: str
    signatures: list[_Signature]


class _Bundle(msgspec.Struct, rename="camel"):
    media_type: str
    verification_material: _Material
    dsse_envelope: _Envelope


_BUNDLE_DECODER: Final = msgspec.json.Decoder(_Bundle)


def read_bundle(content: bytes) -> Bundle:
    """Read a signature file. Raises VerificationFailed."""
    if len(content) > MAX_BUNDLE_BYTES:
        raise VerificationFailed(f"the signature file is over {MAX_BUNDLE_BYTES} bytes")
    try:
        read = _BUNDLE_DECODER.decode(content)
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise VerificationFailed("the signature file is not a signature bundle of a kind that is read here") from exc
    envelope, material = read.dsse_envelope, read.verification_material
    if read.media_type != _BUNDLE_TYPE or envelope.payload_type != _PAYLOAD_TYPE:
        raise VerificationFailed(
            f"the signature file is {read.media_type!r} around {envelope.payload_type!r}, expected {_BUNDLE_TYPE!r} "
            f"around {_PAYLOAD_TYPE!r}"
        )
    if len(envelope.signatures) != 1:
        raise VerificationFailed(f"the signature file has {len(envelope.signatures)} signatures, expected one")
    chain = material.x509_certificate_chain.certificates if material.x509_certificate_chain else []
    chain = chain or ([material.certificate] if material.certificate else [])
    if bool(chain) == bool(material.public_key and material.public_key.hint):
        raise VerificationFailed("the signature file names neither a key nor certificates, or both")
    return Bundle(
        payload=_decoded(envelope.payload),
        signature=_decoded(envelope.signatures[0].sig),
        hint=material.public_key.hint if material.public_key else "",
        certificates=tuple(_decoded(certificate.raw_bytes) for certificate in chain),
    )


def write_bundle(bundle: Bundle) -> bytes:
    """The signature file. ``read_bundle(write_bundle(b)) == b``."""
    material: dict[str, Any] = {"publicKey": {"hint": bundle.hint}}
    if bundle.certificates:
        encoded = [{"rawBytes": _encoded(certificate)} for certificate in bundle.certificates]
        material = {"x509CertificateChain": {"certificates": encoded}}
    envelope = {
        "payload": _encoded(bundle.payload),
        "payloadType": _PAYLOAD_TYPE,
        "signatures": [{"sig": _encoded(bundle.signature), "keyid": ""}],
    }
    whole = {
        "mediaType": _BUNDLE_TYPE,
        "verificationMaterial": {**material, "tlogEntries": []},
        "dsseEnvelope": envelope,
    }
    return json.dumps(whole, separators=(",", ":")).encode() + b"\n"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise VerificationFailed("the signature file holds what is not base64") from exc


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
