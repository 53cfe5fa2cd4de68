# SPDX-License-Identifier: Apache-2.0
"""Statements of our own about one digest, in the envelope of a model's signature: in-toto, with a predicate of ours."""

from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import msgspec

from freehold.errors import VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault.oms.envelope import Bundle, sign

_STATEMENT: Final = "https://in-toto.io/Statement/v1"
P = TypeVar("P")


class _Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    digest: dict[str, str]


class _Statement(
    msgspec.Struct,
    Generic[P],
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"type": "_type", "predicate_type": "predicateType"},
):
    type: str
    subject: tuple[_Subject, ...]
    predicate_type: str
    predicate: P


@dataclass(frozen=True, slots=True)
class Kind(Generic[P]):
    """One kind of statement: a URL of ours, what is said in it, what errors call it. Made when a module is loaded."""

    url: str
    predicate: type[P]
    called: str
    decoder: msgspec.json.Decoder[_Statement[P]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decoder", msgspec.json.Decoder(_Statement[self.predicate]))  # type: ignore[name-defined]


def sign_own(kind: Kind[P], name: str, digest: str, predicate: P, signer: EllipticSigner) -> bytes:
    """A signed statement about what has the digest. The same words give the same bytes."""
    subject = _Subject(name=name, digest={"sha256": digest.removeprefix("sha256:")})
    statement = _Statement(type=_STATEMENT, subject=(subject,), predicate_type=kind.url, predicate=predicate)
    return sign(msgspec.json.encode(statement, order="sorted"), signer)


def read_own(bundle: Bundle, kind: Kind[P]) -> tuple[str, P]:
    """The digest that a statement is about, and what it says. Its signature is the caller's to check.

    Raises VerificationFailed.
    """
    try:
        statement = kind.decoder.decode(bundle.payload)
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise VerificationFailed(f"what was signed is not {kind.called}") from exc
    if (statement.type, statement.predicate_type) != (_STATEMENT, kind.url):
        raise VerificationFailed(f"what was signed is {statement.predicate_type[:200]!r}, expected {kind.url!r}")
    digests = [subject.digest for subject in statement.subject]
    if len(digests) != 1 or digests[0].keys() != {"sha256"}:
        raise VerificationFailed(f"what was signed is not {kind.called}: it is about more than one thing, or none")
    return f"sha256:{digests[0]['sha256']}", statement.predicate
