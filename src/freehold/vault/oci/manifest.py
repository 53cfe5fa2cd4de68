# SPDX-License-Identifier: Apache-2.0
"""Reads OCI manifests and indexes (image-spec v1.1) and says which files a model in them has. Pure.

A layer must be one file as it is (ModelPack's ``.raw``), because then its digest is the file's. Archives are refused.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from freehold.contract.digest import sha256_of
from freehold.errors import VaultError, VerificationFailed
from freehold.vault.inspect.documents import Node, read_json

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
MAX_DOCUMENT_BYTES = 4 * 2**20  # as registries take it

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ARCHIVE = re.compile(r"[.+](tar|gzip|zstd)\b")
_NOT_OF_THE_MODEL = re.compile(r"application/vnd\.cncf\.model\.(code|dataset)\.")
_PATHS = ("org.cncf.model.filepath", "org.opencontainers.image.title")
_NAME = "org.opencontainers.image.ref.name"
_MAX_LAYERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """What a document says of another, or of a file. ``path`` is empty where it has no name."""

    digest: str
    size_bytes: int
    media_type: str
    path: str = ""
    name: str = ""


def find_manifest(named: Blob | str, load: Callable[[str], bytes], place: str) -> tuple[str, Node]:
    """The manifest that is described, or under a digest; through an index if it is one.

    Raises VaultError, VerificationFailed.
    """
    digest, document = _loaded(named, load, place)
    if not _is_index(document):
        return digest, document
    digest, inner = _loaded(choose(document, {}, place), load, place)
    if _is_index(inner):
        raise VaultError(f"{place} has an index in an index: name the manifest itself by its digest")
    return digest, inner


def _loaded(named: Blob | str, load: Callable[[str], bytes], place: str) -> tuple[str, Node]:
    """A document that is what is said of it, with its digest."""
    if isinstance(named, str):
        return named, _of_one_kind(read_document(load(named), named, place), "", place)
    content = load(named.digest)
    document = read_document(content, named.digest, place)
    require_size(named, len(content), place)
    return named.digest, _of_one_kind(document, named.media_type, place)


def _of_one_kind(document: Node, described_as: str, place: str) -> Node:
    """Raises VaultError for a document that one reader takes for an index, and another for a manifest."""
    kind, other = (INDEX, MANIFEST) if _is_index(document) else (MANIFEST, INDEX)
    stated = document.get("mediaType") if isinstance(document, dict) else None
    has_both = isinstance(document, dict) and "manifests" in document and ("layers" in document or "config" in document)
    if has_both or other in (stated, described_as):
        raise VaultError(f"{place}: what is there as {kind} is also said to be {other}; nobody can say which is meant")
    return document


def require_size(blob: Blob, size_bytes: int, place: str) -> None:
    """Raises VerificationFailed unless there are as many bytes as are described (image-spec, descriptor.md)."""
    if size_bytes != blob.size_bytes:
        raise VerificationFailed(
            f"{place}: {blob.path or blob.digest} must have {blob.size_bytes} bytes and has {size_bytes}",
            hint="Nothing was imported. What is described is something else than what is there: have it packed anew.",
        )


def choose(index: Node, wanted: Mapping[str, str], place: str) -> Blob:
    """The one that is meant, of those that an index lists. Raises VaultError if that is none, or several."""
    listed = [
        blob for row in _rows(index, "manifests", place) if (blob := _blob(row, place)).media_type in (MANIFEST, INDEX)
    ]
    fits = [blob for blob in listed if all(getattr(blob, key) == value for key, value in wanted.items())]
    if len({blob.digest for blob in fits}) == 1:
        return fits[0]
    there = ", ".join(f"{blob.name or 'no name'} ({blob.digest})" for blob in listed[:5]) or "nothing"
    raise VaultError(
        f"{place}: {len(fits)} manifests are the one that is asked for; there is {there}",
        hint="Write :TAG or @sha256:HEX behind it.",
    )


def read_document(content: bytes, digest: str, place: str) -> Node:
    """A document that is what its digest says. Raises VaultError, VerificationFailed."""
    if len(content) > MAX_DOCUMENT_BYTES:
        raise VaultError(f"{place}: a manifest is larger than {MAX_DOCUMENT_BYTES} bytes")
    found = sha256_of(content)
    if found != digest:
        raise VerificationFailed(
            f"{place}: the manifest must be {digest} and was found to be {found}",
            hint="Nothing was imported. Whoever keeps it has damaged or replaced it.",
        )
    return read_json(content, place)


def files_of(manifest: Node, place: str) -> tuple[Blob, ...]:
    """The files that are the model, or may be. Raises VaultError."""
    listed = [_blob(row, place) for row in _rows(manifest, "layers", place)]
    layers = [layer for layer in listed if not _NOT_OF_THE_MODEL.match(layer.media_type)]
    for layer in layers:
        if _ARCHIVE.search(layer.media_type):
            raise VaultError(
                f"{place}: {layer.path or layer.digest} is an archive ({layer.media_type}); none is unpacked",
                hint="Have the model packed with raw layers, each of which is one file.",
            )
        if not layer.path and len(layers) > 1:
            raise VaultError(f"{place}: one of {len(layers)} layers has no name, so nobody can say what it is")
    paths = [layer.path for layer in layers]
    if not layers or len(set(paths)) != len(paths):
        raise VaultError(f"{place} has no file, or two under one name")
    return tuple(layers)


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def _is_index(document: Node) -> bool:
    return isinstance(document, dict) and "manifests" in document


def _rows(document: Node, key: str, place: str) -> Iterator[dict[str, Node]]:
    rows = document.get(key) if isinstance(document, dict) else None
    if not isinstance(rows, list) or len(rows) > _MAX_LAYERS:
        raise VaultError(f"{place} has no {key}, or more than {_MAX_LAYERS}")
    for row in rows:
        if not isinstance(row, dict):
            raise VaultError(f"{place}: one of its {key} is not described")
        yield row


def _blob(row: Mapping[str, Node], place: str) -> Blob:
    digest, size_bytes, media_type = row.get("digest"), row.get("size"), row.get("mediaType")
    notes = row.get("annotations") or {}
    if not (isinstance(digest, str) and is_digest(digest) and isinstance(media_type, str) and isinstance(notes, dict)):
        raise VaultError(f"{place} describes something without a SHA-256 digest and a media type")
    if not isinstance(size_bytes, int) or isinstance(size_bytes, bool) or not 0 <= size_bytes < 2**50:
        raise VaultError(f"{place} describes {digest} without a size that a file can have")
    path = next((text for key in _PATHS if isinstance(text := notes.get(key), str) and text), "")
    name = notes.get(_NAME)
    return Blob(
        digest=digest,
        size_bytes=size_bytes,
        media_type=media_type,
        path=path,
        name=name if isinstance(name, str) else "",
    )
