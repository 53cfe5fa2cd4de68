# SPDX-License-Identifier: Apache-2.0
"""What the vault knows of one model, and its file format: canonical JSON, one line, schema 2.

A manifest is read only as it was written: an unknown field, another schema or another spelling of the same values is
refused, so that one manifest has one digest. Those of schema 1 are read for ever; they become this one in reading.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from freehold.contract.digest import sha256_of
from freehold.errors import VaultError
from freehold.vault.manifest_v1 import decode_v1

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PATH_PART = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}")
_DIGEST = r"^sha256:[0-9a-f]{64}\Z"
_MAX_FILES = 512
_MAX_PATH = 1024

SIGNATURE_FILE = "model.sig"  # where the outside tool looks for a signature, in a folder or beside a file
MANIFEST_FILE = "freehold-manifest.json"  # the manifest, in a folder that a model was checked out to
SIGNATURE_FOLDER = "freehold-signatures"  # the other signatures, there
_SPDX = {  # general.license holds the identifiers of the model hubs, which write SPDX in lower case
    licence.lower(): licence
    for licence in (
        "Apache-2.0",
        "MIT",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unlicense",
        "CC0-1.0",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-SA-4.0",
        "MPL-2.0",
        "GPL-3.0",
        "AGPL-3.0",
        "LGPL-3.0",
        "EUPL-1.2",
    )
}

Digest = Annotated[str, Meta(pattern=_DIGEST)]
DigestOrNone = Annotated[str, Meta(pattern=r"^(sha256:[0-9a-f]{64})?\Z")]  # empty: none
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Format = Literal["gguf", "safetensors"]


class ModelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a model, by its place in it."""

    path: str
    digest: Digest
    size_bytes: Count
    verity: DigestOrNone = ""  # its fs-verity digest: SHA-256, blocks of 4,096 bytes, no salt; empty: not known


class Lineage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model was made of. Both are empty for one that came as it is."""

    parents: tuple[Digest, ...] = ()  # the models' digests
    done: Annotated[str, Meta(max_length=1000)] = ""  # what was done to them


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model. Text that its files do not have is empty."""

    name: str
    digest: Digest  # ``model_digest`` of its files
    size_bytes: Count  # of all files together
    files: Annotated[tuple[ModelFile, ...], Meta(min_length=1, max_length=_MAX_FILES)]  # by path
    format: Format = "gguf"
    title: str
    architecture: str
    parameters: Count
    quantisation: str
    context_train_tokens: Count
    chat_template_digest: DigestOrNone  # over the template's UTF-8 text
    tokenizer: str
    tokenizer_digest: DigestOrNone = ""
    licence: str  # SPDX, if the files or the pin say so
    licence_digest: DigestOrNone = ""  # over the text of a licence that came with the files
    origin: str  # the source as it was given to the import
    repository: str = ""  # who publishes it, such as pkg:NAME; empty: it came as a file
    revision: str = ""  # which of its versions: a number, a commit, a digest
    source_digest: DigestOrNone = ""  # of the archive that it came in
    lineage: Lineage = Lineage()
    imported_at: str  # UTC, RFC 3339
    schema: Literal[2] = 2

    @property
    def weights(self) -> tuple[ModelFile, ...]:
        """The files that hold tensors, in the order of their paths."""
        if len(self.files) == 1:
            return self.files
        return tuple(file for file in self.files if file.path.endswith(f".{self.format}"))


_MANIFEST_DECODER: Final = msgspec.json.Decoder(Manifest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A manifest with the bytes that it was read from."""

    manifest: Manifest
    content: bytes

    @property
    def digest(self) -> str:
        """What approvals are bound to."""
        return sha256_of(self.content)


def model_digest(files: Iterable[ModelFile]) -> str:
    """The digest that a model is known by: that of its one file; of several, over the canonical list of them."""
    listed = in_order(files)
    if len(listed) == 1:
        return listed[0].digest
    rows = [{"digest": file.digest, "path": file.path, "size_bytes": file.size_bytes} for file in listed]
    return sha256_of(msgspec.json.encode(rows, order="sorted"))


def in_order(files: Iterable[ModelFile]) -> tuple[ModelFile, ...]:
    """By the parts of their paths, which is the order of the signature format as well."""
    return tuple(sorted(files, key=lambda file: file.path.split("/")))


def check_path(path: str) -> None:
    """Raises VaultError unless ``path`` may be a file's place in a model."""
    parts = path.split("/")
    if len(path) > _MAX_PATH or any(part in (".", "..") or not _PATH_PART.fullmatch(part) for part in parts):
        raise VaultError(f"{path[:200]!r} is not a path that a file of a model may have")
    if path in (SIGNATURE_FILE, MANIFEST_FILE) or parts[0] == SIGNATURE_FOLDER:
        raise VaultError(f"{path!r} is the name of what the vault itself puts beside a model's files")


def spdx(licence: str) -> str:
    """The SPDX identifier that a file's general.license stands for; empty if it stands for none."""
    return _SPDX.get(licence.lower(), "")


def text_digest(text: str) -> str:
    """``sha256:`` over the UTF-8 text; empty for no text."""
    return sha256_of(text.encode()) if text else ""


def encode(manifest: Manifest) -> bytes:
    """Keys sorted, no spaces, UTF-8, one newline. ``decode(encode(m), m.name).manifest == m``."""
    return msgspec.json.encode(manifest, order="sorted") + b"\n"


def decode(content: bytes, name: str) -> Document:
    """Read the manifest of the model ``name``. Raises VaultError."""
    manifest = _migrated(content) or _decode(content, name)
    if manifest.name != name:
        raise VaultError(f"the manifest of {name} is about {manifest.name!r}: the file was renamed or swapped")
    _check_files(manifest)
    return Document(manifest=manifest, content=content)


def check_name(name: str) -> None:
    """Raises VaultError unless ``name`` may stand for a model."""
    if not _NAME.fullmatch(name):
        raise VaultError(
            f"{name!r} cannot be a model's name",
            hint="Use 1 to 64 of a-z, 0-9 and '.', '_', '-', the first of them a letter or a digit.",
        )


def _decode(content: bytes, name: str) -> Manifest:
    try:
        manifest = _MANIFEST_DECODER.decode(content)
    except msgspec.MsgspecError as exc:
        raise VaultError(f"the manifest of {name} is not one that this version of Freehold reads") from exc
    if encode(manifest) != content:
        raise VaultError(f"the manifest of {name} was changed by hand: it is not in canonical form")
    return manifest


def _migrated(content: bytes) -> Manifest | None:
    """A manifest of schema 1 in the words of this one; None if it has another schema."""
    old = decode_v1(content)
    if old is None:
        return None
    shared = {name: getattr(old, name) for name in old.__struct_fields__ if name != "schema"}
    file = ModelFile(path=old.file_name, digest=old.digest, size_bytes=old.size_bytes)
    return Manifest(**shared, files=(file,))


def _check_files(manifest: Manifest) -> None:
    """Raises VaultError unless the list of files can be, and the digest and the size are those of the list."""
    paths = [file.path for file in manifest.files]
    for path in paths:
        check_path(path)
    if _overlap(paths) or manifest.files != in_order(manifest.files):
        raise VaultError(f"the manifest of {manifest.name} lists its files twice, in one another, or out of order")
    size_bytes = sum(file.size_bytes for file in manifest.files)
    if (manifest.digest, manifest.size_bytes) != (model_digest(manifest.files), size_bytes):
        raise VaultError(f"the manifest of {manifest.name} has another digest or size than the files that it lists")
    if not manifest.weights:
        raise VaultError(f"the manifest of {manifest.name} lists no .{manifest.format} file")


def _overlap(paths: list[str]) -> bool:
    """Whether one is there twice, or is a folder of another."""
    folders = {path[:at] for path in paths for at, letter in enumerate(path) if letter == "/"}
    return len(set(paths)) != len(paths) or bool(folders.intersection(paths))
