# SPDX-License-Identifier: Apache-2.0
"""What a hub says of a file in its list, and where it hands the file out."""

import pytest
from tests.hub_builder import COMMIT, OTHER_COMMIT

from freehold.errors import VaultError, VerificationFailed
from freehold.vault.hub.answers import Found, Listed, held_together

SHA256, BLOB, OTHER = "a" * 64, "b" * 40, "c"
FOUND = Found(path="f", url="https://cdn.hf.co/f?signature=1", commit=COMMIT, etag=SHA256, size_bytes=7)


def together(listed: Listed, found: Found = FOUND) -> tuple[str, str, int]:
    file = held_together(listed, found, COMMIT, "acme/tiny")
    assert file.place.host == "cdn.hf.co"
    return file.sha256, file.blob, file.size_bytes


def found(commit: str | None, etag: str | None) -> Found:
    return Found(path="f", url=FOUND.url, commit=commit, etag=etag, size_bytes=7)


def test_the_list_says_what_a_file_must_be() -> None:
    assert together(Listed(path="f", size_bytes=7, sha256=SHA256)) == (SHA256, "", 7)
    assert together(Listed(path="f", size_bytes=7, blob=BLOB), found(COMMIT, BLOB)) == ("", BLOB, 7)


def test_where_the_list_says_less_the_host_that_hands_it_out_does() -> None:
    assert together(Listed(path="f")) == (SHA256, "", 7)
    assert together(Listed(path="f", blob=BLOB)) == (SHA256, "", 7)  # git has the pointer to it
    assert together(Listed(path="f"), found(COMMIT, BLOB)) == ("", BLOB, 7)


def test_what_a_host_that_names_no_commit_calls_a_file_says_nothing() -> None:
    assert together(Listed(path="f", sha256=SHA256), found(None, OTHER * 64)) == (SHA256, "", 7)
    with pytest.raises(VaultError, match="does not say which digest"):
        together(Listed(path="f"), found(None, OTHER * 64))


@pytest.mark.parametrize(
    "said", [found(OTHER_COMMIT, SHA256), found(COMMIT, OTHER * 64), found(COMMIT, BLOB), found(COMMIT, "W/x")]
)
def test_a_contradiction_is_refused(said: Found) -> None:
    with pytest.raises(VerificationFailed, match="has changed: f was listed as"):
        together(Listed(path="f", sha256=SHA256), said)


def test_a_file_without_any_digest_is_refused() -> None:
    with pytest.raises(VaultError, match="does not say which digest"):
        together(Listed(path="f"), found(COMMIT, "W/x"))
