# SPDX-License-Identifier: Apache-2.0
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.gguf_builder import TEMPLATE, Gguf

from freehold.contract.weights import Assurance
from freehold.errors import VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Vault
from freehold.vault.manifest import encode, text_digest
from freehold.vault.trust import Trust

SOUND = Gguf().build()

Blobs = Callable[[], list[Path]]


@pytest.fixture
def filled(vault: Vault, weights: Path) -> Vault:
    vault.import_model(str(weights), name="tiny")
    return vault


def test_the_open_file_is_the_one_that_was_checked(filled: Vault, blobs: Blobs, lax: Trust) -> None:
    opened = filled.open_verified("tiny", lax)
    try:
        blobs()[0].unlink()
        assert os.pread(opened.fd, len(SOUND) + 1, 0) == SOUND
        assert os.lseek(opened.fd, 0, os.SEEK_CUR) == 0
        assert (opened.model.name, opened.chat_template, opened.kv_bytes_per_token) == ("tiny", TEMPLATE, 32)
    finally:
        opened.close()


@pytest.mark.parametrize("place", [0, 200, len(SOUND) - 1])
def test_one_byte_changed_after_import_does_not_load(filled: Vault, blobs: Blobs, place: int, lax: Trust) -> None:
    content = bytearray(SOUND)
    content[place] ^= 1
    blobs()[0].chmod(0o644)
    blobs()[0].write_bytes(content)
    digest = filled.show("tiny").digest
    with pytest.raises(VerificationFailed, match=f"tiny: the digest of its weights must be {digest} and was found"):
        filled.open_verified("tiny", lax)


def test_a_refused_file_is_closed_again(filled: Vault, blobs: Blobs, lax: Trust) -> None:
    blobs()[0].chmod(0o644)
    blobs()[0].write_bytes(b"GGUF")
    before = open_descriptors()
    with pytest.raises(VerificationFailed):
        filled.open_verified("tiny", lax)
    assert open_descriptors() == before


def test_a_symbolic_link_is_not_followed(filled: Vault, blobs: Blobs, tmp_path: Path, lax: Trust) -> None:
    elsewhere = tmp_path / "elsewhere"
    blobs()[0].rename(elsewhere)
    blobs_directory = tmp_path / "vault" / "blobs" / "sha256"
    (blobs_directory / filled.show("tiny").digest.removeprefix("sha256:")).symlink_to(elsewhere)
    with pytest.raises(VaultError, match="symbolic link"):
        filled.open_verified("tiny", lax)


def test_missing_weights_are_named(filled: Vault, blobs: Blobs) -> None:
    blobs()[0].unlink()
    with pytest.raises(VaultError, match=r"cannot open the weights at .*: No such file"):
        filled.verify("tiny")


def test_a_file_that_changes_while_it_is_read_does_not_load(filled: Vault, blobs: Blobs, lax: Trust) -> None:
    def touch(done_bytes: int, total_bytes: int) -> None:
        os.utime(blobs()[0], ns=(1, 1))

    with pytest.raises(VerificationFailed, match="time of its last change"):
        filled.open_verified("tiny", lax, progress=touch)


def test_another_template_than_the_pinned_one_does_not_load(filled: Vault, tmp_path: Path, lax: Trust) -> None:
    manifest = msgspec.structs.replace(filled.show("tiny"), chat_template_digest=text_digest("{{ other }}"))
    rewrite(tmp_path, encode(manifest))
    with pytest.raises(VerificationFailed, match="chat template"):
        filled.verify("tiny")
    with pytest.raises(VaultError, match="what its manifest says is not signed by this estate"):
        filled.open_verified("tiny", lax)


def test_one_bad_model_does_not_hide_the_others(filled: Vault, weights: Path, tmp_path: Path) -> None:
    filled.import_model(str(weights), name="aaa")
    rewrite(tmp_path, b"{}")
    aaa, tiny = filled.verify_all()
    assert (aaa.name, aaa.passed) == ("aaa", True)
    assert (tiny.name, tiny.passed) == ("tiny", False)
    assert "the manifest of tiny" in tiny.problem


def test_an_empty_vault_is_listed_without_being_made(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "none")
    assert (vault.list(), vault.verify_all()) == ((), ())
    assert not (tmp_path / "none").exists()


def test_an_unknown_model_is_refused_with_what_to_do(vault: Vault, lax: Trust) -> None:
    with pytest.raises(VaultError, match="has no model 'tiny'") as refused:
        vault.open_verified("tiny", lax)
    assert "freehold vault list" in refused.value.advice


def test_an_unknown_field_another_schema_and_another_spelling_are_refused(filled: Vault, tmp_path: Path) -> None:
    sound = encode(filled.show("tiny"))
    changes = {
        sound.replace(b'"schema":2', b'"schema":3'): "not one that this version",
        sound.replace(b'"schema":2', b'"schema":2,"x":1'): "not one that this version",
        sound.replace(b'"size_bytes":', b'"size_bytes":-'): "not one that this version",
        sound.replace(b"sha256:", b"sha512:"): "not one that this version",
        sound.replace(b'"schema":2', b'"schema": 2'): "changed by hand",
        sound.replace(b'"schema":2', b'"schema":2,"schema":2'): "changed by hand",
        sound.replace(b'"name":"tiny"', b'"name":"other"'): "renamed or swapped",
        b"\xff": "not one that this version",
        b"": "not one that this version",
    }
    for content, reason in changes.items():
        rewrite(tmp_path, content)
        with pytest.raises(VaultError, match=reason):
            filled.show("tiny")


def test_a_manifest_that_is_a_link_is_refused(filled: Vault, tmp_path: Path) -> None:
    path = tmp_path / "vault" / "manifests" / "tiny.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(VaultError, match="symbolic link"):
        filled.list()


def open_descriptors() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def rewrite(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vault" / "manifests" / "tiny.json"
    path.unlink()
    path.write_bytes(content)


def bytes_read(vault: Vault, trust: Trust, *, recheck_all: bool) -> tuple[Assurance, int]:
    read: list[int] = []
    weights = vault.open_verified("tiny", trust, progress=lambda done, _: read.append(done), recheck_all=recheck_all)
    weights.close()
    return weights.assurance, max(read, default=0)


def test_files_are_read_whole_at_every_load_unless_told_otherwise(filled: Vault, lax: Trust) -> None:
    for _ in range(2):
        assert bytes_read(filled, lax, recheck_all=True) == (Assurance.READ, len(SOUND))


def test_a_file_that_looks_unchanged_is_read_once_where_that_is_enough(filled: Vault, lax: Trust) -> None:
    assert bytes_read(filled, lax, recheck_all=False) == (Assurance.READ, len(SOUND))
    assert bytes_read(filled, lax, recheck_all=False) == (Assurance.UNCHANGED, 0)
    assert bytes_read(filled, lax, recheck_all=True) == (Assurance.READ, len(SOUND))


@pytest.mark.parametrize("hidden", [False, True])
def test_a_file_that_was_touched_is_read_again(filled: Vault, lax: Trust, blobs: Blobs, *, hidden: bool) -> None:
    bytes_read(filled, lax, recheck_all=False)
    (blob,) = blobs()
    before = blob.stat()
    blob.chmod(0o600)
    blob.write_bytes(SOUND[:-1] + b"\xff")
    if hidden:
        os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(VerificationFailed, match="digest of its weights"):
        filled.open_verified("tiny", lax, recheck_all=False)


def test_a_manifest_that_was_rewritten_does_not_load(filled: Vault, lax: Trust, tmp_path: Path) -> None:
    rewrite(tmp_path, encode(msgspec.structs.replace(filled.show("tiny"), licence="MIT")))
    with pytest.raises(VaultError, match="what its manifest says is not signed by this estate"):
        filled.open_verified("tiny", lax)


def test_a_model_that_nobody_vouches_for_does_not_load(filled: Vault, own: EllipticSigner) -> None:
    trust = Trust(estate=own.verifier)
    with pytest.raises(VaultError, match="nobody has approved it") as refused:
        filled.open_verified("tiny", trust)
    assert "freehold vault approve tiny" in refused.value.advice
    filled.keep_approval("tiny", filled.draft_approval("tiny", own, reason="read", by="op_1"))
    weights = filled.open_verified("tiny", trust)
    weights.close()
    assert weights.standing == "approved by op_1 on 2026-11-22: read"


def test_an_approval_dies_with_the_model(filled: Vault, own: EllipticSigner, weights: Path) -> None:
    filled.keep_approval("tiny", filled.draft_approval("tiny", own, reason="", by="op_1"))
    filled.remove("tiny")
    filled.import_model(str(weights), name="tiny")
    with pytest.raises(VaultError, match="may not run"):
        filled.open_verified("tiny", Trust(estate=own.verifier))
