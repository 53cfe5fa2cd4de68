# SPDX-License-Identifier: Apache-2.0
"""Takes a bundle in: every blob is read and held to its digest before anything in the estate changes.

1. The bundle is read (``reading.py``), and the disk asked for space.
2. Files of models that are not here yet are copied into a directory of the import, hashed as they lie there; all other
   blobs are read. What the copied files say must be what their manifest says, and is inspected as at any import.
3. Only then does whoever imports say go, and everything appears together (``together.py``).
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from freehold.contract.licence import LicenceBook
from freehold.errors import VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault.arrival import Arrival, Offer
from freehold.vault.bundle.layout import Layout, open_layout
from freehold.vault.bundle.reading import Bundle, ModelIn, read_bundle
from freehold.vault.bundle.signature import Terms
from freehold.vault.concerns import inspect_model
from freehold.vault.describing import OpenFile, read_facts
from freehold.vault.hashing import Counted, Progress, hash_stream
from freehold.vault.here import require_sound
from freehold.vault.landing import differs, land_all
from freehold.vault.manifest import Manifest, ModelFile
from freehold.vault.store import Store, disk_faults, refuse_other
from freehold.vault.together import Move
from freehold.vault.trust.custody import sign_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a bundle is to come in. ``models``: their names; None: all."""

    terms: Terms
    models: frozenset[str] | None = None


class Staged:
    """A bundle of which every byte was checked, and nothing is visible yet."""

    def __init__(self, bundle: Bundle, models: Sequence[ModelIn], landed: Mapping[str, Path], store: Store) -> None:
        self.bundle = bundle
        self.models = tuple(models)
        self._landed = landed
        self._store = store

    def is_new(self, model: ModelIn) -> bool:
        return self._store.document(model.document.manifest.name) is None

    def path_of(self, digest: str) -> Path:
        """Where a file of an engine lies meanwhile."""
        return self._landed[digest]

    def commit(self, signer: EllipticSigner, others: Sequence[Move] = ()) -> None:
        """Have the models appear in the vault, and ``others`` in the estate, or nothing. Raises VaultError."""

        def moves() -> list[Move]:
            found: dict[Path, Move] = {}
            for model in self.models:
                own = sign_model(model.document, signer)
                papers = {"signatures": (*model.signatures, own), "approvals": model.approvals}
                blobs = {file.digest: self._landed[file.digest] for file in self._files(model)}
                found |= {move.place: move for move in self._store.moves_of(model.document, blobs, papers)}
            return [*found.values(), *others]

        self._store.keep_together(moves)

    def _files(self, model: ModelIn) -> Iterator[ModelFile]:
        return (file for file in model.document.manifest.files if file.digest in self._landed)


@contextmanager
def staged(store: Store, path: Path, asked: Asked, progress: Progress) -> Iterator[Staged]:
    """Check a bundle whole. What was copied is gone at the end, unless it was committed. Raises as ``read_bundle``."""
    with disk_faults(f"read {path}"), open_layout(path) as layout:
        bundle = read_bundle(layout, asked.terms)
        models = _chosen(bundle, asked.models)
        for model in models:
            existing = store.manifest(model.document.manifest.name)
            refuse_other(existing, model.document.manifest.name, model.document.manifest.digest)
        with store.scratch() as scratch:
            yield Staged(bundle, models, _land(store, layout, bundle, models, scratch, progress), store)


def check_blobs(layout: Layout, bundle: Bundle, progress: Progress) -> None:
    """Read every blob that was not read yet. Raises VerificationFailed."""
    left = {digest: size for digest, size in bundle.sizes.items() if digest not in bundle.checked}
    _check(layout, left, Counted(progress, sum(left.values())))


def _chosen(bundle: Bundle, names: frozenset[str] | None) -> list[ModelIn]:
    there = {model.document.manifest.name for model in bundle.models}
    if names is not None and (missing := names - there):
        raise VerificationFailed(
            f"the bundle has no model {min(missing)!r}; it has {', '.join(sorted(there)) or 'none'}",
            hint="'freehold vault bundle show' says what it has.",
        )
    return [model for model in bundle.models if names is None or model.document.manifest.name in names]


def _land(  # noqa: PLR0913, PLR0917 - from where, to where, what
    store: Store, layout: Layout, bundle: Bundle, models: Sequence[ModelIn], scratch: Path, progress: Progress
) -> dict[str, Path]:
    """Read everything; where the files lie that were copied, by digest."""
    wanted = {file.digest: file for model in models for file in model.document.manifest.files}
    here = [file for file in wanted.values() if store.has_blob(file.digest)]
    new = [file for file in wanted.values() if file not in here]
    of_engines = {one.digest: one for engine in bundle.engines for one in engine.values()}
    copied = {file.digest: file.size_bytes for file in new} | {one.digest: one.size for one in of_engines.values()}
    left = {digest: size for digest, size in bundle.sizes.items() if digest not in bundle.checked}
    read_only = {digest: size for digest, size in left.items() if digest not in copied}
    store.require_space(sum(copied.values()))
    here_bytes = sum(file.size_bytes for file in here)
    counted = Counted(progress, sum(copied.values()) + sum(read_only.values()) + here_bytes)
    _check(layout, read_only, counted)
    require_sound(store, here, counted)
    arrival = Arrival(files=tuple(_offer(layout, digest, size) for digest, size in sorted(copied.items())))
    landed = {file.digest: place for file, place in land_all(arrival, scratch, counted.rest()).items()}
    for model in models:
        _require_described(store, model.document.manifest, landed)
    return landed


def _offer(layout: Layout, digest: str, size_bytes: int) -> Offer:
    return Offer(path=digest, size_bytes=size_bytes, open=partial(layout.open_blob, digest), digest=digest)


def _check(layout: Layout, sizes: Mapping[str, int], counted: Counted) -> None:
    for digest, size_bytes in sorted(sizes.items()):
        with layout.open_blob(digest) as stream:
            found = hash_stream(stream.file, size_bytes, counted)
        if found != digest:
            raise differs(f"{layout.place}: a file in it", digest, found)
        counted.next(size_bytes)


def _require_described(store: Store, manifest: Manifest, landed: Mapping[str, Path]) -> None:
    """Raises VerificationFailed if the files are not what their manifest says, VaultError if they may not come in."""
    with ExitStack() as opened:
        files = {}
        for file in manifest.files:
            path = landed.get(file.digest)
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path else store.open_blob(file.digest)
            opened.callback(os.close, fd)
            files[file.path] = OpenFile(fd=fd, size_bytes=file.size_bytes, digest=file.digest)
        facts = read_facts(files, manifest.name)
        inspect_model(manifest, files, LicenceBook()).require(manifest.name)
    for name in ("format", "architecture", "parameters", "quantisation", "chat_template_digest", "tokenizer_digest"):
        stated, found = getattr(manifest, name), getattr(facts, name)
        if stated != found and not (name == "tokenizer_digest" and not stated):  # schema 1 has none
            raise VerificationFailed(
                f"{manifest.name}: its manifest says that its {name} is {stated}, and its files say {found}",
                hint="Nothing was imported. Whoever exported it has a manifest that is not of these files.",
            )
