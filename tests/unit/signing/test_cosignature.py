# SPDX-License-Identifier: Apache-2.0
import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.errors import EstateError, VerificationFailed
from freehold.signing.cosignature import Cosigner, cosign, parse_cosigner
from freehold.signing.keys import FileKey, create_file_key, load_cosigner, load_signer
from freehold.signing.note import KeyKind, format_vkey, parse_note, parse_signature_line

# c2sp.org/tlog-cosignature's own example
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
AT_UNIX = 1679315147
ED25519 = FileKey("witness.example.com/w1", bytes(range(32)), KeyKind.ED25519_COSIGNATURE)
ML_DSA = FileKey("witness.example.com/w1", bytes(range(32)), KeyKind.ML_DSA_44_COSIGNATURE)
KEYS = pytest.mark.parametrize("key", [ED25519, ML_DSA], ids=["ed25519", "ml-dsa-44"])


def _signature(line: str) -> bytes:
    return parse_signature_line(line.removesuffix("\n")).signature


@KEYS
def test_what_a_witness_cosigned_verifies_with_its_time(key: FileKey) -> None:
    line = cosign(TEXT, key, AT_UNIX)
    witness = parse_cosigner(key.vkey)
    found = parse_signature_line(line.removesuffix("\n"))
    assert (found.name, found.key_id) == (witness.name, witness.key_id)
    assert witness.verified_at(TEXT, found.signature) == AT_UNIX


def test_the_ed25519_message_is_the_one_of_the_specification() -> None:
    message = f"cosignature/v1\ntime {AT_UNIX}\n{TEXT}".encode()
    assert _signature(cosign(TEXT, ED25519, AT_UNIX)) == AT_UNIX.to_bytes(8, "big") + ED25519.sign(message)


def test_the_ml_dsa_message_is_the_structure_of_the_specification() -> None:
    root = base64.b64decode(TEXT.split("\n")[2])
    message = (
        b"subtree/v1\n\x00\x16witness.example.com/w1"
        + AT_UNIX.to_bytes(8, "big")
        + b"\x1bexample.com/behind-the-sofa"
        + bytes(8)
        + (20852163).to_bytes(8, "big")
        + root
    )
    signed = AT_UNIX.to_bytes(8, "big") + ML_DSA.sign(message)
    assert parse_cosigner(ML_DSA.vkey).verified_at(TEXT, signed) == AT_UNIX


def test_the_example_of_the_specification_is_read_as_a_cosignature() -> None:
    """Its keys are not published; its form, its key ids and its time are."""
    note = parse_note(
        f"{TEXT}\n— example.com/behind-the-sofa"
        " Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0"
        "xUe+mbIUBkBIfZ+qnA==\n".encode()
    )
    cosignature = note.signatures[1]
    assert (cosignature.key_id.hex(), len(cosignature.signature)) == ("8d66cf3f", 72)
    assert int.from_bytes(cosignature.signature[:8], "big") == AT_UNIX


@KEYS
@given(st.integers(min_value=0, max_value=8 * 72 - 1))
def test_a_cosignature_with_a_bit_flipped_holds_no_longer(key: FileKey, bit: int) -> None:
    signature = bytearray(_signature(cosign(TEXT, key, AT_UNIX)))
    signature[bit // 8] ^= 1 << bit % 8
    assert parse_cosigner(key.vkey).verified_at(TEXT, bytes(signature)) is None


@KEYS
@pytest.mark.parametrize("other", [TEXT.replace("63", "64"), TEXT.replace("sofa", "bed"), TEXT.replace("Cs", "Cv"), ""])
def test_a_cosignature_of_another_tree_head_does_not_hold(key: FileKey, other: str) -> None:
    assert parse_cosigner(key.vkey).verified_at(other, _signature(cosign(TEXT, key, AT_UNIX))) is None


def test_extension_lines_are_signed_with_ed25519_and_not_with_ml_dsa() -> None:
    extended = TEXT + "an extension\n"
    for key, expected in ((ED25519, None), (ML_DSA, AT_UNIX)):
        assert parse_cosigner(key.vkey).verified_at(extended, _signature(cosign(TEXT, key, AT_UNIX))) == expected


def test_the_name_is_signed_with_ml_dsa_and_not_with_ed25519() -> None:
    for key, expected in ((ED25519, AT_UNIX), (ML_DSA, None)):
        witness = parse_cosigner(key.vkey)
        renamed = Cosigner(name="elsewhere", key_id=witness.key_id, kind=witness.kind, public_key=witness.public_key)
        assert renamed.verified_at(TEXT, _signature(cosign(TEXT, key, AT_UNIX))) == expected


@KEYS
@pytest.mark.parametrize("size_bytes", [0, 7, 8, 71, 73, 2427, 2429])
def test_a_cosignature_of_another_length_does_not_hold(key: FileKey, size_bytes: int) -> None:
    assert parse_cosigner(key.vkey).verified_at(TEXT, bytes(size_bytes)) is None


@pytest.mark.parametrize("at_unix", [-1, 2**63])
def test_no_cosignature_is_made_for_a_time_that_has_no_place_in_it(at_unix: int) -> None:
    with pytest.raises(VerificationFailed, match="cannot cosign this"):
        cosign(TEXT, ED25519, at_unix)


@KEYS
def test_a_time_of_zero_and_the_last_one_are_times(key: FileKey) -> None:
    for at_unix in (0, 2**63 - 1):
        assert parse_cosigner(key.vkey).verified_at(TEXT, _signature(cosign(TEXT, key, at_unix))) == at_unix


def test_a_time_over_the_limit_is_refused_though_the_signature_holds() -> None:
    at_unix = 2**63
    message = f"cosignature/v1\ntime {at_unix}\n{TEXT}".encode()
    signature = at_unix.to_bytes(8, "big") + ED25519.sign(message)
    assert parse_cosigner(ED25519.vkey).verified_at(TEXT, signature) is None


@pytest.mark.parametrize(
    "text", ["", "a\n", "a\n1\n", "a\n01\n" + "A" * 43 + "=\n", "\n1\n" + "A" * 43 + "=\n", "a\n1\nAA==\n"]
)
def test_what_is_no_checkpoint_is_not_cosigned(text: str) -> None:
    with pytest.raises(VerificationFailed, match="expected a checkpoint"):
        cosign(text, ED25519, AT_UNIX)


def test_the_key_of_a_log_is_no_key_of_a_witness() -> None:
    key = FileKey("a", bytes(32))
    with pytest.raises(VerificationFailed, match=r"type 0x01, expected 0x04 .* or 0x06"):
        parse_cosigner(key.vkey)
    with pytest.raises(VerificationFailed, match="has 32 bytes, expected 1312"):
        parse_cosigner(format_vkey("a", bytes(32), KeyKind.ML_DSA_44_COSIGNATURE))


@pytest.mark.parametrize("kind", [KeyKind.ED25519_COSIGNATURE, KeyKind.ML_DSA_44_COSIGNATURE])
def test_a_witness_s_key_is_made_and_loaded_and_is_not_a_log_s(tmp_path: Path, kind: KeyKind) -> None:
    made = create_file_key(tmp_path / "key", "witness.example/w1", kind)
    loaded = load_cosigner(f"file:{tmp_path / 'key'}")
    assert loaded.vkey == made.vkey
    assert parse_cosigner(loaded.vkey).verified_at(TEXT, _signature(cosign(TEXT, loaded, AT_UNIX))) == AT_UNIX
    with pytest.raises(EstateError, match="holds no Ed25519 note key"):
        load_signer(str(tmp_path / "key"))


def test_a_log_s_key_is_not_loaded_as_a_witness_s(tmp_path: Path) -> None:
    create_file_key(tmp_path / "key", "estate.example/ledger")
    with pytest.raises(EstateError, match="holds no key of a witness"):
        load_cosigner(str(tmp_path / "key"))
