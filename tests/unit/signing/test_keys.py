# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from freehold.errors import EstateError
from freehold.signing.keys import create_file_key, load_signer
from freehold.signing.note import sign_note

GO_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def _key_file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_key_of_go_signs_the_very_bytes_that_go_signs(tmp_path: Path) -> None:
    signer = load_signer(f"file:{_key_file(tmp_path / 'key', GO_KEY)}")
    assert signer.vkey == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert sign_note(GO_TEXT, signer) == f"{GO_TEXT}\n{GO_LINE}".encode()


def test_a_key_that_was_made_is_loaded_again_by_uri_and_by_path(tmp_path: Path) -> None:
    made = create_file_key(tmp_path / "key", "estate.example/ledger")
    assert load_signer(f"file:{tmp_path / 'key'}").vkey == load_signer(str(tmp_path / "key")).vkey == made.vkey


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    create_file_key(tmp_path / "key", "estate.example/ledger")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    create_file_key(tmp_path / "key", "estate.example/ledger")
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(EstateError, match="there is a key at"):
        create_file_key(tmp_path / "key", "estate.example/ledger")
    assert (tmp_path / "key").read_bytes() == before


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak"])
def test_a_name_that_cannot_stand_in_a_note_makes_no_key(tmp_path: Path, name: str) -> None:
    with pytest.raises(EstateError, match="cannot name a key"):
        create_file_key(tmp_path / "key", name)
    assert not (tmp_path / "key").exists()


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match="mode 0644, expected 0600"):
        load_signer(str(_key_file(tmp_path / "key", GO_KEY, 0o644)))


@pytest.mark.parametrize(
    "text", ["", "hello", GO_KEY[:-1], GO_KEY.replace("c74f", "c74e"), GO_KEY[12:], GO_KEY + "\n\n"]
)
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(EstateError, match="holds no Ed25519 note key"):
        load_signer(str(_key_file(tmp_path / "key", text)))


def test_a_missing_key_and_an_unknown_scheme_are_named(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match="cannot be read"):
        load_signer(f"file:{tmp_path / 'none'}")
    with pytest.raises(EstateError, match="no key can be read from pkcs11:"):
        load_signer("pkcs11:token=x")
