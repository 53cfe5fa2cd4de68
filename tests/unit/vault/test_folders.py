# SPDX-License-Identifier: Apache-2.0
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.gguf_builder import Gguf
from tests.vault_builder import model_files, write_files

from freehold.errors import VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import PINS, Vault
from freehold.vault.importing import make_order
from freehold.vault.oms import Resource, read_bundle, read_statement, sign, write_statement

FILES = model_files()
PLACES = sorted(FILES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "Llama Small", FILES)


def wheel_of(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_folder_is_one_model(vault: Vault, folder: Path) -> None:
    manifest = vault.import_model(str(folder)).manifest
    assert (manifest.name, manifest.format, manifest.architecture) == ("llama-small", "safetensors", "llama")
    assert [file.path for file in manifest.files] == PLACES
    assert vault.verify("llama-small") == manifest


def test_a_folder_that_is_here_already_is_not_copied_again(vault: Vault, folder: Path) -> None:
    first = vault.import_model(str(folder))
    again = vault.import_model(str(folder))
    assert (again.weights_are_new, again.name_is_new) == (False, False)
    assert again.manifest == first.manifest


def test_a_folder_is_held_to_a_digest_even_if_a_model_with_it_is_here(vault: Vault, folder: Path) -> None:
    digest = vault.import_model(str(folder)).manifest.digest
    (folder / "tokenizer.json").write_bytes(b'{"a": 1}')
    with pytest.raises(VerificationFailed, match=f"must be {digest} and was found to be"):
        vault.import_model(str(folder), name="other", sha256=digest)


def test_what_no_model_has_is_left_out_and_named(vault: Vault, folder: Path) -> None:
    write_files(folder, {"pytorch_model.bin": b"x", "onnx/model.onnx": b"x", ".git/config": b"x", "run.py": b"x"})
    imported = vault.import_model(str(folder))
    assert imported.left_out == ("onnx/model.onnx", "pytorch_model.bin", "run.py")
    assert [file.path for file in imported.manifest.files] == PLACES


def test_a_folder_without_weights_that_are_let_in_is_refused_with_what_is_there(vault: Vault, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "old", {"config.json": b"{}", "pytorch_model.bin": b"x"})
    with pytest.raises(VaultError, match=r"has no weights in a format that is let in, but 'pytorch_model.bin'"):
        vault.import_model(str(folder))


def test_a_folder_of_several_gguf_files_is_not_one_model(vault: Vault, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "many", {"a.gguf": Gguf().build(), "b.gguf": Gguf().build()})
    with pytest.raises(VaultError, match="2 GGUF files"):
        vault.import_model(str(folder))


def test_a_signature_in_a_folder_is_kept_if_it_is_over_its_files(
    vault: Vault, folder: Path, own: EllipticSigner
) -> None:
    manifest = vault.import_model(str(folder), name="first").manifest
    resources = [Resource(name=file.path, digest=file.digest) for file in manifest.files]
    (folder / "model.sig").write_bytes(sign(write_statement("any", resources, ()), own))
    vault.import_model(str(folder), name="second")
    (folder / "tokenizer.json").write_bytes(b'{"a": 1}')
    with pytest.raises(
        VerificationFailed, match=r"does not vouch for the model: .* 'tokenizer.json' was changed since"
    ):
        vault.import_model(str(folder), name="third")


@pytest.mark.parametrize(
    ("more", "less", "problem"),
    [("modeling.py", "", "'modeling.py' was signed, and is none"), ("", "config.json", "'config.json' was not signed")],
)
def test_a_signature_over_other_files_is_refused_with_the_first_of_them(  # noqa: PLR0917 - a table's columns
    vault: Vault, folder: Path, own: EllipticSigner, more: str, less: str, problem: str
) -> None:
    manifest = vault.import_model(str(folder), name="first").manifest
    digests = {file.path: file.digest for file in manifest.files} | ({more: manifest.digest} if more else {})
    resources = [Resource(name=name, digest=digest) for name, digest in digests.items() if name != less]
    (folder / "model.sig").write_bytes(sign(write_statement("any", resources), own))
    with pytest.raises(VerificationFailed, match=problem):
        vault.import_model(str(folder), name="second")


def test_a_signature_counts_without_what_the_outside_tool_passes_over(
    vault: Vault, folder: Path, own: EllipticSigner, tmp_path: Path
) -> None:
    bare = vault.import_model(str(folder), name="bare").manifest
    resources = [Resource(name=file.path, digest=file.digest) for file in bare.files]
    (folder / "model.sig").write_bytes(sign(write_statement("any", resources), own))
    (folder / ".gitattributes").write_bytes(b"*.safetensors filter=lfs\n")
    vault.import_model(str(folder), name="cloned")
    vault.check_out("cloned", tmp_path / "out")
    signature = read_statement(read_bundle((tmp_path / "out" / "model.sig").read_bytes()).payload)
    assert (tmp_path / "out" / ".gitattributes").exists()
    assert ".gitattributes" not in {resource.name for resource in signature.resources}


def test_what_a_vault_checked_out_comes_in_again(vault: Vault, folder: Path, tmp_path: Path) -> None:
    first = vault.import_model(str(folder)).manifest
    vault.check_out("llama-small", tmp_path / "out")
    assert vault.import_model(str(tmp_path / "out"), name="again").manifest.files == first.files


def test_a_folder_in_a_wheel_is_one_model(vault: Vault, tmp_path: Path) -> None:
    files = {f"small/model/{path}": content for path, content in FILES.items()}
    wheel = wheel_of(tmp_path / "small_model-1.0-py3-none-any.whl", {"small/__init__.py": b"", **files})
    manifest = vault.import_model(f"{wheel}!small/model/").manifest
    assert manifest.name == "small_model"
    assert [file.path for file in manifest.files] == PLACES
    assert manifest.source_digest


def test_a_folder_that_a_wheel_has_not_is_refused_with_those_that_it_has(vault: Vault, tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path / "small-1.0-py3-none-any.whl", {"small/model/a.gguf": b""})
    with pytest.raises(VaultError, match="has no file under 'model/'") as refused:
        vault.import_model(f"{wheel}!model/")
    assert "'small/model/'" in refused.value.advice


@pytest.mark.parametrize("pin", PINS, ids=lambda pin: pin.name)
def test_the_name_of_a_pinned_model_stands_for_its_source(pin: object) -> None:
    assert pin in PINS
    order = make_order(PINS[PINS.index(pin)].name, name=None, sha256=None)
    assert (order.pin, order.text, order.name) == (pin, order.pin and order.pin.source, order.pin and order.pin.name)
