# SPDX-License-Identifier: Apache-2.0
"""OCI artifacts by hand: the documents and blobs of a model, for a layout or a registry, right or wrong as told."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
RAW = "application/vnd.cncf.model.weight.v1.raw"
PATH = "org.cncf.model.filepath"
TITLE = "org.opencontainers.image.title"
NAME = "org.opencontainers.image.ref.name"


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass
class Artifact:
    """One model. ``blobs`` are all that hang on its manifest, by digest."""

    manifest: bytes
    blobs: dict[str, bytes] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    def descriptor(self, tag: str = "") -> dict[str, Any]:
        said: dict[str, Any] = {"mediaType": MANIFEST, "digest": self.digest, "size": len(self.manifest)}
        return said | ({"annotations": {NAME: tag}} if tag else {})


def artifact(files: Mapping[str, bytes], *, media_type: str = RAW, key: str = PATH) -> Artifact:
    """A ModelPack artifact of these files; ``key`` empty: the files have no names."""
    layers = [
        {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}
        | ({"annotations": {key: path}} if key else {})
        for path, content in files.items()
    ]
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/vnd.cncf.model.manifest.v1+json",
        "config": {"mediaType": "application/vnd.cncf.model.config.v1+json", "digest": digest_of(b"{}"), "size": 2},
        "layers": layers,
    }
    blobs = {digest_of(content): content for content in (b"{}", *files.values())}
    return Artifact(json.dumps(document).encode(), blobs)


def write_layout(folder: Path, **tagged: Artifact) -> Path:
    """A layout with one artifact under each tag."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    for made in tagged.values():
        for content in (made.manifest, *made.blobs.values()):
            (blobs / hashlib.sha256(content).hexdigest()).write_bytes(content)
    listed = [made.descriptor(tag) for tag, made in tagged.items()]
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": listed}))
    return folder
