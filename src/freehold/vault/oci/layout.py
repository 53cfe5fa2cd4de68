# SPDX-License-Identifier: Apache-2.0
"""A model in an OCI image layout (image-spec v1.1, image-layout.md): a folder with ``index.json`` and ``blobs``."""

from contextlib import AbstractContextManager
from pathlib import Path

from freehold.errors import VaultError
from freehold.vault.arrival import Arrival
from freehold.vault.folders import arrival_of_files
from freehold.vault.inspect.documents import Node, read_json
from freehold.vault.oci.manifest import MAX_DOCUMENT_BYTES, Blob, choose, files_of, find_manifest
from freehold.vault.sources import OciLayout, Stream, open_file


def arrival_of_layout(source: OciLayout) -> Arrival:
    """The model that is named. Raises VaultError, VerificationFailed."""
    place = str(source.path)
    mark = read_json(_read(source.path / "oci-layout"), place)
    if not isinstance(mark, dict) or mark.get("imageLayoutVersion") != "1.0.0":
        raise VaultError(f"{place} is not an OCI image layout of version 1.0.0")
    wanted = _wanted(source)
    top: Node = read_json(_read(source.path / "index.json"), place)
    found = choose(top, wanted, place)
    digest, manifest = find_manifest(found, lambda digest: _read(_place(source.path, digest)), place)

    def open_blob(blob: Blob) -> AbstractContextManager[Stream]:
        return open_file(_place(source.path, blob.digest), follow=False)

    return arrival_of_files(files_of(manifest, place), open_blob, place, digest)


def _wanted(source: OciLayout) -> dict[str, str]:
    if source.digest:
        return {"digest": source.digest}
    return {"name": source.tag} if source.tag else {}


def _place(layout: Path, digest: str) -> Path:
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


def _read(path: Path) -> bytes:
    with open_file(path, follow=False) as stream:
        return stream.file.read(MAX_DOCUMENT_BYTES + 1)
