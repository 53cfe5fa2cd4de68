# SPDX-License-Identifier: Apache-2.0
"""Bundles by hand, out of the words of docs/reference/bundle-format.md: right, or wrong in one place as told.

A second writer beside the product's own, with which it has nothing in common but the signatures of ``vault/oms``.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.gguf_builder import TEMPLATE, Gguf, number

from freehold.signing.elliptic import EllipticSigner
from freehold.vault.oms import sign

Change = Callable[[Any], Any]  # of a document, or of a blob's bytes, before it is listed by the next one

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONTENTS = "application/vnd.freehold.bundle.contents.v1+json"
SIGSTORE = "application/vnd.dev.sigstore.bundle.v0.3+json"
TITLE = "org.opencontainers.image.title"
PATH = "org.cncf.model.filepath"
ORIGIN = "freehold.local/test"
TINY, OTHER = Gguf().build(), Gguf().with_value("llama.context_length", number(128)).build()
PAPERS = {"policies/own.cedar": b"// none\n"}


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def blob_name(content: bytes) -> str:
    return "blobs/sha256/" + hashlib.sha256(content).hexdigest()


def canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class Builder:
    """``changes`` are made by name: ``manifest:tiny``, ``artifact:tiny``, ``custody:tiny``, ``config``, ``contents``,
    ``signature``, ``index``, ``top``.
    """

    signer: EllipticSigner
    changes: Mapping[str, Change] = field(default_factory=dict)
    certificates: tuple[bytes, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)

    def build(self) -> dict[str, bytes]:
        """The files of the layout, by their names."""
        models = [self._model("other", OTHER), self._model("tiny", TINY)]
        listed = [one for model in models for one in (model[1], model[2])]
        config = {
            "engines": [],
            "freehold": "0.1.0",
            "models": [self._bundled(*model) for model in models],
            "origin": ORIGIN,
            "programs": [],
            "schema": 1,
        }
        papers = [
            self._blob(content, "application/vnd.freehold.paper.v1", {TITLE: path}) for path, content in PAPERS.items()
        ]
        described = self._document(self._changed("config", config), CONTENTS)
        contents = self._manifest("contents", CONTENTS, described, papers)
        signature = self._signature(contents)
        rows = sorted([*listed, contents, *signature], key=lambda row: row["digest"])
        index = self._changed("index", {"manifests": rows, "mediaType": INDEX, "schemaVersion": 2})
        root = self._document(index, INDEX) | {"annotations": {"org.opencontainers.image.ref.name": "freehold"}}
        top = self._changed("top", {"manifests": [root], "mediaType": INDEX, "schemaVersion": 2})
        self.files["index.json"] = canonical(top)
        self.files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
        return self.files

    def _model(self, name: str, content: bytes) -> tuple[str, Any, Any, bytes]:
        document = self._changed(f"manifest:{name}", model_manifest(name, content))
        weights = self._blob(content, "application/vnd.cncf.model.weight.v1.raw", {PATH: f"{name}.gguf"})
        config = self._document(
            {"config": {}, "descriptor": {}, "modelfs": {}}, "application/vnd.cncf.model.config.v1+json"
        )
        artifact = self._manifest(f"artifact:{name}", "application/vnd.cncf.model.manifest.v1+json", config, [weights])
        manifest = self._blob(
            canonical(document) + b"\n",
            "application/vnd.freehold.model.manifest.v2+json",
            {TITLE: "freehold-manifest.json"},
        )
        custody = self._manifest(
            f"custody:{name}", "application/vnd.freehold.custody.v1+json", self._empty(), [manifest], subject=artifact
        )
        return name, artifact, custody, content

    def _bundled(self, name: str, artifact: Any, custody: Any, content: bytes) -> dict[str, str]:
        return {
            "artifact": artifact["digest"],
            "custody": custody["digest"],
            "digest": digest_of(content),
            "name": name,
        }

    def _signature(self, contents: Any) -> list[Any]:
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "predicate": {"schema": 1},
            "predicateType": "https://freehold/bundle/v1",
            "subject": [{"digest": {"sha256": contents["digest"].removeprefix("sha256:")}, "name": "contents"}],
        }
        content = self._changed("signature", sign(canonical(statement), self.signer, self.certificates))
        if content is None:
            return []
        layers = [self._blob(content, SIGSTORE), self._blob(self.signer.verifier.pem, "application/x-pem-file")]
        kind = "application/vnd.freehold.bundle.signature.v1+json"
        return [self._manifest("signatures", kind, self._empty(), layers, subject=contents)]

    def _empty(self) -> Any:
        return self._blob(b"{}", "application/vnd.oci.empty.v1+json")

    def _manifest(self, name: str, kind: str, config: Any, layers: list[Any], subject: Any = None) -> Any:
        document = {
            "artifactType": kind,
            "config": config,
            "layers": layers,
            "mediaType": MANIFEST,
            "schemaVersion": 2,
        } | ({"subject": subject} if subject else {})
        return self._document(self._changed(name, document), MANIFEST)

    def _document(self, document: Any, media_type: str) -> Any:
        return self._blob(canonical(document), media_type)

    def _blob(self, content: bytes, media_type: str, annotations: Mapping[str, str] | None = None) -> Any:
        self.files[blob_name(content)] = content
        row = {"digest": digest_of(content), "mediaType": media_type, "size": len(content)}
        return row | ({"annotations": dict(annotations)} if annotations else {})

    def _changed(self, name: str, document: Any) -> Any:
        return self.changes[name](document) if name in self.changes else document


def model_manifest(name: str, content: bytes) -> dict[str, Any]:
    """What the vault knows of a tiny model."""
    digest = digest_of(content)
    return {
        "architecture": "llama",
        "chat_template_digest": digest_of(TEMPLATE.encode()),
        "context_train_tokens": 64 if content == TINY else 128,
        "digest": digest,
        "files": [{"digest": digest, "path": f"{name}.gguf", "size_bytes": len(content), "verity": ""}],
        "format": "gguf",
        "imported_at": "2026-11-22T14:38:05Z",
        "licence": "MIT",
        "licence_digest": "",
        "lineage": {"done": "", "parents": []},
        "name": name,
        "origin": f"{name}.gguf",
        "parameters": 40,
        "quantisation": "F32",
        "repository": "",
        "revision": "",
        "schema": 2,
        "size_bytes": len(content),
        "source_digest": "",
        "title": "Tiny",
        "tokenizer": "gpt2",
        "tokenizer_digest": "",
    }


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """As a tar, in the order of the names, with the documents first."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items(), key=lambda item: (item[0].startswith("blobs"), item[0])):
            add(archive, name, content)
    return whole.getvalue()


def add(
    archive: tarfile.TarFile, name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, to: str = ""
) -> None:
    """One member, whatever it is called and of whatever kind."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, to, len(content)
    archive.addfile(info, io.BytesIO(content))
