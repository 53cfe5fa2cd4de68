# SPDX-License-Identifier: Apache-2.0
"""The signature under a pack's manifest: a Sigstore bundle v0.3 with a DSSE envelope around an in-toto statement.

It is made by ``vault/oms``, as every signature by the estate's key is; it is read here without what that needs. DSSE
v1.0, protocol.md: what is signed is PAE(type, payload).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from freehold.errors import OperatorError, VerificationFailed
from freehold.ledger.record.reading import parse_json
from freehold.signing.elliptic import EllipticVerifier, parse_elliptic_verifier

PREDICATE: Final = "https://freehold/pack/v1"
SUBJECT: Final = "manifest"
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature that is not checked yet. ``digest`` is what it is about, in hex; ``hint`` names its key."""

    digest: str
    hint: str
    message: bytes
    signature: bytes


def read_signature(data: bytes) -> Signed:
    """Raises VerificationFailed."""
    try:
        whole = _object(parse_json(data), "mediaType", "verificationMaterial", "dsseEnvelope")
        envelope = _object(whole["dsseEnvelope"], "payload", "payloadType", "signatures")
        hint = _object(_object(whole["verificationMaterial"], "publicKey")["publicKey"], "hint")["hint"]
        payload, signature = _decoded(envelope["payload"]), _decoded(_one(envelope["signatures"])["sig"])
        kinds = (whole["mediaType"], envelope["payloadType"])
        digest = _about(payload) if kinds == (_BUNDLE, _PAYLOAD) else ""
    except (ValueError, KeyError) as exc:
        raise VerificationFailed("the pack's signature is none that a pack has, or is about something else") from exc
    if not digest:
        raise VerificationFailed(f"the pack's signature is of another kind than {_BUNDLE} around {_PAYLOAD}")
    message = b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD), _PAYLOAD.encode(), len(payload), payload)
    return Signed(digest=digest, hint=str(hint), message=message, signature=signature)


def require_signed(signed: Signed, manifest_digest: str, key: EllipticVerifier) -> None:
    """That the key signed this manifest. Raises VerificationFailed."""
    if signed.digest != manifest_digest:
        raise VerificationFailed(
            f"the signature is over another manifest: expected SHA-256 {manifest_digest}, found {signed.digest}"
        )
    if signed.hint != key.hint or not key.verifies(signed.message, signed.signature):
        raise VerificationFailed(f"the manifest is not signed by the key {key.hint}: it names {signed.hint[:64]!r}")


def carried_key(pem: bytes) -> EllipticVerifier:
    """The key that lies in a pack. Raises VerificationFailed."""
    try:
        return parse_elliptic_verifier(pem, "the pack")
    except OperatorError as problem:
        raise VerificationFailed(problem.message) from problem


def _about(payload: bytes) -> str:
    statement = _object(parse_json(payload), "_type", "predicateType", "subject")
    subject = _one(statement["subject"])
    digest = _object(subject["digest"], "sha256")
    if (statement["_type"], statement["predicateType"], subject["name"]) != (_STATEMENT, PREDICATE, SUBJECT):
        raise ValueError("another statement")
    found = digest["sha256"]
    if len(digest) != 1 or not isinstance(found, str):
        raise ValueError("another digest")
    return found


def _object(value: object, *names: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or not set(names) <= value.keys():
        raise ValueError("no such object")
    return value


def _one(value: object) -> Mapping[str, object]:
    if not isinstance(value, list) or len(value) != 1:
        raise ValueError("not one")
    return _object(value[0])


def _decoded(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except binascii.Error as exc:
        raise ValueError("no base64") from exc
