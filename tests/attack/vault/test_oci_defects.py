# SPDX-License-Identifier: Apache-2.0
"""OCI layouts that are not what they say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.gguf_builder import Gguf
from tests.oci_builder import RAW, Artifact, artifact, write_layout
from tests.vault_builder import model_files

from freehold.errors import VaultError, VerificationFailed
from freehold.vault import Vault
from freehold.vault.oci.manifest import INDEX

FILES = model_files()


def changed(change: Callable[[dict[str, Any]], object]) -> Artifact:
    made = artifact(FILES)
    document = json.loads(made.manifest)
    change(document)
    return Artifact(json.dumps(document).encode(), made.blobs)


def renamed(path: str) -> Artifact:
    return changed(lambda document: document["layers"][0]["annotations"].update({"org.cncf.model.filepath": path}))


DEFECTS: dict[str, tuple[Callable[[], Artifact], str]] = {
    "dots in a path": (lambda: renamed("../config.json"), "leads out of the model"),
    "absolute path": (lambda: renamed("/etc/config.json"), "leads out of the model"),
    "two under one name": (lambda: renamed("tokenizer.json"), "two under one name"),
    "archive": (lambda: artifact(FILES, media_type=RAW.replace("raw", "tar+gzip")), "is an archive"),
    "container image": (
        lambda: artifact(FILES, media_type="application/vnd.oci.image.layer.v1.tar+gzip"),
        "is an archive",
    ),
    "files without names": (lambda: artifact(FILES, key=""), "has no name"),
    "no layers": (lambda: artifact({}), "has no file"),
    "layers no list": (lambda: changed(lambda document: document.update(layers={})), "has no layers"),
    "digest is a path": (
        lambda: changed(lambda document: document["layers"][0].update(digest="sha256:../../../etc/passwd")),
        "without a SHA-256 digest",
    ),
    "digest of another kind": (
        lambda: changed(lambda document: document["layers"][0].update(digest="sha512:" + "0" * 128)),
        "without a SHA-256 digest",
    ),
    "size missing": (lambda: changed(lambda document: document["layers"][0].pop("size")), "without a size"),
    "manifest and index at once": (
        lambda: changed(lambda document: document.update(manifests=[])),
        "is also said to be",
    ),
    "manifest called an index": (
        lambda: changed(lambda document: document.update(mediaType=INDEX)),
        "is also said to be",
    ),
    "blob missing": (
        lambda: changed(lambda document: document["layers"][0].update(digest="sha256:" + "0" * 64)),
        "there is no file",
    ),
    "pickle as weights": (lambda: artifact({"a.safetensors": b"\x80\x04."}), "a.safetensors"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defective_artifact_is_refused_for_its_defect(defect: str, tmp_path: Path) -> None:
    make, reason = DEFECTS[defect]
    layout = write_layout(tmp_path / "layout", v1=make())
    vault = Vault(tmp_path / "vault")
    with pytest.raises(VaultError, match=reason):
        vault.import_model(f"oci:{layout}")
    assert vault.list() == ()


@pytest.mark.parametrize("difference_bytes", [-1, 1])
def test_a_file_of_another_size_than_is_described_is_refused(difference_bytes: int, tmp_path: Path) -> None:
    def lie(document: dict[str, Any]) -> None:
        document["layers"][0]["size"] += difference_bytes

    layout = write_layout(tmp_path / "layout", v1=changed(lie))
    with pytest.raises(VerificationFailed, match=r"must have \d+ bytes and has \d+"):
        Vault(tmp_path / "vault").import_model(f"oci:{layout}")


def damage_manifest(layout: Path, made: Artifact) -> None:
    (layout / "blobs" / "sha256" / made.digest[7:]).write_bytes(made.manifest + b" ")


def damage_blob(layout: Path, made: Artifact) -> None:
    blob = layout / "blobs" / "sha256" / max(made.blobs, key=lambda digest: len(made.blobs[digest]))[7:]
    blob.write_bytes(blob.read_bytes()[:-1] + b"\x00")


def described(**said: object) -> Callable[[Path, Artifact], None]:
    """Has the layout's index say something else of the manifest."""

    def damage(layout: Path, made: Artifact) -> None:
        (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [made.descriptor() | said]}))

    return damage


def link_blobs(layout: Path, made: Artifact) -> None:
    for digest in made.blobs:
        blob = layout / "blobs" / "sha256" / digest[7:]
        blob.rename(layout / blob.name)
        blob.symlink_to(layout / blob.name)


def other_version(layout: Path, _: Artifact) -> None:
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}')


ON_DISK: dict[str, tuple[Callable[[Path, Artifact], None], str]] = {
    "manifest changed": (damage_manifest, "the manifest must be .* and was found to be"),
    "manifest of another size": (described(size=3), r"must have 3 bytes and has \d+"),
    "manifest described as an index": (described(mediaType=INDEX), "is also said to be"),
    "file changed": (damage_blob, "the digest must be .* and was found to be"),
    "file is a link": (link_blobs, "cannot open"),
    "of another version": (other_version, "not an OCI image layout"),
}


@pytest.mark.parametrize("defect", ON_DISK)
def test_a_layout_that_was_tampered_with_is_refused(defect: str, tmp_path: Path) -> None:
    damage, reason = ON_DISK[defect]
    made = artifact({"a.gguf": Gguf().build()})
    layout = write_layout(tmp_path / "layout", v1=made)
    damage(layout, made)
    with pytest.raises((VaultError, VerificationFailed), match=reason):
        Vault(tmp_path / "vault").import_model(f"oci:{layout}")
