# SPDX-License-Identifier: Apache-2.0
"""The signature of a bundle, and whose word counts for one.

It is an in-toto statement about the contents' manifest, in the same envelope as a model's signature. Nobody is trusted
because a bundle brings their key: it counts if the operator names it, if a [trust.NAME] has it that matches the bundle,
if it is the estate's own, or if the operator names the digest of the very bundle, under which the key lies as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from freehold.errors import OperatorError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner, EllipticVerifier, parse_elliptic_verifier
from freehold.vault.oms import Bundle, Kind, read_bundle, read_own, sign_own, signer_of
from freehold.vault.trust import Rule, Trust

_KIND: Final = Kind("https://freehold/bundle/v1", dict[str, int], "a statement about a bundle")
_SUBJECT: Final = "contents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Whom the operator trusts with bundles."""

    trust: Trust
    at: datetime
    keys: tuple[EllipticVerifier, ...] = ()  # named for this one
    digest: str = ""  # of the one that is meant; empty: any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A signature as it lies in a bundle."""

    content: bytes
    pem: bytes  # the key that it names; empty for certificates
    digest: str  # of the contents, which is the bundle's
    places: frozenset[str]  # what a [trust.NAME] may match: where the bundle lies, and bundle:ORIGIN


def sign_bundle(contents_digest: str, signer: EllipticSigner) -> bytes:
    """The same key and contents give the same bytes."""
    return sign_own(_KIND, _SUBJECT, contents_digest, {"schema": 1}, signer)


def require_trusted(sealed: Sealed, terms: Terms) -> str:
    """Who signed the bundle, if that is somebody whose word counts. Raises VerificationFailed."""
    if terms.digest and terms.digest != sealed.digest:
        raise VerificationFailed(
            f"the bundle must be {terms.digest} and was found to be {sealed.digest}",
            hint="Nothing was imported. It is another bundle, or it was changed on its way.",
        )
    bundle = read_bundle(sealed.content)
    _require_about(bundle, sealed.digest)
    if bundle.certificates:
        return _by_certificate(bundle, sealed, terms)
    for name, key in _known(sealed, terms):
        if key.hint == bundle.hint:
            _require_made_by(bundle, key, name)
            return name
    raise _unknown(f"by a key that nobody has named here, {bundle.hint[:16]}...")


def signed_by(sealed: Sealed) -> str:
    """The hint of the key that a signature names, believed or not; empty for certificates."""
    return read_bundle(sealed.content).hint


def _require_about(bundle: Bundle, contents_digest: str) -> None:
    digest, _ = read_own(bundle, _KIND)
    if digest != contents_digest:
        raise VerificationFailed(
            "the signature is over another bundle's contents",
            hint="Nothing was imported. Somebody has put a signature under what it was not made for.",
        )


def _known(sealed: Sealed, terms: Terms) -> Iterator[tuple[str, EllipticVerifier]]:
    for key in terms.keys:
        yield f"the key {key.hint[:16]}... that was named", key
    if terms.trust.estate:
        yield "this estate", terms.trust.estate
    for rule in _matching(sealed, terms):
        for key in rule.keys:
            yield f"trust.{rule.name}", key
    if terms.digest and sealed.pem:
        key = _carried(sealed.pem)
        yield f"the key {key.hint[:16]}... of the bundle whose digest was named", key


def _matching(sealed: Sealed, terms: Terms) -> Iterator[Rule]:
    return (rule for rule in terms.trust.rules if any(rule.matches(place) for place in sealed.places))


def _carried(pem: bytes) -> EllipticVerifier:
    try:
        return parse_elliptic_verifier(pem, "the bundle")
    except OperatorError as problem:
        raise VerificationFailed(problem.message) from problem


def _require_made_by(bundle: Bundle, key: EllipticVerifier, name: str) -> None:
    if not bundle.holds_for(key):
        raise VerificationFailed(
            f"the signature of the bundle is not genuine: {name} did not make it",
            hint="Nothing was imported. The bundle was changed, or somebody pretends to have signed it.",
        )


def _by_certificate(bundle: Bundle, sealed: Sealed, terms: Terms) -> str:
    reason = "by a certificate, and no [trust.NAME] that matches the bundle has certificates"
    for rule in _matching(sealed, terms):
        if not rule.roots:
            continue
        try:
            key = signer_of(bundle.certificates, rule.roots, terms.at)
        except VerificationFailed as problem:
            reason = f"by a certificate that does not count: {problem.message}"
            continue
        _require_made_by(bundle, key, f"trust.{rule.name}")
        return f"trust.{rule.name}"
    raise _unknown(reason)


def _unknown(what: str) -> VerificationFailed:
    return VerificationFailed(
        f"the bundle is signed {what}",
        hint="Nothing was imported. Have whoever exported it tell you, by another way than the bundle, its digest or "
        "their public key, and give --digest or --key.",
    )
