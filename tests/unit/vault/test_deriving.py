# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tuning_builder import embedding_model, tiny_model, write_model
from tests.vault_builder import model_files, write_files

from freehold.errors import VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Trust, Vault
from freehold.vault.deriving import Derivation, Draft
from freehold.vault.hashing import silent
from freehold.vault.store import Store

from .conftest import AT


class WithoutApprovals(Store):
    def add_approval(self, name: str, content: bytes) -> None:
        raise VaultError("the disk filled up just now")


def settled(derivation: Derivation, content: bytes) -> Draft:
    path = derivation.new_path()
    path.write_bytes(content)
    return derivation.settle(path, silent)


def other() -> bytes:
    """The same model by what it says, with other weights."""
    content = bytearray(tiny_model())
    content[-5] ^= 1
    return bytes(content)


def imported(vault: Vault, folder: Path, content: bytes | None = None) -> str:
    return vault.import_model(str(write_model(folder, content)), "tiny").manifest.digest


def kept(vault: Vault, derivation: Derivation, draft: Draft, own: EllipticSigner) -> str:
    document = derivation.described(draft, derivation.free_name("tiny-q8_0", draft), "requantised from F32 to q8_0")
    approval = vault.draft_approval_of(document, own, reason="", by="op_1")
    return derivation.keep(document, draft, approval).name


def test_what_is_kept_has_its_lineage_and_may_run(
    vault: Vault, lax: Trust, own: EllipticSigner, tmp_path: Path
) -> None:
    parent = imported(vault, tmp_path)
    strict = Trust(estate=lax.estate)
    with vault.derive("tiny", lax) as derivation:
        name = kept(vault, derivation, settled(derivation, other()), own)
    manifest = vault.show(name)
    assert manifest.lineage.parents == (parent,)
    assert manifest.lineage.done == "requantised from F32 to q8_0"
    assert (manifest.licence, manifest.origin) == (vault.show("tiny").licence, vault.show("tiny").origin)
    assert vault.judge(name, strict).verdict.why.startswith("approved by op_1")
    vault.open_verified(name, strict).close()
    assert not vault.judge("tiny", strict).verdict.may_run


def draft_and_interrupt(vault: Vault, lax: Trust) -> None:
    with vault.derive("tiny", lax) as derivation:
        settled(derivation, other())
        raise KeyboardInterrupt


def test_a_block_that_ends_early_leaves_nothing(
    vault: Vault, lax: Trust, tmp_path: Path, blobs: Callable[[], list[Path]]
) -> None:
    imported(vault, tmp_path)
    before = blobs()
    with pytest.raises(KeyboardInterrupt):
        draft_and_interrupt(vault, lax)
    assert blobs() == before
    assert list((tmp_path / "vault" / "incoming").iterdir()) == []


def test_an_approval_that_cannot_be_kept_leaves_no_model(
    vault: Vault, lax: Trust, own: EllipticSigner, tmp_path: Path, blobs: Callable[[], list[Path]]
) -> None:
    imported(vault, tmp_path)
    before = blobs()
    with vault.derive("tiny", lax) as derivation:
        draft = settled(derivation, other())
        derivation.store = WithoutApprovals(tmp_path / "vault")
        with pytest.raises(VaultError):
            kept(vault, derivation, draft, own)
    assert [manifest.name for manifest in vault.list()] == ["tiny"]
    assert blobs() == before


def test_a_draft_that_says_something_else_of_itself_is_refused(vault: Vault, lax: Trust, tmp_path: Path) -> None:
    imported(vault, tmp_path)
    longer = tiny_model().replace(b"{% for", b"{% FOR")
    with vault.derive("tiny", lax) as derivation, pytest.raises(VaultError, match="is not the same model"):
        settled(derivation, longer)


def test_a_draft_that_changed_is_not_run(vault: Vault, lax: Trust, tmp_path: Path) -> None:
    imported(vault, tmp_path)
    with vault.derive("tiny", lax) as derivation:
        draft = settled(derivation, tiny_model())
        draft.path.chmod(0o600)
        draft.path.write_bytes(other())
        with pytest.raises(VerificationFailed, match="digest of what was made of it"):
            derivation.open(draft)


def test_a_name_that_stands_for_other_weights_gets_a_number(
    vault: Vault, lax: Trust, own: EllipticSigner, tmp_path: Path
) -> None:
    imported(vault, tmp_path)
    (tmp_path / "another.gguf").write_bytes(other())
    vault.import_model(str(tmp_path / "another.gguf"), "tiny-q8_0")
    third = bytearray(other())
    third[-9] ^= 1
    with vault.derive("tiny", lax) as derivation:
        assert derivation.free_name("tiny-q8_0", settled(derivation, other())) == "tiny-q8_0"
        assert derivation.free_name("tiny-q8_0", settled(derivation, bytes(third))) == "tiny-q8_0-2"


def test_a_model_of_vectors_is_not_derived(vault: Vault, lax: Trust, tmp_path: Path) -> None:
    imported(vault, tmp_path, embedding_model())
    with pytest.raises(VaultError, match="makes vectors and no text"), vault.derive("tiny", lax):
        pass


def test_a_model_that_is_no_gguf_is_not_derived(vault: Vault, lax: Trust, tmp_path: Path) -> None:
    vault.import_model(str(write_files(tmp_path / "folder", model_files())), "tiny")
    with pytest.raises(VaultError, match="tiny is safetensors"), vault.derive("tiny", lax):
        pass


def test_a_model_that_may_not_run_is_not_derived(vault: Vault, lax: Trust, tmp_path: Path) -> None:
    imported(vault, tmp_path)
    with pytest.raises(VaultError, match="may not run"), vault.derive("tiny", Trust(estate=lax.estate)):
        pass


def test_a_model_that_is_not_there_is_named(vault: Vault, lax: Trust) -> None:
    with pytest.raises(VaultError, match="no model 'tiny'"), vault.derive("tiny", lax):
        pass


def test_a_full_disk_is_seen_before_anything_is_written(own: EllipticSigner, lax: Trust, tmp_path: Path) -> None:
    free = [10**12]
    vault = Vault(tmp_path / "vault", signer=lambda: own, now=lambda: AT, free=lambda _: free[0])
    imported(vault, tmp_path)
    free[0] = 10**6
    with vault.derive("tiny", lax) as derivation, pytest.raises(VaultError, match="has 1000000 free"):
        derivation.require_space(10**6)
