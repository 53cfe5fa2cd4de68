# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from tests.vault_builder import AT, Authority, der, signer

from freehold.errors import VerificationFailed
from freehold.vault.oms import (
    Bundle,
    Resource,
    read_bundle,
    read_certificates,
    read_statement,
    sign,
    signer_of,
    write_bundle,
    write_statement,
)
from freehold.vault.oms.envelope import encoded_for_signing

A = "sha256:" + hashlib.sha256(b"a").hexdigest()
B = "sha256:" + hashlib.sha256(b"b").hexdigest()


def test_the_encoding_that_is_signed_is_that_of_dsse() -> None:
    assert encoded_for_signing(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"


@given(payload=st.binary(), signature=st.binary(), hint=st.text("0123456789abcdef", min_size=1))
def test_a_bundle_with_a_key_is_read_as_it_was_written(payload: bytes, signature: bytes, hint: str) -> None:
    bundle = Bundle(payload=payload, signature=signature, hint=hint)
    assert read_bundle(write_bundle(bundle)) == bundle


@given(payload=st.binary(), certificates=st.lists(st.binary(), min_size=1, max_size=4))
def test_a_bundle_with_certificates_is_read_as_it_was_written(payload: bytes, certificates: list[bytes]) -> None:
    bundle = Bundle(payload=payload, signature=b"s", certificates=tuple(certificates))
    assert read_bundle(write_bundle(bundle)) == bundle


@given(content=st.binary(max_size=200))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    with pytest.raises(VerificationFailed):
        read_bundle(content)
    with pytest.raises(VerificationFailed):
        read_statement(content)


@given(names=st.sets(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1), min_size=1))
def test_a_statement_is_read_as_it_was_written(names: set[str]) -> None:
    resources = [Resource(name=name, digest=A) for name in names]
    read = read_statement(write_statement("model", resources))
    assert (read.name, read.resources) == ("model", frozenset(resources))


def test_resources_stand_in_the_order_of_the_parts_of_their_paths() -> None:
    names = ["a b", "a/c", "a", "a-b", "B", "a/b"]
    payload = json.loads(write_statement("model", [Resource(name=name, digest=A) for name in names]))
    assert [row["name"] for row in payload["predicate"]["resources"]] == ["B", "a", "a/b", "a/c", "a b", "a-b"]


def statement(**changes: Any) -> bytes:
    """A sound payload with top-level fields replaced."""
    sound = json.loads(write_statement("m", [Resource(name="a", digest=A), Resource(name="b", digest=B)]))
    return json.dumps(sound | changes).encode()


def predicate(resources: list[dict[str, str]], **serialization: Any) -> dict[str, Any]:
    return {"serialization": {"method": "files", "hash_type": "sha256"} | serialization, "resources": resources}


ROW = {"name": "a", "algorithm": "sha256", "digest": A[7:]}
OVER_ROW = hashlib.sha256(bytes.fromhex(A[7:])).hexdigest()
DEFECTS = {
    "another predicate": (statement(predicateType="https://slsa.dev/provenance/v1"), "what was signed is"),
    "before 1.0": (statement(predicateType="https://model_signing/Digests/v0.1"), "what was signed is"),
    "no in-toto": (statement(_type="x"), "what was signed is"),
    "two subjects": (statement(subject=[{"digest": {"sha256": OVER_ROW}}] * 2), "contradicts itself"),
    "another subject": (statement(subject=[{"digest": {"sha256": "0" * 64}}]), "contradicts itself"),
    "a subject without sha256": (statement(subject=[{"digest": {"sha512": "0"}}]), "contradicts itself"),
    "shards": (statement(predicate=predicate([ROW], method="shards")), "shards"),
    "blake2": (statement(predicate=predicate([ROW | {"algorithm": "blake2b"}])), "digests of another kind"),
    "no digest": (statement(predicate=predicate([ROW | {"digest": "xyz"}])), "a digest that is none"),
    "a name twice": (
        statement(
            subject=[{"digest": {"sha256": hashlib.sha256(2 * bytes.fromhex(A[7:])).hexdigest()}}],
            predicate=predicate([ROW, ROW]),
        ),
        "names a file twice",
    ),
    "no predicate": (statement(predicate=None), "not a statement"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_statement_that_is_not_one_is_refused(defect: str) -> None:
    payload, reason = DEFECTS[defect]
    with pytest.raises(VerificationFailed, match=reason):
        read_statement(payload)


def bundle(**changes: Any) -> dict[str, Any]:
    sound: dict[str, Any] = json.loads(sign(b"{}", signer()))
    return sound | changes


BROKEN_BUNDLES = {
    "a media type of another version": bundle(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.1"),
    "two signatures": bundle(
        dsseEnvelope={"payload": "", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": ""}] * 2}
    ),
    "no signature": bundle(
        dsseEnvelope={"payload": "", "payloadType": "application/vnd.in-toto+json", "signatures": []}
    ),
    "a payload of another type": bundle(
        dsseEnvelope={"payload": "", "payloadType": "text/plain", "signatures": [{"sig": ""}]}
    ),
    "what is not base64": bundle(
        dsseEnvelope={"payload": "%", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": ""}]}
    ),
    "no key": bundle(verificationMaterial={"tlogEntries": []}),
    "a message instead of an envelope": {"mediaType": bundle()["mediaType"], "messageSignature": {}},
}


@pytest.mark.parametrize("defect", BROKEN_BUNDLES)
def test_a_bundle_that_is_not_one_is_refused(defect: str) -> None:
    with pytest.raises(VerificationFailed):
        read_bundle(json.dumps(BROKEN_BUNDLES[defect]).encode())


def test_a_signature_holds_for_its_payload_and_key_alone() -> None:
    key, other = signer(ec.SECP384R1()), signer(ec.SECP384R1())
    read = read_bundle(sign(b"payload", key))
    assert (read.hint, read.holds_for(key.verifier), read.holds_for(other.verifier)) == (key.verifier.hint, True, False)
    changed = json.loads(sign(b"payload", key))
    changed["dsseEnvelope"]["payload"] = base64.b64encode(b"paylord").decode()
    assert not read_bundle(json.dumps(changed).encode()).holds_for(key.verifier)


def test_a_chain_leads_to_a_root() -> None:
    root, key = Authority(), signer(ec.SECP521R1())
    between = Authority("between", of=root)
    private = ec.generate_private_key(ec.SECP521R1())
    leaf = between.issue(private.public_key())
    found = signer_of(der([leaf, between.certificate]), [root.certificate], AT)
    assert found.hint != key.verifier.hint
    assert found.pem == signer_of(der([leaf, between.certificate, root.certificate]), [root.certificate], AT).pem


def chains() -> dict[str, tuple[tuple[bytes, ...], Authority]]:
    root, other, expired = Authority(), Authority(), Authority(days=0)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    between, no_authority = Authority("between", of=root), Authority("no authority", of=root, ca=False)
    return {
        "another root": (der([other.issue(key)]), root),
        "a certificate is missing": (der([between.issue(key)]), root),
        "an expired certificate": (der([root.issue(key, days=0)]), root),
        "an expired root": (der([expired.issue(key)]), expired),
        "whoever issued it may not": (der([no_authority.issue(key), no_authority.certificate]), root),
        "it may not sign": (der([root.issue(key, signs=False)]), root),
        "it is no certificate": ((b"\x30\x03\x02\x01\x01",), root),
        "too many": (der([root.issue(key)] * 20), root),
    }


@pytest.mark.parametrize("defect", chains())
def test_a_chain_that_does_not_hold_is_refused(defect: str) -> None:
    chain, root = chains()[defect]
    with pytest.raises(VerificationFailed):
        signer_of(chain, [root.certificate], AT + timedelta(days=1))


def test_what_is_no_certificate_is_no_root() -> None:
    with pytest.raises(VerificationFailed, match="holds no certificates"):
        read_certificates(b"nothing", "keys/root.pem")
