# SPDX-License-Identifier: Apache-2.0
"""Brings a model into the vault, whole or not at all.

1. The source is parsed, and held to the digest that is pinned here or given by the caller.
2. Where a model with that digest is here already, nothing is fetched; a file that is at hand is still held to it.
3. Else its files are cloned or copied into a directory of this import, hashed as they lie there, and read.
   Where no engine reads the format, they are converted, and the model is what came of that.
4. Signatures that lay beside the source are held against the files. The estate signs what the manifest says.
5. Then the files are moved in, the signatures after them, and the manifest last.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from freehold.contract.grant import Permit
from freehold.contract.licence import LicenceBook, ModelOrigin
from freehold.errors import VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault.arrival import Arrival
from freehold.vault.arriving import Resolve
from freehold.vault.converting import convert, is_to_convert
from freehold.vault.describing import Facts, OpenFile, read_facts
from freehold.vault.fetching import Delivery
from freehold.vault.found import check_found
from freehold.vault.hashing import Counted, Progress, hash_descriptor
from freehold.vault.here import require_sound
from freehold.vault.inspect import Inspection, inspect
from freehold.vault.landing import differs, land_all
from freehold.vault.manifest import (
    Document,
    Lineage,
    Manifest,
    ModelFile,
    check_name,
    check_path,
    encode,
    in_order,
    model_digest,
    spdx,
)
from freehold.vault.pins import NAMES, PINS, SHORTHANDS, Pin
from freehold.vault.sources import HubRepository, Source, WebFile, WeightsFile, open_file, parse_source
from freehold.vault.store import Store, closing_descriptor, disk_faults, refuse_other
from freehold.vault.trust import Trust
from freehold.vault.trust.custody import sign_model

_HEX = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_UNNAMEABLE = re.compile(r"[^a-z0-9._-]+")
_SUFFIX = re.compile(r"\.(gguf|safetensors)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to. Both false: all was here already, and nothing was fetched, copied or changed."""

    manifest: Manifest
    weights_are_new: bool
    name_is_new: bool
    left_out: tuple[str, ...] = ()  # files of the source that are no part of the model


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One import: a source, the name and digest that it is held to, and its pin if this release knows the source."""

    text: str
    source: Source
    name: str
    digest: str  # the model's; empty: whatever the source has
    pin: Pin | None
    lineage: Lineage


def make_order(text: str, *, name: str | None, sha256: str | None) -> Order:
    """Read what the caller asks for: a source, or the name of a model that this release pins. Raises VaultError."""
    text = NAMES.get(text, text)
    source = parse_source(text)
    pin = next((pin for pin in PINS if pin.source == text), None)
    shorthand = next((known for known in SHORTHANDS if known.source == text), None)
    known = f"sha256:{pin.sha256}" if pin else shorthand.digest if shorthand else ""
    digest = _digest(sha256) or known
    if known and digest != known:
        raise differs(text, known, digest)
    if isinstance(source, WebFile):
        digest = _digest_of_web_file(source, text, digest)
        source = replace(source, sha256=digest.removeprefix("sha256:"))
    named = pin or shorthand
    chosen = name or (named.name if named else _UNNAMEABLE.sub("-", _SUFFIX.sub("", source.file_name).lower()))
    check_name(chosen)
    return Order(text=text, source=source, name=chosen, digest=digest, pin=pin, lineage=Lineage())


def _digest_of_web_file(source: WebFile, text: str, given: str) -> str:
    stated = f"sha256:{source.sha256}" if source.sha256 else ""
    if not stated and not given:
        raise VaultError(
            f"{text} says nothing of what it must hold",
            hint="Put '#sha256=HEX' behind it, or give --sha256: whoever serves a file could serve another tomorrow.",
        )
    if stated and given and stated != given:
        raise differs(text, stated, given)
    return stated or given


def _digest(sha256: str | None) -> str:
    if sha256 is None:
        return ""
    matched = _HEX.fullmatch(sha256.lower())
    if matched is None:
        raise VaultError(f"{sha256!r} is not a SHA-256 digest", hint="Give its 64 hexadecimal digits.")
    return f"sha256:{matched[1]}"


class Importer:
    """Carries out imports into one store. Without ``signer`` manifests are not signed."""

    def __init__(
        self,
        store: Store,
        *,
        resolve: Resolve,
        now: Callable[[], datetime],
        signer: Callable[[], EllipticSigner] | None,
    ) -> None:
        self._store = store
        self._resolve = resolve
        self._now = now
        self._signer = signer

    def run(self, order: Order, progress: Progress, permit: Permit, trust: Trust) -> Imported:
        """Import, asking ``permit`` before contacting anybody. Raises VaultError, VerificationFailed, EgressDenied."""
        existing = self._store.document(order.name)
        if order.digest:
            refuse_other(existing.manifest if existing else None, order.name, order.digest)
            files = self._files_here(order)
            if files and not _is_folder_at_hand(order.source):
                _refuse_other_file(order, progress)
                return self._adopt(order, existing, files, progress)
        return self._bring_in(order, existing, progress, permit, trust)

    def _files_here(self, order: Order) -> tuple[ModelFile, ...]:
        """The files of the model with the wanted digest, if all of them are in the store."""
        manifests = filter(None, map(self._store.manifest, self._store.names()))
        files = next((manifest.files for manifest in manifests if manifest.digest == order.digest), ())
        if not files and self._store.has_blob(order.digest):
            with closing_descriptor(self._store.open_blob(order.digest)) as fd:
                size_bytes = os.fstat(fd).st_size
            files = (ModelFile(path=order.source.file_name, digest=order.digest, size_bytes=size_bytes),)
        return files if all(self._store.has_blob(file.digest) for file in files) else ()

    def _adopt(
        self, order: Order, existing: Document | None, files: Sequence[ModelFile], progress: Progress
    ) -> Imported:
        """The files are here: at most they get another name, and then they are checked first."""
        if existing is not None:
            return Imported(manifest=existing.manifest, weights_are_new=False, name_is_new=False)
        self._require_sound(files, progress)
        with disk_faults(f"read the files of {order.digest}"):
            document = self._describe(order, Arrival(files=()), dict.fromkeys(files))
        with self._store.scratch() as scratch:
            kept = self._store.keep(document, scratch, {}, self._signed(document))
        return Imported(manifest=kept.manifest, weights_are_new=False, name_is_new=True)

    def _bring_in(
        self, order: Order, existing: Document | None, progress: Progress, permit: Permit, trust: Trust
    ) -> Imported:
        with self._store.scratch() as scratch, disk_faults(f"import {order.text}"):
            log = self._store.directory / "fetch.log"
            delivery = Delivery(scratch=scratch, log=log, progress=progress, permit=permit)
            with self._resolve(order.source, order.pin, delivery) as arrival:
                _check_offers(arrival)
                _require_pinned(order, arrival)
                _refuse_moved(order, arrival, existing.manifest if existing else None)
                if existing is not None and self._is_said_to_be_here(arrival, existing.manifest):
                    return Imported(manifest=existing.manifest, weights_are_new=False, name_is_new=False)
                _look_before_copying(order, arrival)
                if existing is not None and self._is_here(arrival, existing.manifest, progress):
                    self._require_sound(existing.manifest.files, progress)
                    self._keep_found(existing, arrival, trust)
                    return Imported(manifest=existing.manifest, weights_are_new=False, name_is_new=False)
                self._store.require_space(sum(offer.size_bytes for offer in arrival.files if offer.draft is None))
                landed = land_all(arrival, scratch, progress)
            document = self._describe(order, arrival, landed)
            found = check_found(arrival.signatures, document, trust)
            if is_to_convert(document):
                self._store.require_space(arrival.size_bytes)
                made = convert(document, landed, scratch, progress)
                landed, found = {made.file: made.draft}, ()  # what was signed was what arrived
                document = self._describe(replace(order, lineage=made.lineage), arrival, landed)
            digest = document.manifest.digest
            if order.digest and digest != order.digest:
                raise differs(order.text, order.digest, digest)
            here = [file for file in landed if self._store.has_blob(file.digest)]
            self._require_sound(here, progress)
            blobs = {file.digest: path for file, path in landed.items()}
            kept = self._store.keep(document, scratch, blobs, (*found, *self._signed(document)))
        return Imported(
            manifest=kept.manifest,
            weights_are_new=len(here) < len(landed),
            name_is_new=existing is None,
            left_out=arrival.left_out,
        )

    def _require_sound(self, files: Sequence[ModelFile], progress: Progress) -> None:
        require_sound(self._store, files, Counted(progress, sum(file.size_bytes for file in files)))

    def _is_said_to_be_here(self, arrival: Arrival, existing: Manifest) -> bool:
        """Whether the source says by digest that it is what the name stands for, so that it need not be fetched."""
        said = {offer.path: offer.digest for offer in arrival.files}
        known = {file.path: file.digest for file in existing.files}
        return not arrival.signatures and said == known and all(map(self._store.has_blob, known.values()))

    def _is_here(self, arrival: Arrival, existing: Manifest, progress: Progress) -> bool:
        """Whether the source, if it is files at hand, is what the name stands for."""
        known = {file.path: file for file in existing.files}
        if len(arrival.files) == len(known) == 1:
            known = {arrival.files[0].path: existing.files[0]}  # one file is itself under any name
        if {offer.path: offer.size_bytes for offer in arrival.files} != {p: f.size_bytes for p, f in known.items()}:
            return False
        counted = Counted(progress, arrival.size_bytes)
        for offer in arrival.files:
            with offer.open() as stream:
                here = stream.fd is not None and self._store.has_blob(known[offer.path].digest)
                if not here or stream.fd is None:
                    return False
                if hash_descriptor(stream.fd, stream.size_bytes, counted) != known[offer.path].digest:
                    return False
            counted.next(offer.size_bytes)
        return True

    def _keep_found(self, document: Document, arrival: Arrival, trust: Trust) -> None:
        for content in check_found(arrival.signatures, document, trust):
            self._store.add_signature(document.manifest.name, content)

    def _signed(self, document: Document) -> tuple[bytes, ...]:
        return (sign_model(document, self._signer()),) if self._signer else ()

    def _describe(self, order: Order, arrival: Arrival, files: Mapping[ModelFile, Path | None]) -> Document:
        """``files``: each with the place where it lies; None: in the store."""
        listed = in_order(files)
        with ExitStack() as opened:
            open_files = {file.path: self._opened(opened, file, files[file]) for file in listed}
            facts = read_facts(open_files, order.text)
            inspection = _inspected(open_files, order, arrival)
        digest = model_digest(listed)
        pin = next((pin for pin in PINS if f"sha256:{pin.sha256}" == digest), None)
        manifest = Manifest(
            name=order.name,
            digest=digest,
            size_bytes=sum(file.size_bytes for file in listed),
            files=listed,
            format=facts.format,
            title=facts.title,
            architecture=facts.architecture,
            parameters=facts.parameters,
            quantisation=facts.quantisation,
            context_train_tokens=facts.context_train_tokens,
            chat_template_digest=facts.chat_template_digest,
            tokenizer=facts.tokenizer,
            tokenizer_digest=facts.tokenizer_digest,
            licence=_licence(facts, inspection, arrival, pin),
            licence_digest=inspection.licence_digest,
            origin=order.text,
            repository=arrival.repository,
            revision=arrival.revision,
            source_digest=arrival.source_digest,
            lineage=order.lineage,
            imported_at=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        return Document(manifest=manifest, content=encode(manifest))

    def _opened(self, opened: ExitStack, file: ModelFile, draft: Path | None) -> OpenFile:
        fd = os.open(draft, os.O_RDONLY | os.O_CLOEXEC) if draft else self._store.open_blob(file.digest)
        opened.callback(os.close, fd)
        return OpenFile(fd=fd, size_bytes=file.size_bytes, digest=file.digest)


def _check_offers(arrival: Arrival) -> None:
    """Raises VaultError for paths that no model may have."""
    for offer in arrival.files:
        check_path(offer.path)


def _refuse_moved(order: Order, arrival: Arrival, existing: Manifest | None) -> None:
    """Raises VerificationFailed if the name came from this very source, which says now that it is something else."""
    if existing is None or existing.origin != order.text or not arrival.revision:
        return
    known = {} if existing.lineage.parents else {file.path: file.digest for file in existing.files}
    now = {offer.path: offer.digest for offer in arrival.files}
    changed = sorted(path for path in known.keys() | now.keys() if known and _differ(known.get(path), now.get(path)))
    if arrival.revision == existing.revision and not changed:
        return
    what = f"; changed: {', '.join(changed[:5])}" if changed else ""
    raise VerificationFailed(
        f"{order.text} has changed: {existing.name} was imported from {existing.revision}, and now it is "
        f"{arrival.revision}{what}",
        hint="Nothing was imported. Find out who moved it, and why; import it under another name if you want it.",
    )


def _differ(known: str | None, now: str | None) -> bool:
    """A source that does not say a file's digest says nothing."""
    return known is None or now is None or now not in ("", known)


def _require_pinned(order: Order, arrival: Arrival) -> None:
    """Raises VaultError for what another could be tomorrow, once it is known what it is today."""
    source = order.source
    if isinstance(source, HubRepository) and not source.is_pinned and not order.digest:
        pinned = order.text.replace(f"@{source.revision}", f"@{arrival.revision}", 1)
        raise VaultError(
            f"{source.revision} of {source.repository} is commit {arrival.revision} today, and may be another tomorrow",
            hint=f"Nothing was imported. Name the commit: freehold vault import '{pinned}'. Or give --sha256.",
        )


def _look_before_copying(order: Order, arrival: Arrival) -> None:
    """Refuse what is no model before it is copied, where the source is files at hand. Others are hashed first."""
    if any(offer.draft for offer in arrival.files):
        return
    with ExitStack() as opened:
        streams = {offer.path: opened.enter_context(offer.open()) for offer in arrival.files}
        files = {
            path: OpenFile(fd=stream.fd, size_bytes=stream.size_bytes)
            for path, stream in streams.items()
            if stream.fd is not None
        }
        if len(files) == len(streams):
            read_facts(files, order.text)
            _inspected(files, order, arrival)


def _inspected(files: Mapping[str, OpenFile], order: Order, arrival: Arrival) -> Inspection:
    """Raises VaultError for files that may not come in. What wants an approval is found again when one is asked for."""
    origin = ModelOrigin(repository=arrival.repository, revision=arrival.revision)
    inspection = inspect(files, origin=origin, book=LicenceBook())
    inspection.require(order.text)
    return inspection


def _licence(facts: Facts, inspection: Inspection, arrival: Arrival, pin: Pin | None) -> str:
    """What the files say with one voice, else what the source says, else the pin."""
    stated = {known for name in (facts.licence, *inspection.licence_names) if (known := spdx(name))}
    if stated:
        return stated.pop() if len(stated) == 1 else ""
    return spdx(arrival.licence) or (pin.licence if pin else "")


def _is_folder_at_hand(source: Source) -> bool:
    return isinstance(source, WeightsFile) and source.path.is_dir()


def _refuse_other_file(order: Order, progress: Progress) -> None:
    """Raises VerificationFailed if the source is a file at hand, and not what it is said to be."""
    if isinstance(order.source, WeightsFile) and order.source.path.exists():
        with disk_faults(f"read {order.text}"), open_file(order.source.path) as stream:
            digest = hash_descriptor(stream.file.fileno(), stream.size_bytes, progress)
        if digest != order.digest:
            raise differs(order.text, order.digest, digest)
