# SPDX-License-Identifier: Apache-2.0
import hashlib
from pathlib import Path

import pytest
from tests.gguf_builder import Gguf, text
from tests.oci_builder import TITLE, artifact, write_layout
from tests.vault_builder import model_files

from freehold.errors import VaultError, VerificationFailed
from freehold.vault import Vault
from freehold.vault.sources import OciImage, OciLayout, parse_source

GGUF = Gguf().build()
OTHER = Gguf().with_value("general.name", text("Other")).build()
HEX = "0" * 64


def test_a_model_in_a_layout_is_imported_under_its_files_digests(vault: Vault, tmp_path: Path) -> None:
    made = artifact(model_files())
    layout = write_layout(tmp_path / "llama", v1=made)
    manifest = vault.import_model(f"oci:{layout}").manifest
    assert (manifest.name, manifest.revision, manifest.source_digest) == ("llama", made.digest, made.digest)
    assert {file.path: file.digest for file in manifest.files} == {
        path: "sha256:" + hashlib.sha256(content).hexdigest() for path, content in model_files().items()
    }


def test_of_several_the_one_with_the_tag_or_the_digest_is_taken(vault: Vault, tmp_path: Path) -> None:
    one, two = artifact({"a.gguf": GGUF}), artifact({"a.gguf": OTHER})
    layout = write_layout(tmp_path / "layout", v1=one, v2=two)
    assert vault.import_model(f"oci:{layout}:v2", name="two").manifest.revision == two.digest
    assert vault.import_model(f"oci:{layout}@{one.digest}", name="one").manifest.revision == one.digest
    with pytest.raises(VaultError, match=f"2 manifests are the one that is asked for; there is v1 .{one.digest}"):
        vault.import_model(f"oci:{layout}", name="any")
    with pytest.raises(VaultError, match="0 manifests"):
        vault.import_model(f"oci:{layout}:v3", name="any")


@pytest.mark.parametrize("key", [TITLE, ""])
def test_a_plain_artifact_with_one_file_needs_no_name_for_it(vault: Vault, tmp_path: Path, key: str) -> None:
    made = artifact({"a.gguf": GGUF}, media_type="application/octet-stream", key=key)
    assert vault.import_model(f"oci:{write_layout(tmp_path / 'plain', v1=made)}").manifest.format == "gguf"


def test_a_tag_that_has_moved_is_refused_and_what_changed_is_said(vault: Vault, tmp_path: Path) -> None:
    files = model_files()
    first = artifact(files)
    source = f"oci:{write_layout(tmp_path / 'llama', v1=first)}:v1"
    vault.import_model(source)
    assert not vault.import_model(source).name_is_new
    second = artifact({**files, "tokenizer.json": b'{"a": 1}'})
    write_layout(tmp_path / "llama", v1=second)
    with pytest.raises(VerificationFailed, match=f"from {first.digest}, and now it is {second.digest}; changed: token"):
        vault.import_model(source)
    assert vault.import_model(source, name="other").name_is_new


def test_code_and_data_that_were_packed_along_are_left_out(vault: Vault, tmp_path: Path) -> None:
    made = artifact({"a.gguf": GGUF})
    code = artifact({"run.py": b"x"}, media_type="application/vnd.cncf.model.code.v1.raw")
    layers = made.manifest[:-2] + b", " + code.manifest[code.manifest.index(b'"layers": [') + 11 :]
    made.manifest = layers
    assert len(vault.import_model(f"oci:{write_layout(tmp_path / 'l', v1=made)}").manifest.files) == 1


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("oci:a/b", OciLayout(path=Path("a/b"))),
        ("oci:/a/b:v1.0", OciLayout(path=Path("/a/b"), tag="v1.0")),
        (f"oci:/a:b/c@sha256:{HEX}", OciLayout(path=Path("/a:b/c"), digest=f"sha256:{HEX}")),
        ("oci://r.example/a/b:v1", OciImage(host="r.example", repository="a/b", reference="v1")),
        (
            f"oci://127.0.0.1:5000/a@sha256:{HEX}",
            OciImage(host="127.0.0.1:5000", repository="a", reference=f"sha256:{HEX}"),
        ),
    ],
)
def test_what_names_an_artifact_is_read(text: str, source: object) -> None:
    assert parse_source(text) == source


@pytest.mark.parametrize(
    "text", ["oci://r.example/a", "oci://r.example/A:v1", "oci://u@r.example/a:v1", "oci:", "oci:\0"]
)
def test_what_names_none_is_refused(text: str) -> None:
    with pytest.raises(VaultError, match=r"is not a model in a registry|names no folder"):
        parse_source(text)
