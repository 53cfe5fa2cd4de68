# SPDX-License-Identifier: Apache-2.0
"""Models of many files: imported whole or not at all, signed, checked, checked out and removed."""

import errno
import hashlib
import multiprocessing
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.vault_builder import AT, TEMPLATE, FolderResolver, model_files, safetensors, signer, write_files

from freehold.contract.grant import Allowance, Errand
from freehold.errors import VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Imported, Trust, Vault
from freehold.vault.hashing import Progress, silent
from freehold.vault.importing import Importer, make_order
from freehold.vault.manifest import MANIFEST_FILE, SIGNATURE_FILE, SIGNATURE_FOLDER, check_path, text_digest
from freehold.vault.oms import Resource, sign, write_statement
from freehold.vault.store import Store
from freehold.vault.trust import Rule

FILES = model_files()
Import = Callable[..., Imported]


def contact_nobody(errand: Errand) -> Allowance:
    raise AssertionError("a test contacted somebody")


def importer(directory: Path, own: EllipticSigner, free: Callable[[Path], int] = lambda _: 10**12) -> Import:
    """Imports folders into the vault in ``directory``."""
    store = Store(directory, free=free)
    works = Importer(store, resolve=FolderResolver(), now=lambda: AT, signer=lambda: own)

    def run(
        folder: Path,
        name: str = "many",
        *,
        sha256: str | None = None,
        progress: Progress = silent,
        trust: Trust | None = None,
    ) -> Imported:
        return works.run(make_order(str(folder), name=name, sha256=sha256), progress, contact_nobody, trust or Trust())

    return run


@pytest.fixture
def bring(tmp_path: Path, own: EllipticSigner) -> Import:
    return importer(tmp_path / "vault", own)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "source", FILES)


def whole(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.name != "lock")


def test_every_file_is_in_the_manifest_and_under_its_digest(
    bring: Import, folder: Path, vault: Vault, lax: Trust
) -> None:
    manifest = bring(folder).manifest
    assert {file.path for file in manifest.files} == FILES.keys()
    assert (manifest.format, manifest.architecture, manifest.parameters, manifest.quantisation) == (
        "safetensors",
        "llama",
        5,
        "F32",
    )
    assert (manifest.context_train_tokens, manifest.chat_template_digest) == (128, text_digest(TEMPLATE))
    assert manifest.tokenizer_digest == "sha256:" + hashlib.sha256(FILES["tokenizer.json"]).hexdigest()
    assert (manifest.repository, manifest.revision) == ("example.org/llama", "r1")
    weights = vault.open_verified("many", lax)
    try:
        assert [file.path for file in weights.files][:2] == [
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
        ]
        assert {file.path: os.pread(file.fd, 10**6, 0) for file in weights.files} == FILES
    finally:
        weights.close()


def test_the_digest_of_a_model_binds_every_path_and_file(bring: Import, folder: Path, tmp_path: Path) -> None:
    first = bring(folder).manifest.digest
    (folder / "tokenizer.json").write_bytes(b"{ }")
    changed = bring(folder, "changed").manifest.digest
    moved = dict(FILES)
    moved["vocab.json"] = moved.pop("tokenizer.json")
    renamed = bring(write_files(tmp_path / "renamed", moved), "renamed").manifest.digest
    assert len({first, changed, renamed}) == 3


def test_a_file_that_two_models_have_is_kept_once_and_as_long_as_one_has_it(
    bring: Import, folder: Path, vault: Vault, tmp_path: Path
) -> None:
    bring(folder)
    (folder / "tokenizer.json").write_bytes(b"{ }")
    bring(folder, "other")
    blobs = tmp_path / "vault" / "blobs" / "sha256"
    assert len(list(blobs.iterdir())) == len(FILES) + 1
    vault.remove("many")
    assert len(list(blobs.iterdir())) == len(FILES)
    assert [check.problem for check in vault.verify_all()] == [""]
    vault.remove("other")
    assert whole(tmp_path / "vault") == []
    with pytest.raises(VaultError, match="has no model 'other'"):
        vault.remove("other")


@pytest.mark.parametrize("path", FILES)
def test_one_byte_changed_in_any_file_does_not_load(
    bring: Import, folder: Path, vault: Vault, lax: Trust, path: str
) -> None:
    manifest = bring(folder).manifest
    (file,) = [file for file in manifest.files if file.path == path]
    blob = folder.with_name("vault") / "blobs" / "sha256" / file.digest.removeprefix("sha256:")
    blob.chmod(0o600)
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)
    with pytest.raises(VerificationFailed, match=f"the digest of {path} must be {file.digest}"):
        vault.open_verified("many", lax)


def test_files_swapped_between_two_models_do_not_load(
    bring: Import, folder: Path, vault: Vault, lax: Trust, tmp_path: Path
) -> None:
    one = bring(folder).manifest
    (folder / "model-00001-of-00002.safetensors").write_bytes(safetensors(9.0, 9.0, name="a"))
    two = bring(folder, "two").manifest
    blobs = tmp_path / "vault" / "blobs" / "sha256"
    first, second = (blobs / manifest.weights[0].digest.removeprefix("sha256:") for manifest in (one, two))
    first.rename(tmp_path / "kept")
    second.rename(first)
    (tmp_path / "kept").rename(second)
    for name in ("many", "two"):
        with pytest.raises(VerificationFailed, match="the digest of model-00001-of-00002"):
            vault.open_verified(name, lax)


def test_a_missing_file_does_not_load(bring: Import, folder: Path, vault: Vault, lax: Trust, tmp_path: Path) -> None:
    manifest = bring(folder).manifest
    (tmp_path / "vault" / "blobs" / "sha256" / manifest.files[0].digest.removeprefix("sha256:")).unlink()
    with pytest.raises(VaultError, match="No such file"):
        vault.open_verified("many", lax)
    assert bring(folder).weights_are_new
    vault.open_verified("many", lax).close()


def stops(tmp_path: Path) -> int:
    """How often the progress of an import is told."""
    counted: list[int] = []
    importer(tmp_path / "counted", signer())(tmp_path / "source", progress=lambda done, _: counted.append(done))
    return len(counted)


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")], ids=["Ctrl-C", "disk full"])
def test_an_import_that_stops_anywhere_leaves_the_vault_as_it_was(
    bring: Import, folder: Path, vault: Vault, tmp_path: Path, fault: BaseException
) -> None:
    bring(write_files(tmp_path / "before", {**FILES, "tokenizer.json": b"[]"}), "before")
    kept = {path: path.read_bytes() for path in whole(tmp_path / "vault")}
    for place in range(stops(tmp_path)):
        told = 0

        def stop(done_bytes: int, total_bytes: int, place: int = place) -> None:
            nonlocal told
            told += 1
            if told > place:
                raise fault

        with pytest.raises((KeyboardInterrupt, VaultError)):
            bring(folder, progress=stop)
        assert {path: path.read_bytes() for path in whole(tmp_path / "vault")} == kept
    assert bring(folder).weights_are_new


def _import_and_die(directory: Path, folder: Path, place: int) -> None:
    told = 0

    def die(done_bytes: int, total_bytes: int) -> None:
        nonlocal told
        told += 1
        if told > place:
            os._exit(9)

    importer(directory, signer())(folder, progress=die)


def test_a_killed_import_is_no_model_and_is_cleared_away(bring: Import, folder: Path, tmp_path: Path) -> None:
    killed = multiprocessing.get_context("spawn").Process(target=_import_and_die, args=(tmp_path / "vault", folder, 3))
    killed.start()
    killed.join()
    assert killed.exitcode == 9
    assert Vault(tmp_path / "vault").list() == ()
    bring(folder)
    assert list((tmp_path / "vault" / "incoming").iterdir()) == []


def test_two_imports_at_once_keep_one_model(bring: Import, folder: Path, vault: Vault, lax: Trust) -> None:
    together = threading.Barrier(2)
    met = threading.local()

    def wait(done_bytes: int, total_bytes: int) -> None:
        if not getattr(met, "once", False):
            met.once = True
            together.wait()

    running = [threading.Thread(target=bring, args=(folder,), kwargs={"progress": wait}) for _ in range(2)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    vault.open_verified("many", lax).close()
    assert [check.passed for check in vault.verify_all()] == [True]


def test_space_is_asked_for_all_files_before_any_is_copied(folder: Path, tmp_path: Path) -> None:
    size_bytes = sum(map(len, FILES.values()))
    tight = importer(tmp_path / "tight", signer(), free=lambda _: 64 * 2**20 + size_bytes - 1)
    with pytest.raises(VaultError, match=f"needs {64 * 2**20 + size_bytes} bytes"):
        tight(folder)
    assert whole(tmp_path / "tight") == []


@pytest.mark.parametrize("path", ["../out", "a/../../out", "/etc/passwd", "a//b", "a\\b", "a/./b", MANIFEST_FILE])
def test_a_path_that_leads_out_is_refused(vault: Vault, path: str) -> None:
    with pytest.raises(VaultError):
        check_path(path)


def test_a_signature_beside_the_files_is_kept_and_checked_by_its_key(
    bring: Import, folder: Path, vault: Vault, own: EllipticSigner
) -> None:
    publisher = signer()
    (folder / SIGNATURE_FILE).write_bytes(signature(FILES, publisher))
    trust = Trust(rules=(Rule(name="p", match=("example.org/*",), keys=(publisher.verifier,)),), estate=own.verifier)
    bring(folder, trust=trust)
    weights = vault.open_verified("many", trust)
    weights.close()
    assert weights.standing == "signed by a key of trust.p"
    with pytest.raises(VaultError, match="may not run"):
        vault.open_verified("many", Trust(estate=own.verifier))


def signature(files: dict[str, bytes], key: EllipticSigner) -> bytes:
    rows = [Resource(name=path, digest=f"sha256:{hashlib.sha256(files[path]).hexdigest()}") for path in files]
    return sign(write_statement("source", rows), key)


DEFECTS = {
    "one file less": {path: content for path, content in FILES.items() if path != "tokenizer.json"},
    "one file more": {**FILES, "generation_config.json": b"{}"},
    "one file changed": {**FILES, "config.json": b"{}"},
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_signature_over_other_files_stops_the_import(
    bring: Import, folder: Path, tmp_path: Path, defect: str
) -> None:
    (folder / SIGNATURE_FILE).write_bytes(signature(DEFECTS[defect], signer()))
    with pytest.raises(VerificationFailed, match="does not vouch for the model: it is not over exactly the files"):
        bring(folder)
    assert whole(tmp_path / "vault") == []


def test_a_signature_that_a_known_key_did_not_make_stops_the_import(bring: Import, folder: Path) -> None:
    publisher, other = signer(), signer()
    false = signature(FILES, other).replace(other.verifier.hint.encode(), publisher.verifier.hint.encode())
    (folder / SIGNATURE_FILE).write_bytes(false)
    trust = Trust(rules=(Rule(name="p", match=("*",), keys=(publisher.verifier,)),))
    with pytest.raises(VerificationFailed, match=r"the key that it names, of trust\.p, did not make it"):
        bring(folder, trust=trust)


def test_a_model_is_checked_out_with_its_manifest_and_signatures(
    bring: Import, folder: Path, vault: Vault, tmp_path: Path
) -> None:
    (folder / SIGNATURE_FILE).write_bytes(signature(FILES, signer()))
    bring(folder)
    out = tmp_path / "out"
    vault.check_out("many", out)
    assert {path: (out / path).read_bytes() for path in FILES} == FILES
    assert (out / MANIFEST_FILE).read_bytes() == vault.document("many").content
    assert (out / SIGNATURE_FILE).is_file()
    assert [path.read_bytes() for path in (out / SIGNATURE_FOLDER).iterdir()] == [
        (folder / SIGNATURE_FILE).read_bytes()
    ]
    with pytest.raises(VaultError, match="is there already"):
        vault.check_out("many", out)


def test_a_damaged_model_is_not_checked_out(bring: Import, folder: Path, vault: Vault, tmp_path: Path) -> None:
    manifest = bring(folder).manifest
    blob = tmp_path / "vault" / "blobs" / "sha256" / manifest.files[0].digest.removeprefix("sha256:")
    blob.chmod(0o600)
    blob.write_bytes(b"x" * blob.stat().st_size)
    with pytest.raises(VerificationFailed):
        vault.check_out("many", tmp_path / "out")
    assert not (tmp_path / "out").exists()
