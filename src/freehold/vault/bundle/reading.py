# SPDX-License-Identifier: Apache-2.0
"""Reads a bundle: everything that is small in it, held to its digest, and whether it has exactly what it lists.

1. The one index is found, and its manifests are those of a format that is read here.
2. The signature is held against the contents, and whoever made it against the operator's terms.
3. The contents must name exactly the manifests that the index lists; no more, no less.
4. Every blob that a manifest names must lie there with the size that it says; and nothing else may lie there.

Large blobs are read by whoever lands them, or by ``check_blobs``; until then nothing of them is believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from freehold.contract.digest import sha256_of
from freehold.errors import VaultError, VerificationFailed
from freehold.vault.bundle.format import (
    APPROVAL,
    CONTENTS,
    CUSTODY,
    ENGINE,
    MODEL,
    MODEL_MANIFEST,
    MODEL_SIGNATURE,
    PAPER,
    PROGRAM,
    PUBLIC_KEY,
    SIGNATURE,
    BundledModel,
    Contents,
    Descriptor,
    Index,
    Manifest,
    Program,
    convert,
    require_format,
)
from freehold.vault.bundle.layout import INDEX, LAYOUT, Layout, blob_name
from freehold.vault.bundle.signature import Sealed, Terms, require_trusted
from freehold.vault.inspect.documents import read_json
from freehold.vault.manifest import Document, decode
from freehold.vault.oci.manifest import INDEX as INDEX_TYPE
from freehold.vault.oci.manifest import MAX_DOCUMENT_BYTES, read_document
from freehold.vault.oms import MAX_BUNDLE_BYTES

T = TypeVar("T", bound=msgspec.Struct)

_MAX_PAPER_BYTES: Final = 16 * 2**20
_MAX_PAPERS_BYTES: Final = 256 * 2**20  # of all together, which are held in memory
_INCOMPLETE: Final = "Copy it again, or have it exported anew."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIn:
    """A model in a bundle: what is known of it, what was signed about it, and its files, still unread."""

    document: Document
    signatures: tuple[bytes, ...]
    approvals: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramIn:
    """A program in a bundle, with the digests and sizes of its files by name."""

    program: Program
    files: Mapping[str, Descriptor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle whose documents hold together. ``signer`` is empty where nobody was asked whom to trust."""

    digest: str
    contents: Contents
    signer: str
    sealed: Sealed
    models: tuple[ModelIn, ...]
    papers: Mapping[str, bytes]
    programs: tuple[ProgramIn, ...]
    engines: tuple[Mapping[str, Descriptor], ...]
    sizes: Mapping[str, int]  # of every blob, by digest
    checked: frozenset[str]  # the blobs that were read and are what they must be


def read_bundle(layout: Layout, terms: Terms | None) -> Bundle:
    """Raises VaultError, VerificationFailed. Without ``terms`` whoever signed it is not asked about."""
    reader = _Reader(layout)
    listed = {descriptor.digest: reader.manifest(descriptor) for descriptor in reader.index().manifests}
    require_format({manifest.artifact_type for manifest in listed.values()}, layout.place)
    contents_digest = _only(listed, CONTENTS, layout.place)
    contents_manifest, signature = listed[contents_digest], listed[_only(listed, SIGNATURE, layout.place)]
    contents = reader.document(contents_manifest.config, Contents)
    sealed = _sealed(reader, signature, contents, contents_digest)
    signer = require_trusted(sealed, terms) if terms else ""
    _require_exactly(contents, listed, contents_digest, layout.place)
    reader.require_blobs()
    return Bundle(
        digest=contents_digest,
        contents=contents,
        signer=signer,
        sealed=sealed,
        models=tuple(_model(reader, model, listed) for model in contents.models),
        papers=_papers(reader, contents_manifest),
        programs=tuple(_program(reader, listed[digest], layout.place) for digest in contents.programs),
        engines=tuple(
            _files(_of_type(listed[digest], ENGINE, layout.place), layout.place) for digest in contents.engines
        ),
        sizes=dict(reader.sizes),
        checked=frozenset(reader.checked),
    )


class _Reader:
    """Reads what is small, and remembers what must be there."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.place = layout.place
        self._held_bytes = 0
        self.sizes: dict[str, int] = {}
        self.checked: set[str] = set()

    def index(self) -> Index:
        """The bundle's own index."""
        mark = read_json(self._layout.read(LAYOUT, MAX_DOCUMENT_BYTES), self.place)
        if not isinstance(mark, dict) or mark.get("imageLayoutVersion") != "1.0.0":
            raise VaultError(f"{self.place} is not an OCI image layout of version 1.0.0")
        top = convert(read_json(self._layout.read(INDEX, MAX_DOCUMENT_BYTES), self.place), Index, self.place)
        roots = {descriptor.digest: descriptor for descriptor in top.manifests if descriptor.media_type == INDEX_TYPE}
        if len(roots) != 1:
            raise VaultError(
                f"{self.place} names {len(roots)} indexes, and a bundle is one",
                hint="'freehold vault bundle export FILE' makes one; a layout of models alone is imported with "
                "'freehold vault import oci:DIR:TAG'.",
            )
        (root,) = roots.values()
        index = self.document(root, Index)
        known = {descriptor.digest for descriptor in index.manifests} | {root.digest}
        if any(
            descriptor.digest not in known for descriptor in top.manifests
        ):  # some tools list what hangs below as well
            raise VaultError(f"{self.place} lists a manifest that is not of the bundle", hint=_INCOMPLETE)
        if len(known) != len(index.manifests) + 1:
            raise VaultError(f"{self.place} lists a manifest twice", hint=_INCOMPLETE)
        return index

    def manifest(self, descriptor: Descriptor) -> Manifest:
        """One manifest; what it names must be there."""
        manifest = self.document(descriptor, Manifest)
        for named in (manifest.config, *manifest.layers):
            self._note(named)
        return manifest

    def document(self, descriptor: Descriptor, kind: type[T]) -> T:
        content = self._read(descriptor, MAX_DOCUMENT_BYTES)
        self.checked.add(descriptor.digest)
        return convert(read_document(content, descriptor.digest, self.place), kind, self.place)

    def small(self, descriptor: Descriptor, limit_bytes: int = _MAX_PAPER_BYTES) -> bytes:
        """A blob that is read whole."""
        self._held_bytes += descriptor.size
        if self._held_bytes > _MAX_PAPERS_BYTES:
            raise VaultError(f"{self.place} has more than {_MAX_PAPERS_BYTES} bytes of papers: this is no bundle")
        content = self._read(descriptor, limit_bytes)
        if (found := sha256_of(content)) != descriptor.digest:
            raise VerificationFailed(
                f"{self.place}: {descriptor.title or 'a blob'} must be {descriptor.digest} and was found to be {found}",
                hint="Nothing was imported. The bundle was damaged or changed on its way.",
            )
        self.checked.add(descriptor.digest)
        return content

    def require_blobs(self) -> None:
        """Raises VaultError unless exactly what is named lies there."""
        there = self._layout.blobs
        for digest, size_bytes in self.sizes.items():
            if digest not in there:
                raise VaultError(f"{self.place} lacks {digest}, which it lists", hint=_INCOMPLETE)
            if there[digest] != size_bytes:
                raise VerificationFailed(
                    f"{self.place}: {digest} must have {size_bytes} bytes and has {there[digest]}", hint=_INCOMPLETE
                )
        for digest in there.keys() - self.sizes.keys():
            raise VaultError(f"{self.place} has {digest}, which nothing in it lists", hint=_INCOMPLETE)

    def _read(self, descriptor: Descriptor, limit_bytes: int) -> bytes:
        self._note(descriptor)
        if descriptor.digest not in self._layout.blobs:
            raise VaultError(f"{self.place} lacks {descriptor.digest}, which it lists", hint=_INCOMPLETE)
        return self._layout.read(blob_name(descriptor.digest), limit_bytes)

    def _note(self, descriptor: Descriptor) -> None:
        if self.sizes.setdefault(descriptor.digest, descriptor.size) != descriptor.size:
            raise VaultError(f"{self.place} gives {descriptor.digest} two sizes", hint=_INCOMPLETE)


def _only(listed: Mapping[str, Manifest], artifact_type: str, place: str) -> str:
    """The one manifest of a type, by its digest."""
    found = [digest for digest, manifest in listed.items() if manifest.artifact_type == artifact_type]
    if len(found) != 1:
        what = "signature" if artifact_type == SIGNATURE else "list of its contents"
        raise VerificationFailed(
            f"{place} has {len(found) or 'no'} {what}{'s' if len(found) > 1 else ''}, expected one",
            hint="Nothing was imported. Nobody vouches for what is in it: have it exported anew.",
        )
    return found[0]


def _sealed(reader: _Reader, signature: Manifest, contents: Contents, digest: str) -> Sealed:
    if signature.subject is None or signature.subject.digest != digest:
        raise VerificationFailed(f"{reader.place}: its signature is over something else than its contents")
    papers = {layer.media_type: layer for layer in signature.layers}
    if len(papers) != len(signature.layers) or not papers.keys() <= {MODEL_SIGNATURE, PUBLIC_KEY}:
        raise VerificationFailed(f"{reader.place}: beside its signature lies what is neither that nor a key")
    if MODEL_SIGNATURE not in papers:
        raise VerificationFailed(f"{reader.place} is not signed")
    return Sealed(
        content=reader.small(papers[MODEL_SIGNATURE], MAX_BUNDLE_BYTES),
        pem=reader.small(papers[PUBLIC_KEY]) if PUBLIC_KEY in papers else b"",
        digest=digest,
        places=frozenset({reader.place, f"bundle:{contents.origin}"}),
    )


def _require_exactly(contents: Contents, listed: Mapping[str, Manifest], contents_digest: str, place: str) -> None:
    """Raises VerificationFailed unless the signed list and the index name the same manifests."""
    named, there = set(contents.manifests), set(listed)
    signatures = {digest for digest, manifest in listed.items() if manifest.artifact_type == SIGNATURE}
    if len({model.name for model in contents.models}) != len(contents.models):
        raise VerificationFailed(f"{place} has two models of one name")
    for digest in sorted(named - there):
        raise VerificationFailed(
            f"{place} lacks the manifest {digest}, which is signed as part of it", hint=_INCOMPLETE
        )
    for digest in sorted(there - named - signatures - {contents_digest}):
        raise VerificationFailed(f"{place} has the manifest {digest}, which nobody signed", hint=_INCOMPLETE)


def _of_type(manifest: Manifest, artifact_type: str, place: str) -> Manifest:
    if manifest.artifact_type != artifact_type:
        raise VaultError(f"{place} has {manifest.artifact_type[:200]!r} where {artifact_type!r} is expected")
    return manifest


def _files(manifest: Manifest, place: str) -> dict[str, Descriptor]:
    """The layers by the names of their files."""
    files = {layer.title: layer for layer in manifest.layers}
    if len(files) != len(manifest.layers) or "" in files:
        raise VaultError(f"{place} has files without a name, or two under one name")
    return files


def _model(reader: _Reader, bundled: BundledModel, listed: Mapping[str, Manifest]) -> ModelIn:
    place = f"{reader.place}, model {bundled.name[:64]}"
    artifact, custody = (
        _of_type(listed[bundled.artifact], MODEL, place),
        _of_type(listed[bundled.custody], CUSTODY, place),
    )
    if custody.subject is None or custody.subject.digest != bundled.artifact:
        raise VerificationFailed(f"{place}: what is known of it is about another model")
    papers = {kind: _papers_of(reader, custody, kind) for kind in (MODEL_MANIFEST, MODEL_SIGNATURE, APPROVAL)}
    if len(papers[MODEL_MANIFEST]) != 1 or sum(map(len, papers.values())) != len(custody.layers):
        raise VaultError(f"{place} has no manifest or several, or papers of a kind that is not known")
    document = decode(papers[MODEL_MANIFEST][0], bundled.name)
    if document.manifest.digest != bundled.digest:
        raise VerificationFailed(f"{place} is {document.manifest.digest}, and is listed as {bundled.digest}")
    there = {title: (layer.digest, layer.size) for title, layer in _files(artifact, place).items()}
    wanted = {file.path: (file.digest, file.size_bytes) for file in document.manifest.files}
    if there != wanted:
        wrong = sorted(path for path in there.keys() | wanted.keys() if there.get(path) != wanted.get(path))
        raise VerificationFailed(
            f"{place}: its manifest and the bundle do not have the same files: {', '.join(wrong[:5])}",
            hint="Nothing was imported. Somebody put another file, one more or one less under a manifest.",
        )
    return ModelIn(document=document, signatures=papers[MODEL_SIGNATURE], approvals=papers[APPROVAL])


def _papers_of(reader: _Reader, custody: Manifest, media_type: str) -> tuple[bytes, ...]:
    return tuple(reader.small(layer) for layer in custody.layers if layer.media_type == media_type)


def _papers(reader: _Reader, contents: Manifest) -> dict[str, bytes]:
    layers = [layer for layer in contents.layers if layer.media_type == PAPER]
    named: Sequence[Descriptor] = [layer for layer in contents.layers if layer.title]
    if len({layer.title for layer in layers}) != len(layers) or layers != list(named):
        raise VaultError(f"{reader.place} has papers without a name, or two under one name")
    return {layer.title: reader.small(layer) for layer in layers}


def _program(reader: _Reader, manifest: Manifest, place: str) -> ProgramIn:
    program = reader.document(_of_type(manifest, PROGRAM, place).config, Program)
    return ProgramIn(program=program, files=_files(manifest, place))
