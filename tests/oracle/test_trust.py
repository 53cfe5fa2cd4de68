# SPDX-License-Identifier: Apache-2.0
"""Cosignatures of both kinds and trust policies: what the product signs the oracle verifies, and both count alike."""

import base64
import hashlib
from pathlib import Path
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracle.notes import cosigned_message, open_note, read_head, read_key
from tests.oracle.policies import Policy, accept, read_policy
from tests.oracle.refused import Refused

from freehold.errors import TrustInvalid, VerificationFailed
from freehold.ledger.check.trust import parse_policy
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.signing.cosignature import cosign, parse_cosigner
from freehold.signing.keys import FileKey
from freehold.signing.note import parse_note

VECTORS = Path(__file__).parent / "vectors"
ORIGIN = "estate.example/ledger"
LOG = FileKey(ORIGIN, bytes(range(32)))
Kind = Literal[0x04, 0x06]


class Witness:
    """A key that cosigns, as ``signing.note.Signer`` wants one; made here, so that its vkey is not the product's."""

    def __init__(self, name: str, number: int, kind: Kind) -> None:
        seed = hashlib.sha256(b"witness %d" % number).digest()
        self._key = (
            Ed25519PrivateKey.from_private_bytes(seed) if kind == 0x04 else MLDSA44PrivateKey.from_seed_bytes(seed)
        )
        raw = bytes([kind]) + self._key.public_key().public_bytes_raw()
        key_id = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
        self.name = name
        self.vkey = f"{name}+{key_id}+{base64.b64encode(raw).decode()}"

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


WITNESSES = [Witness(f"w{number}.example", number, 0x06 if number % 3 == 0 else 0x04) for number in range(6)]
LINES: dict[str, str] = {}
WORDS = [
    b"\n",
    b"#",
    b"\t",
    b" ",
    *(word.encode() + b" " for word in ("log", "witness", "group", "quorum", "any", "none")),
]
WORDS += [word.encode() + b" " for word in ("2", "a", "b", "https://a.example", LOG.vkey, WITNESSES[1].vkey)]


def checkpoint(size: int = 12, *, more: tuple[str, ...] = ()) -> bytes:
    return sign_checkpoint(Checkpoint(origin=ORIGIN, size=size, root=bytes(range(32)), extensions=more), LOG)


def test_real_witnesses_reach_the_quorum_in_the_product_too() -> None:
    policy = parse_policy((VECTORS / "sigsum.policy").read_bytes())
    cosigned = (VECTORS / "sigsum.checkpoint").read_bytes()
    trusted = policy.open(cosigned)
    assert trusted.checkpoint.size == 17157
    assert {cosignature.at_unix for cosignature in trusted.cosignatures} == {1765558886}
    assert len(trusted.cosignatures) == 8
    with pytest.raises(VerificationFailed, match="too few witnesses"):
        policy.open(b"\n".join(cosigned.split(b"\n")[:8]) + b"\n")
    with pytest.raises(VerificationFailed, match="does not fit"):
        policy.open(cosigned.replace(b"\n17157\n", b"\n17158\n"))


def test_a_foreign_ml_dsa_signature_holds_in_the_product_too() -> None:
    vkey = (VECTORS / "torchwood.vkey").read_text().strip()
    note = parse_note((VECTORS / "torchwood.checkpoint").read_bytes())
    assert parse_cosigner(vkey).verified_at(note.text, note.signatures[0].signature) == 0
    assert parse_cosigner(vkey).verified_at(note.text + "more\n", note.signatures[0].signature) == 0  # not covered
    assert parse_cosigner(vkey).verified_at(note.text.replace("1", "2", 1), note.signatures[0].signature) is None
    trusted = parse_policy(f"log {vkey}\nquorum none\n".encode()).open((VECTORS / "torchwood.checkpoint").read_bytes())
    assert trusted.checkpoint.size == 1


@pytest.mark.parametrize("witness", [WITNESSES[0], WITNESSES[1]], ids=["ML-DSA-44", "Ed25519"])
def test_what_the_product_cosigns_the_oracle_verifies(witness: Witness) -> None:
    signed = checkpoint()
    text = parse_note(signed).text
    cosigned = signed + cosign(text, witness, 1_800_000_000).encode()
    key = read_key(witness.vkey)
    assert open_note(cosigned, [key]) == (text.encode(), {key: 1_800_000_000})
    assert parse_cosigner(witness.vkey).verified_at(text, parse_note(cosigned).signatures[1].signature) == 1_800_000_000


def test_the_message_under_an_ml_dsa_cosignature_is_laid_out_octet_by_octet() -> None:
    head = read_head(f"log.example/a\n258\n{base64.b64encode(bytes(range(32))).decode()}\n".encode())
    assert cosigned_message(b"w.example", 1, head).hex() == (
        "737562747265652f76310a00"  # subtree/v1, newline, NUL
        "09772e6578616d706c65"  # 9, w.example
        "0000000000000001"
        "0d6c6f672e6578616d706c652f61"  # 13, log.example/a
        "0000000000000000"
        "0000000000000102" + bytes(range(32)).hex()
    )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_quorums_are_counted_alike(data: st.DataObject) -> None:
    names = [f"n{number}" for number in range(len(WITNESSES))]
    lines = [f"log {LOG.vkey}", *(f"witness {n} {w.vkey}" for n, w in zip(names, WITNESSES, strict=True))]
    free = list(names)
    for number in range(data.draw(st.integers(0, 3))):
        if not free:
            break
        members = data.draw(st.lists(st.sampled_from(free), min_size=1, max_size=4, unique=True))
        threshold = data.draw(st.sampled_from(["any", "all", *map(str, range(len(members) + 2))]))
        lines.append(f"group g{number} {threshold} {' '.join(members)}")
        free = [name for name in free if name not in members] + [f"g{number}"]
    lines.append(f"quorum {data.draw(st.sampled_from([*free, *names, 'none']))}")
    policy = ("\n".join(lines) + "\n").encode()
    cosigners = data.draw(st.lists(st.sampled_from(WITNESSES), unique=True))
    _judge_alike(policy, checkpoint() + "".join(map(_line, cosigners)).encode())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_policies_out_of_loose_words_are_read_alike(words: list[bytes]) -> None:
    _judge_alike(b"".join(words) + b"\n", checkpoint())


def _judge_alike(policy: bytes, note: bytes) -> None:
    try:
        read: Policy | None = read_policy(policy)
    except Refused:
        read = None
    try:
        parsed = parse_policy(policy)
    except TrustInvalid:
        assert read is None
        return
    assert read is not None
    try:
        accept(read, note)
        accepted = True
    except Refused:
        accepted = False
    try:
        parsed.open(note)
        opened = True
    except VerificationFailed:
        opened = False
    assert opened is accepted


def _line(witness: Witness) -> str:
    if witness.name not in LINES:
        LINES[witness.name] = cosign(parse_note(checkpoint()).text, witness, 1_800_000_000)
    return LINES[witness.name]
