# SPDX-License-Identifier: Apache-2.0
"""What a bundle is made of, format 1. docs/reference/bundle-format.md tells it in words.

    index.json            names one index, under which all else hangs (image-spec v1.1, image-index.md)
    the index             lists every manifest; tools that carry it may write it anew, and no more than that
    the contents          one manifest: its config names all others by digest, its layers are the estate's papers.
                          Its digest is the bundle's
    each model            a ModelPack artifact, and a manifest of the custody over it, which has it as its subject
    a program, an engine  a manifest each
    the signature         a manifest with the contents as its subject: whoever trusts it can trust all of it

Documents are canonical JSON: keys sorted, no spaces. There is no time in any of them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from freehold.contract.digest import sha256_of
from freehold.errors import VaultError
from freehold.vault.inspect.documents import Node
from freehold.vault.manifest import Digest
from freehold.vault.oci.manifest import MANIFEST

CONTENTS: Final = "application/vnd.freehold.bundle.contents.v1+json"
SIGNATURE: Final = "application/vnd.freehold.bundle.signature.v1+json"
CUSTODY: Final = "application/vnd.freehold.custody.v1+json"
PROGRAM: Final = "application/vnd.freehold.program.v1+json"
ENGINE: Final = "application/vnd.freehold.engine.v1+json"
MODEL: Final = "application/vnd.cncf.model.manifest.v1+json"
MODEL_CONFIG: Final = "application/vnd.cncf.model.config.v1+json"
EMPTY: Final = "application/vnd.oci.empty.v1+json"

PAPER: Final = "application/vnd.freehold.paper.v1"
MODEL_MANIFEST: Final = "application/vnd.freehold.model.manifest.v2+json"
MODEL_SIGNATURE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
APPROVAL: Final = "application/vnd.freehold.approval.v1+json"
PUBLIC_KEY: Final = "application/x-pem-file"
FILE: Final = "application/octet-stream"

TITLE: Final = "org.opencontainers.image.title"
PATH: Final = "org.cncf.model.filepath"
NAME: Final = "org.opencontainers.image.ref.name"
TAG: Final = "freehold"

T = TypeVar("T", bound=msgspec.Struct)

_CONTENTS_OF_ANY_FORMAT = "application/vnd.freehold.bundle.contents.v"


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a document says of a blob (image-spec v1.1, descriptor.md)."""

    media_type: Annotated[str, Meta(max_length=255)]
    digest: Digest
    size: Annotated[int, Meta(ge=0, lt=2**50)]
    annotations: dict[str, str] = {}

    @property
    def title(self) -> str:
        """The file's name, as far as it has one."""
        return self.annotations.get(PATH) or self.annotations.get(TITLE, "")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An image manifest (image-spec v1.1, manifest.md)."""

    schema_version: Annotated[int, Meta(ge=2, le=2)]
    media_type: str
    artifact_type: str
    config: Descriptor
    layers: Annotated[tuple[Descriptor, ...], Meta(min_length=1, max_length=20_000)]
    subject: Descriptor | None = None


class Index(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An image index (image-spec v1.1, image-index.md)."""

    schema_version: Annotated[int, Meta(ge=2, le=2)]
    media_type: str = ""  # some tools leave it out
    manifests: Annotated[tuple[Descriptor, ...], Meta(min_length=1, max_length=20_000)]


class BundledModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model: what it is called, its own digest, and those of the two manifests that have its files and papers."""

    name: str
    digest: Digest
    artifact: Digest
    custody: Digest


class Contents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a bundle has, but for the papers, which are the layers beside it."""

    freehold: Annotated[str, Meta(max_length=64)]  # the version that wrote it
    origin: Annotated[str, Meta(max_length=256)]  # of the estate
    models: tuple[BundledModel, ...]
    programs: tuple[Digest, ...] = ()
    engines: tuple[Digest, ...] = ()
    schema: Literal[1] = 1

    @property
    def manifests(self) -> tuple[str, ...]:
        """Every other manifest that it vouches for."""
        of_models = (digest for model in self.models for digest in (model.artifact, model.custody))
        return (*of_models, *self.programs, *self.engines)


class Program(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The config of a program: what it is, and where it runs."""

    version: str
    platform: str  # as OCI has it: linux/amd64
    python: str  # 3.11
    glibc: str  # the oldest that its wheels run with: 2.28; empty: they need none
    extras: tuple[str, ...] = ()
    schema: Literal[1] = 1


_LEARNT: Final = [msgspec.json.Decoder(kind) for kind in (Index, Manifest, Contents, Program)]  # while one thread runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A document or a paper on its way into a bundle, in memory."""

    media_type: str
    content: bytes
    title: str = ""
    key: str = TITLE

    @property
    def descriptor(self) -> Descriptor:
        return described(self.media_type, self.content, {self.key: self.title} if self.title else {})


NOTHING: Final = Small(media_type=EMPTY, content=b"{}")  # the config of what needs none (image-spec v1.1, manifest.md)


def described(media_type: str, content: bytes, annotations: Mapping[str, str] | None = None) -> Descriptor:
    digest = sha256_of(content)
    return Descriptor(media_type=media_type, digest=digest, size=len(content), annotations=dict(annotations or {}))


def encode(document: msgspec.Struct) -> bytes:
    return msgspec.json.encode(document, order="sorted")


def manifest_of(
    artifact_type: str, config: Descriptor, layers: Iterable[Descriptor], subject: Descriptor | None = None
) -> Small:
    """A manifest, as a document to be listed."""
    manifest = Manifest(
        schema_version=2,
        media_type=MANIFEST,
        artifact_type=artifact_type,
        config=config,
        layers=tuple(layers),
        subject=subject,
    )
    return Small(media_type=MANIFEST, content=encode(manifest))


def convert(document: Node, kind: type[T], place: str) -> T:
    """A document as what it must be. Raises VaultError."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as exc:
        raise VaultError(f"{place} has a document that is not what a bundle of format 1 has in its place") from exc


def require_format(artifact_types: Collection[str], place: str) -> None:
    """Raises VaultError unless a layout with manifests of these types is a bundle that this release reads."""
    if CONTENTS in artifact_types:
        return
    for artifact_type in artifact_types:
        if artifact_type.startswith(_CONTENTS_OF_ANY_FORMAT):
            newer = artifact_type.removeprefix(_CONTENTS_OF_ANY_FORMAT).partition("+")[0]
            raise VaultError(
                f"{place} is a bundle of format {newer[:8]!r}, and this release reads format 1",
                hint="Import it with the release that wrote it, or a later one.",
            )
    raise VaultError(
        f"{place} is an OCI layout, and no bundle of an estate",
        hint=f"A model in it is imported with 'freehold vault import oci:{place}'.",
    )
