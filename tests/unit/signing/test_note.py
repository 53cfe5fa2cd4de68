# SPDX-License-Identifier: Apache-2.0
"""Signed notes, against the published vectors of C2SP and of Go's note package."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.errors import VerificationFailed
from freehold.signing.keys import FileKey
from freehold.signing.note import open_note, parse_note, parse_vkey, sign_note

SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
GO_NOTE = f"{GO_TEXT}\n{GO_LINE}".encode()
KEY = FileKey("estate.example/ledger", bytes(32))


def test_the_example_of_the_specification_verifies() -> None:
    assert open_note(SPEC_NOTE, [parse_vkey(SPEC_VKEY)]).text == "This is an example message.\n"


def test_the_example_of_go_verifies() -> None:
    assert open_note(GO_NOTE, [parse_vkey(GO_VKEY)]).text == GO_TEXT


def test_a_signature_of_an_unknown_key_is_passed_over() -> None:
    note = open_note(GO_NOTE + ENOCH_LINE.encode(), [parse_vkey(GO_VKEY)])
    assert [signature.name for signature in note.signatures] == ["PeterNeumann", "EnochRoot"]


def test_a_note_without_a_known_signature_is_refused() -> None:
    with pytest.raises(VerificationFailed, match="not signed by a known key: expected PeterNeumann"):
        open_note(f"{GO_TEXT}\n{ENOCH_LINE}".encode(), [parse_vkey(GO_VKEY)])


def test_a_changed_text_is_refused() -> None:
    with pytest.raises(VerificationFailed, match="does not fit the text"):
        open_note(GO_NOTE.replace(b"answer", b"Answer"), [parse_vkey(GO_VKEY)])


def test_a_text_may_hold_empty_lines() -> None:
    note = sign_note("one\n\ntwo\n", KEY)
    assert open_note(note, [parse_vkey(KEY.vkey)]).text == "one\n\ntwo\n"


def test_a_verifier_key_is_written_as_it_was_read() -> None:
    assert parse_vkey(KEY.vkey).name == KEY.name
    assert KEY.vkey.startswith("estate.example/ledger+")


@pytest.mark.parametrize("at", range(len(GO_VKEY)))
def test_a_verifier_key_with_one_character_changed_is_refused_or_has_another_name(at: int) -> None:
    changed = GO_VKEY[:at] + chr(ord(GO_VKEY[at]) + 1) + GO_VKEY[at + 1 :]
    with pytest.raises(VerificationFailed):
        parse_vkey(changed)


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # too long, with its own id
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # of an unknown type, with its own id
        "",
        "++",
    ],
)
def test_a_key_that_is_not_ed25519_is_refused(vkey: str) -> None:
    with pytest.raises(VerificationFailed):
        parse_vkey(vkey)


@pytest.mark.parametrize(
    ("note", "match"),
    [
        (b"text\n", "no signatures"),
        (b"text\n\n", "no signature"),
        (b"text\n\nno dash\n", "no signature"),
        (GO_NOTE[:-1], "no signatures"),
        (GO_NOTE.replace(b"If", b"\x01f"), "control character"),
        (GO_NOTE.replace(b"If", b"\xff"), "not UTF-8"),
        ("a\n\n— x AAAA\n".encode(), "expected a key id"),
        ("a\n\n— x AAA\n".encode(), "base64"),
        ("a\n\n— x AAAAAB==\n".encode(), "canonical base64"),
        ("a\n\n— x+y AAAAAAAA\n".encode(), "cannot name a key"),
        (GO_TEXT.encode() + b"\n" + GO_LINE.encode() * 101, "101 signatures"),
    ],
)
def test_what_is_not_a_note_is_refused(note: bytes, match: str) -> None:
    with pytest.raises(VerificationFailed, match=match):
        parse_note(note)


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n"), min_size=0).map(lambda t: t + "\n")
)
def test_every_lawful_text_signs_and_opens(text: str) -> None:
    assert open_note(sign_note(text, KEY), [parse_vkey(KEY.vkey)]).text == text


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    with pytest.raises(VerificationFailed):
        open_note(data, [parse_vkey(KEY.vkey)])
