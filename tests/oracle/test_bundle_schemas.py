# SPDX-License-Identifier: Apache-2.0
"""Every document of a bundle is what the schemas of the OCI image specification and of ModelPack say."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tests.bundle_builder import TINY
from tests.vault_builder import model_files, signer, write_files

from freehold.vault import Vault
from freehold.vault.bundle import BundledProgram, KnownFile, Wanted
from freehold.vault.bundle.format import Program

VECTORS = Path(__file__).parent / "vectors"
MODEL = "application/vnd.cncf.model.manifest.v1+json"


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle as a folder, with a bit of everything in it."""
    folder, own = tmp_path_factory.mktemp("schemas"), signer()
    vault = Vault(folder / "vault", signer=lambda: own)
    (folder / "tiny.gguf").write_bytes(TINY)
    vault.import_model(str(folder / "tiny.gguf"), "tiny")
    vault.import_model(str(write_files(folder / "many", model_files())), "many")
    file = KnownFile(
        title="source.tar", path=folder / "tiny.gguf", digest=vault.show("tiny").digest, size_bytes=len(TINY)
    )
    program = BundledProgram(
        program=Program(version="1", platform="linux/amd64", python="3.11", glibc="2.28"), files=[file]
    )
    wanted = Wanted(
        origin="freehold.local/test",
        models=["tiny", "many"],
        papers={"policies/own.cedar": b"// none\n"},
        programs=[program],
        engines=[[file]],
    )
    vault.bundles.write(vault.bundles.pack(wanted, own), folder / "bundle", as_folder=True)
    return folder / "bundle"


def validator(name: str) -> Any:
    """For a schema of the OCI; the files refer to each other by name, and by what they call themselves."""
    schemas = {path.name: load(path) for path in (VECTORS / "oci").iterdir()}
    resources = [(schema.get("id", name), schema) for name, schema in schemas.items()]
    resources += [(f"https://opencontainers.org/schema/{name}", schema) for name, schema in schemas.items()]
    resources += [(f"https://opencontainers.org/schema/image/{name}", schema) for name, schema in schemas.items()]
    resources = [(uri, schema) for uri, schema in resources if uri.startswith("https:")]
    registry = jsonschema_rs.Registry(resources, draft=jsonschema_rs.Draft4)
    return jsonschema_rs.Draft4Validator(schemas[name], registry=registry)


def documents(layout: Path, media_type: str) -> list[Any]:
    found = []
    for path in (layout / "blobs" / "sha256").iterdir():
        try:
            document = load(path)
        except (ValueError, UnicodeDecodeError):
            continue
        if isinstance(document, dict) and document.get("mediaType") == media_type:
            found.append(document)
    return found


def test_the_layout_and_its_index_are_what_the_specification_says(layout: Path) -> None:
    validator("image-layout-schema.json").validate(load(layout / "oci-layout"))
    validator("image-index-schema.json").validate(load(layout / "index.json"))


def test_the_schemas_refuse_what_is_wrong(layout: Path) -> None:
    wrong = load(layout / "index.json")
    wrong["manifests"][0]["digest"] = "not a digest"
    with pytest.raises(jsonschema_rs.ValidationError):
        validator("image-index-schema.json").validate(wrong)


def test_every_index_and_manifest_is_what_the_specification_says(layout: Path) -> None:
    indexes = documents(layout, "application/vnd.oci.image.index.v1+json")
    manifests = documents(layout, "application/vnd.oci.image.manifest.v1+json")
    assert (len(indexes), len(manifests)) == (1, 8)  # of two models two each, contents, signature, program, engine
    for index in indexes:
        validator("image-index-schema.json").validate(index)
    for manifest in manifests:
        validator("image-manifest-schema.json").validate(manifest)


def test_a_models_description_is_what_modelpack_says(layout: Path) -> None:
    schema = jsonschema_rs.Draft202012Validator(load(VECTORS / "modelpack" / "config-schema.json"))
    manifests = documents(layout, "application/vnd.oci.image.manifest.v1+json")
    models = [manifest for manifest in manifests if manifest["artifactType"] == MODEL]
    assert len(models) == 2
    for model in models:
        described = load(layout / "blobs" / "sha256" / model["config"]["digest"].removeprefix("sha256:"))
        schema.validate(described)
        assert described["modelfs"]["diffIds"] == [layer["digest"] for layer in model["layers"]]
