# SPDX-License-Identifier: Apache-2.0
"""Puts a bundle together: which documents it has, and which files they list. Reads the vault; writes nothing."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from freehold import __version__
from freehold.errors import VaultError
from freehold.signing.elliptic import EllipticSigner
from freehold.vault.bundle.format import (
    APPROVAL,
    CONTENTS,
    CUSTODY,
    ENGINE,
    FILE,
    MODEL,
    MODEL_CONFIG,
    MODEL_MANIFEST,
    MODEL_SIGNATURE,
    NAME,
    NOTHING,
    PAPER,
    PATH,
    PROGRAM,
    PUBLIC_KEY,
    SIGNATURE,
    TAG,
    BundledModel,
    Contents,
    Descriptor,
    Index,
    Program,
    Small,
    encode,
    manifest_of,
)
from freehold.vault.bundle.signature import sign_bundle
from freehold.vault.bundle.writing import LargeBlob, Packed
from freehold.vault.inspect.members import Role, role_of
from freehold.vault.manifest import MANIFEST_FILE, Document, Manifest, ModelFile
from freehold.vault.oci.manifest import INDEX
from freehold.vault.sources import Stream, open_file
from freehold.vault.store import Store

_LAYERS: Mapping[Role | None, str] = {  # how ModelPack calls a file of each role
    Role.WEIGHTS: "application/vnd.cncf.model.weight.v1.raw",
    Role.LICENCE: "application/vnd.cncf.model.doc.v1.raw",
    Role.README: "application/vnd.cncf.model.doc.v1.raw",
}
_OTHER_LAYER = "application/vnd.cncf.model.weight.config.v1.raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file of a program or an engine, whose digest is known."""

    title: str
    path: Path
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledProgram:
    """The program for one platform: its files are the source, the wheels, and what starts it on a bare machine."""

    program: Program
    files: Sequence[KnownFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What goes into a bundle."""

    origin: str
    models: Sequence[str]
    papers: Mapping[str, bytes] = field(default_factory=dict)  # by their places in the estate
    programs: Sequence[BundledProgram] = ()
    engines: Sequence[Sequence[KnownFile]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A bundle that is ready to be written, and what is to be said of it."""

    packed: Packed
    digest: str
    contents: Contents


def pack(store: Store, wanted: Wanted, signer: EllipticSigner) -> Whole:
    """Raises VaultError for a model that is not there."""
    packing = _Packing()
    models = tuple(_model(packing, store, name) for name in sorted(wanted.models))
    programs = tuple(_program(packing, program) for program in wanted.programs)
    engines = tuple(packing.manifest(ENGINE, NOTHING, packing.files(files)) for files in wanted.engines)
    contents = Contents(
        freehold=__version__,
        origin=wanted.origin,
        models=models,
        programs=tuple(program.digest for program in programs),
        engines=tuple(engine.digest for engine in engines),
    )
    papers = [
        packing.small(Small(media_type=PAPER, content=content, title=path))
        for path, content in sorted(wanted.papers.items())
    ]
    config = Small(media_type=CONTENTS, content=encode(contents))
    listed = packing.manifest(CONTENTS, config, papers or [packing.small(NOTHING)])
    signature = Small(media_type=MODEL_SIGNATURE, content=sign_bundle(listed.digest, signer))
    key = Small(media_type=PUBLIC_KEY, content=signer.verifier.pem)
    packing.manifest(SIGNATURE, NOTHING, [packing.small(signature), packing.small(key)], subject=listed)
    return packing.whole(listed.digest, contents)


@dataclass(slots=True)
class _Packing:
    """What has been listed so far."""

    _small: dict[str, bytes] = field(default_factory=dict)
    _large: dict[str, LargeBlob] = field(default_factory=dict)
    _manifests: list[Descriptor] = field(default_factory=list)

    def small(self, small: Small) -> Descriptor:
        descriptor = small.descriptor
        self._small[descriptor.digest] = small.content
        return descriptor

    def large(
        self,
        media_type: str,
        file: KnownFile | ModelFile,
        opened: Callable[[], AbstractContextManager[Stream]],
        key: str,
    ) -> Descriptor:
        title = file.path if isinstance(file, ModelFile) else file.title
        self._large[file.digest] = LargeBlob(digest=file.digest, size_bytes=file.size_bytes, open=opened)
        return Descriptor(media_type=media_type, digest=file.digest, size=file.size_bytes, annotations={key: title})

    def files(self, files: Sequence[KnownFile]) -> list[Descriptor]:
        in_order = sorted(files, key=lambda file: file.title)
        return [
            self.large(FILE, file, partial(open_file, file.path), "org.opencontainers.image.title") for file in in_order
        ]

    def manifest(
        self, artifact_type: str, config: Small, layers: Sequence[Descriptor], subject: Descriptor | None = None
    ) -> Descriptor:
        """A manifest, in the index from now on."""
        manifest = manifest_of(artifact_type, self.small(config), layers, subject)
        descriptor = self.small(manifest)
        self._manifests.append(descriptor)
        return descriptor

    def whole(self, digest: str, contents: Contents) -> Whole:
        for both in self._small.keys() & self._large.keys():
            del self._large[both]  # such as two empty files
        listed = tuple(sorted(self._manifests, key=lambda descriptor: descriptor.digest))
        root = self.small(Small(media_type=INDEX, content=encode(_index(listed))))
        tagged = msgspec.structs.replace(root, annotations={NAME: TAG})
        index = encode(_index((tagged,)))
        packed = Packed(index=index, small=self._small, large=tuple(self._large.values()))
        return Whole(packed=packed, digest=digest, contents=contents)


def _index(manifests: tuple[Descriptor, ...]) -> Index:
    return Index(schema_version=2, media_type=INDEX, manifests=manifests)


def _model(packing: _Packing, store: Store, name: str) -> BundledModel:
    document = store.document(name)
    if document is None:
        raise VaultError(f"the vault has no model {name!r}", hint="'freehold vault list' shows what there is.")
    manifest = document.manifest
    layers = [packing.large(_media_type(file), file, partial(_opened, store, file), PATH) for file in manifest.files]
    config = Small(media_type=MODEL_CONFIG, content=_config_of(manifest))
    artifact = packing.manifest(MODEL, config, layers)
    papers = [packing.small(paper) for paper in _papers_of(store, document)]
    custody = packing.manifest(CUSTODY, NOTHING, papers, subject=artifact)
    return BundledModel(name=name, digest=manifest.digest, artifact=artifact.digest, custody=custody.digest)


def _papers_of(store: Store, document: Document) -> Iterator[Small]:
    """The manifest, then what was signed about it, in an order that the vault's clock has no part in."""
    yield Small(media_type=MODEL_MANIFEST, content=document.content, title=MANIFEST_FILE)
    for content in sorted(store.signatures(document.manifest.name)):
        yield Small(media_type=MODEL_SIGNATURE, content=content)
    for content in sorted(store.approvals(document.manifest.name)):
        yield Small(media_type=APPROVAL, content=content)


def _media_type(file: ModelFile) -> str:
    return _LAYERS.get(role_of(file.path) or Role.WEIGHTS, _OTHER_LAYER)


@contextmanager
def _opened(store: Store, file: ModelFile) -> Iterator[Stream]:
    fd = store.open_blob(file.digest)
    with os.fdopen(fd, "rb") as opened:
        yield Stream(file=opened, size_bytes=os.fstat(fd).st_size, fd=fd)


def _config_of(manifest: Manifest) -> bytes:
    """ModelPack's description of a model (model-spec, config.md). What is not known is left out."""
    descriptor = {
        "name": manifest.name,
        "title": manifest.title,
        "sourceURL": manifest.repository,
        "revision": manifest.revision,
        "licenses": [manifest.licence] if manifest.licence else [],
    }
    technical = {
        "architecture": manifest.architecture,
        "format": manifest.format,
        "quantization": manifest.quantisation,
        "paramSize": _in_short(manifest.parameters),
    }
    document: dict[str, Any] = {
        "descriptor": {key: value for key, value in descriptor.items() if value},
        "config": {key: value for key, value in technical.items() if value},
        "modelfs": {"type": "layers", "diffIds": [file.digest for file in manifest.files]},
    }
    return msgspec.json.encode(document, order="sorted")


def _in_short(parameters: int) -> str:
    """``134.5m``: at most one digit behind the point, as ModelPack has it."""
    for letter, scale in (("t", 10**12), ("b", 10**9), ("m", 10**6), ("k", 10**3)):
        if parameters >= scale:
            return f"{parameters / scale:.1f}{letter}"
    return ""


def _program(packing: _Packing, bundled: BundledProgram) -> Descriptor:
    config = Small(media_type=PROGRAM, content=encode(bundled.program))
    return packing.manifest(PROGRAM, config, packing.files(bundled.files))
