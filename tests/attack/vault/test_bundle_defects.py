# SPDX-License-Identifier: Apache-2.0
"""Bundles with one defect each: every one is refused for what is wrong with it, and the vault is as before."""

import os
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
from tests.attack.vault.make_bundles import BUNDLES, in_the_archive
from tests.bundle_builder import Builder, add, tar_of
from tests.vault_builder import AT, signer

from freehold.errors import OperatorError, VaultError
from freehold.signing.elliptic import load_elliptic_verifier
from freehold.vault import Trust, Vault
from freehold.vault.bundle import Asked, Terms
from freehold.vault.oms import read_certificates
from freehold.vault.trust import Rule

OWN = signer()
EXPORTER = load_elliptic_verifier(str(BUNDLES / "exporter.pem"))
ROOTS = read_certificates((BUNDLES / "root.pem").read_bytes(), "root.pem")
RULE = Rule(name="exporter", match=("bundle:freehold.local/*",), keys=(EXPORTER,), roots=ROOTS)
TERMS = Terms(trust=Trust(rules=(RULE,), estate=OWN.verifier), at=AT + timedelta(days=100))
SOUND = {"sound", "sound-by-certificate"}
OF_ARCHIVES = in_the_archive(Builder(OWN).build()).keys()
REASONS = {
    "archive-goes-on-behind-its-end": "goes on behind its end",
    "archive-header-damaged": "is damaged, or no tar file",
    "archive-is-gzip": "is damaged, or no tar file|cut short",
    "archive-is-zip": "is damaged, or no tar file",
    "archive-truncated": "cut short",
    "archive-without-its-end": "cut short: it has no end",
    "artifact-lists-a-file-more": r"do not have the same files: z\.gguf",
    "artifact-of-the-other-model": "is about another model",
    "blob-that-nothing-lists": "which nothing in it lists",
    "contents-name-a-manifest-less": "which nobody signed",
    "contents-name-a-manifest-more": "lacks the manifest",
    "contents-name-a-model-twice": "two models of one name",
    "custody-over-another-model": "is about another model",
    "device": "a device",
    "extended-header-damaged": "extended header that is damaged",
    "extended-header-of-8-gib": "an extended header of 8589934592 bytes",
    "extended-header-sparse": "extended header with 'GNU.sparse.realsize'",
    "field-unknown": "not what a bundle of format 1 has",
    "file-beside-the-layout": r"'setup\.sh', which is no part of a bundle",
    "folder-with-content": "a folder with content",
    "format-of-a-later-release": "a bundle of format '2'",
    "hard-link": "a hard link",
    "index-is-not-json": "is not JSON",
    "index-lists-a-manifest-less": "lacks the manifest|has no",
    "index-lists-a-manifest-twice": "lists a manifest twice",
    "index-lists-what-is-not-there": "which it lists",
    "index-missing": r"it has no index\.json",
    "index-names-a-key-twice": "'schemaVersion' is there twice",
    "layout-of-another-version": r"not an OCI image layout of version 1\.0\.0",
    "long-name-of-gnu": "a name in GNU's own way",
    "manifest-changed": "must be sha256:[0-9a-f]{64} and was found to be",
    "manifest-is-not-of-its-files": "says that its architecture is qwen2, and its files say llama",
    "manifest-lists-a-file-more": r"is listed as|do not have the same files: z\.gguf",
    "manifest-of-another-name": "is about 'tidy'",
    "member-twice": r"'index\.json' twice",
    "model-that-runs-code": "model.bin|lists no",
    "name-is-absolute": "which leads out of it",
    "name-leads-out": "which leads out of it",
    "paper-changed": r"policies/own\.cedar must be sha256:",
    "pipe": "a pipe",
    "schema-of-a-later-release": "not what a bundle of format 1 has",
    "signature-forged": r"not genuine: trust\.exporter did not make it",
    "signature-is-not-json": "not a signature bundle",
    "signature-over-another-bundle": "over another bundle's contents",
    "signed-by-an-expired-certificate": "not valid on 2027-03-02",
    "signed-by-another-key": "by a key that nobody has named here",
    "size-beyond-the-end": "bytes of 'blobs/sha256/0+' are missing",
    "size-for-all-members": "one path or size for all",
    "size-of-a-blob-is-another": "must have 1025 bytes and has 1024",
    "sparse-file": "a sparse file",
    "symbolic-link": "a symbolic link",
    "top-lists-another-manifest": "a manifest that is not of the bundle",
    "top-lists-no-index": "not what a bundle of format 1 has|names 0 indexes",
    "unsigned": "has no signature",
    "weights-bit-flipped": "must be sha256:[0-9a-f]{64} and was found to be",
    "weights-missing": "lacks sha256:[0-9a-f]{64}, which it lists",
    "weights-renamed": "lacks sha256:[0-9a-f]{64}, which it lists",
    "weights-swapped-between-two-models": "must be sha256:[0-9a-f]{64} and was found to be",
    "weights-truncated": "must have 1024 bytes and has 1023",
}


def everything_under(folder: Path) -> list[Path]:
    """The files of a vault, but for its lock."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")


def take_in(bundle: Path, folder: Path, terms: Terms = TERMS) -> Vault:
    vault = Vault(folder, signer=lambda: OWN)
    with vault.bundles.staged(bundle, Asked(terms=terms)) as staged:
        staged.commit(OWN)
    return vault


def test_every_defect_has_its_file_and_its_reason() -> None:
    assert {path.stem for path in BUNDLES.glob("*.tar")} == REASONS.keys() | SOUND


@pytest.mark.parametrize("name", sorted(SOUND))
def test_a_sound_bundle_comes_in(name: str, tmp_path: Path) -> None:
    vault = take_in(BUNDLES / f"{name}.tar", tmp_path / "vault")
    assert [(check.name, check.problem) for check in vault.verify_all()] == [("other", ""), ("tiny", "")]


@pytest.mark.parametrize("defect", sorted(REASONS))
def test_a_defective_bundle_leaves_the_vault_as_it_was(defect: str, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=REASONS[defect]):
        take_in(BUNDLES / f"{defect}.tar", tmp_path / "vault")
    assert everything_under(tmp_path / "vault") == []


@pytest.mark.parametrize("defect", sorted(REASONS.keys() - OF_ARCHIVES))
def test_a_defective_folder_is_refused_as_its_archive_is(defect: str, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    with tarfile.open(BUNDLES / f"{defect}.tar", "r:") as archive:
        archive.extractall(folder, filter="data")
    with pytest.raises(OperatorError, match=REASONS[defect]):
        take_in(folder, tmp_path / "vault")
    assert everything_under(tmp_path / "vault") == []


@pytest.mark.parametrize("odd", ["link", "pipe", "folder"])
def test_a_folder_with_a_link_or_a_pipe_in_it_is_refused(odd: str, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    with tarfile.open(BUNDLES / "sound.tar", "r:") as archive:
        archive.extractall(folder, filter="data")
    blob = next((folder / "blobs" / "sha256").iterdir())
    if odd == "link":
        blob.rename(tmp_path / "elsewhere")
        blob.symlink_to(tmp_path / "elsewhere")
    elif odd == "pipe":
        os.mkfifo(folder / "blobs" / "sha256" / ("0" * 64))
    else:
        (folder / "blobs" / "sha512").mkdir()
    with pytest.raises(VaultError, match="which is a link, or no file or folder that a bundle has"):
        take_in(folder, tmp_path / "vault")


def test_an_archive_of_too_many_members_is_given_up(tmp_path: Path) -> None:
    place = tmp_path / "many.tar"
    with tarfile.open(place, "w", format=tarfile.USTAR_FORMAT) as archive:
        for number in range(50_001):
            add(archive, f"blobs/sha256/{number:064x}")
    with pytest.raises(VaultError, match="more than 50000 members"):
        take_in(place, tmp_path / "vault")


def test_a_document_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    files = Builder(OWN).build()
    place = tmp_path / "large.tar"
    place.write_bytes(tar_of(files | {"index.json": files["index.json"] + b" " * 2**23}))
    with pytest.raises(VaultError, match=r"index\.json has [0-9]+ bytes; at most"):
        take_in(place, tmp_path / "vault")
