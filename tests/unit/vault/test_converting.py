# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from tests.bert_builder import READS, bert_files, weights
from tests.vault_builder import write_files

from freehold.errors import VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Vault
from freehold.vault.inspect.gguf import read_header
from freehold.vault.manifest import ModelFile, model_digest
from freehold.vault.oms import Resource, sign, write_statement


def listed(files: dict[str, bytes]) -> list[ModelFile]:
    return [
        ModelFile(path=path, digest="sha256:" + hashlib.sha256(content).hexdigest(), size_bytes=len(content))
        for path, content in files.items()
    ]


def test_an_encoder_becomes_one_file_that_the_engine_reads(vault: Vault, tmp_path: Path) -> None:
    files = bert_files()
    manifest = vault.import_model(str(write_files(tmp_path / "tiny", files))).manifest
    assert (manifest.format, manifest.architecture, manifest.licence) == ("gguf", "bert", "Apache-2.0")
    assert [file.path for file in manifest.files] == ["model.gguf"]
    assert manifest.lineage.parents == (model_digest(listed(files)),)
    assert manifest.lineage.done == "converted from safetensors"
    assert vault.verify("tiny") == manifest
    blob = tmp_path / "vault" / "blobs" / "sha256" / manifest.digest.removeprefix("sha256:")
    fd = os.open(blob, os.O_RDONLY)
    header = read_header(fd, blob.stat().st_size, "tiny")
    os.close(fd)
    assert (header.context_train_tokens, header.tokenizer, header.embeds) == (READS, "bert", True)


def test_the_same_files_give_the_same_model_whatever_it_is_called(vault: Vault, tmp_path: Path) -> None:
    first = vault.import_model(str(write_files(tmp_path / "one", bert_files())))
    second = vault.import_model(str(write_files(tmp_path / "two", bert_files())))
    assert first.manifest.digest == second.manifest.digest
    assert (second.weights_are_new, second.name_is_new) == (False, True)
    assert vault.import_model(str(tmp_path / "one")).name_is_new is False


def test_other_weights_give_another_model_and_the_name_does_not_change(vault: Vault, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "one", bert_files())
    digest = vault.import_model(str(folder)).manifest.digest
    write_files(folder, {"model.safetensors": weights("F16")})
    with pytest.raises(VaultError, match=f"one already stands for {digest}"):
        vault.import_model(str(folder))


def test_a_digest_is_that_of_the_file_that_is_kept(vault: Vault, tmp_path: Path) -> None:
    folder = str(write_files(tmp_path / "one", bert_files()))
    digest = vault.import_model(folder).manifest.digest
    assert vault.import_model(folder, name="again", sha256=digest).manifest.digest == digest
    with pytest.raises(VerificationFailed, match=f"must be sha256:{'0' * 64} and was found to be {digest}"):
        vault.import_model(folder, name="other", sha256="0" * 64)


def test_a_licence_that_a_person_must_read_is_not_taken_for_the_one_on_the_card(vault: Vault, tmp_path: Path) -> None:
    own = {"LICENSE": b"You may use this on Mondays, unless we say otherwise."}
    manifest = vault.import_model(str(write_files(tmp_path / "tiny", {**bert_files(), **own}))).manifest
    assert manifest.licence == ""


def test_what_was_signed_is_checked_and_is_not_what_is_kept(vault: Vault, tmp_path: Path, own: EllipticSigner) -> None:
    files = bert_files()
    resources = [Resource(name=file.path, digest=file.digest) for file in listed(files)]
    folder = write_files(tmp_path / "tiny", files)
    (folder / "model.sig").write_bytes(sign(write_statement("any", resources, ()), own))
    assert vault.import_model(str(folder)).name_is_new
    write_files(folder, {"README.md": b"# Another\n"})
    with pytest.raises(VerificationFailed, match="does not vouch for the model"):
        vault.import_model(str(folder), name="other")


UNFIT: dict[str, tuple[dict[str, bytes], dict[str, Any], str]] = {
    "another activation": ({}, {"hidden_act": "relu"}, "cannot be converted"),
    "other positions": ({}, {"position_embedding_type": "relative_key"}, "cannot be converted"),
    "capitals": ({"tokenizer_config.json": b'{"do_lower_case": false}'}, {}, "tells capitals"),
    "unknown pooling": ({"1_Pooling/config.json": b'{"pooling_mode_max_tokens": true}'}, {}, "not known to the engine"),
    "vocabulary too short": ({"vocab.txt": b"[PAD]\n[UNK]"}, {}, "lacks a special token"),
    "tensor missing": ({"model.safetensors": weights(without="embeddings.LayerNorm.bias")}, {}, "is not there as"),
    "more layers than there are": ({}, {"num_hidden_layers": 2}, "is not there as"),
}


@pytest.mark.parametrize("why", UNFIT)
def test_an_encoder_whose_vectors_would_be_wrong_is_refused(why: str, vault: Vault, tmp_path: Path) -> None:
    files, config, reason = UNFIT[why]
    folder = write_files(tmp_path / "tiny", {**bert_files(**config), **files})
    with pytest.raises(VaultError, match=reason):
        vault.import_model(str(folder))
    assert vault.list() == ()
