# SPDX-License-Identifier: Apache-2.0
"""A model in a repository of the hub: resolved to a commit, held to what the hub says of it, and fetched when opened.

1. The revision is resolved to a commit, and the files of the model are chosen from its list.
2. It is asked from where they would come. Leave is asked for hosts that belong to the hub; any other must be granted.
3. What has come is kept, file by file: an import that breaks off goes on where it was.
4. Each file is held to its size and to its digest; those by SHA-256 when they are hashed on their way in.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Protocol

import msgspec

from freehold.contract.grant import Errand, Permit, Place, names_of, place_of
from freehold.egress.outlet import Outlet
from freehold.egress.upstream import read_upstreams
from freehold.errors import EgressDenied, VaultError, VerificationFailed
from freehold.vault.arrival import Arrival, Offer
from freehold.vault.fetching import Delivery, PipFetch
from freehold.vault.folders import choose
from freehold.vault.hub.answers import (
    FETCHED,
    LISTING,
    LOCATED,
    Found,
    HubFile,
    Listed,
    Listing,
    Problem,
    git_digest,
    held_together,
    own_places,
    problem_of,
    require_commit,
)
from freehold.vault.hub.client import Installer, Said
from freehold.vault.sources import HubRepository, Stream, is_folder, open_file
from freehold.vault.store import Store

PUBLIC_HUB = "https://huggingface.co"
_GRANT = (
    'Name the host under a [grant.NAME] with for = "import" in freehold.toml (allow_private = true where it lies in a '
    "network of your own) and 'freehold reload'."
)


class Hub(Protocol):
    """Resolves a repository to the files that it stands for."""

    def __call__(self, source: HubRepository, store: Store, delivery: Delivery) -> AbstractContextManager[Arrival]:
        """The files, for as long as the block lasts. Raises VaultError, VerificationFailed, EgressDenied."""
        ...


def no_hub(source: HubRepository, store: Store, delivery: Delivery) -> AbstractContextManager[Arrival]:  # noqa: ARG001
    """The Hub of an estate that is sealed."""
    raise EgressDenied(
        f"{source.repository} is not fetched: the estate is sealed, and contacts nobody",
        hint="Fetch the repository's folder elsewhere, bring it here, and import that. Or import it while the estate "
        "is down or up without --sealed.",
    )


class Asks(Protocol):
    """The hub's client, as ``client.py`` has it."""

    def ask(
        self, question: Mapping[str, object], said: msgspec.json.Decoder[Said], outlet: Outlet, tell: Callable[[], None]
    ) -> Said: ...


class Installs(Protocol):
    """Makes one for an import."""

    def installed(self, endpoint: str, delivery: Delivery) -> Asks: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHub:
    """The hub at ``endpoint``, by its own client."""

    endpoint: str
    installer: Installs

    @contextmanager
    def __call__(self, source: HubRepository, store: Store, delivery: Delivery) -> Iterator[Arrival]:
        client = self.installer.installed(self.endpoint, delivery)
        errand = _Errand(source, client, self.endpoint, delivery)
        listing = errand.listing()
        with store.partial(f"{self.endpoint}/{source.repository}@{listing.commit}") as folder:
            fetching = _Fetching(errand, listing, store, folder)
            try:
                yield _arrival(fetching, listing, source)
            except VerificationFailed:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            shutil.rmtree(folder, ignore_errors=True)


def client_hub(endpoint: str, vault: Path) -> ClientHub:
    """The hub at ``endpoint`` for the vault in a directory, which keeps the client's wheels as well."""
    return ClientHub(endpoint=endpoint, installer=Installer(Store(vault).tools / "huggingface_hub", PipFetch()))


class _Errand:
    """The questions of one import, each under leave for the hosts that it needs."""

    def __init__(self, source: HubRepository, client: Asks, endpoint: str, delivery: Delivery) -> None:
        hub = place_of(endpoint)
        if hub is None:
            raise VaultError(f"[vault] hub: {endpoint!r} is not the address of a hub")
        self.source, self.hub, self.progress = source, hub, delivery.progress
        self._client = client
        self._tunnel = endpoint.startswith("https:")
        self._permit: Permit = cache(delivery.permit)  # the same errand is told and recorded once
        self._log = str(delivery.log)
        self._outlet = self._leave_for(frozenset({hub}))

    def listing(self) -> Listing:
        """The revision. Raises VaultError, VerificationFailed, EgressDenied."""
        question = self._question("list", self.source.revision, ())
        listing = self._client.ask(question, LISTING, self._outlet, lambda: self.progress(0, 0))
        self._require(listing)
        require_commit(listing, self.source)
        return listing

    def locate(self, files: Sequence[Listed], commit: str) -> list[HubFile]:
        """What the hub says of files where it hands them out, held to its list. Raises as above."""
        question = self._question("locate", commit, [{"path": file.path} for file in files])
        located = self._client.ask(question, LOCATED, self._outlet, lambda: self.progress(0, 0))
        self._require(located)
        found = {file.path: file for file in located.files}
        return [
            held_together(file, found.get(file.path, Found(path=file.path, url="")), commit, self.source.repository)
            for file in files
        ]

    def fetch(self, files: Sequence[HubFile], parts: Sequence[Path], commit: str, tell: Callable[[], None]) -> None:
        """Have the rest of each file at the end of its part, from hosts that may be contacted. Raises as above."""
        needed = {file.place for file in files} | {self.hub}
        if needed != {self.hub}:
            self._outlet = self._leave_for(own_places(self.hub, needed), frozenset(needed))
        rows = [
            {"path": file.path, "part": str(part), "size_bytes": file.size_bytes}
            for file, part in zip(files, parts, strict=True)
        ]
        question = self._question("fetch", commit, rows)
        self._require(self._client.ask(question, FETCHED, self._outlet, tell))

    def _question(self, what: str, revision: str, files: Sequence[object]) -> dict[str, object]:
        return {"what": what, "repository": self.source.repository, "revision": revision, "files": files}

    def _leave_for(self, places: frozenset[Place], needed: frozenset[Place] = frozenset()) -> Outlet:
        """A way out to ``places`` and what else is granted. Raises EgressDenied if that is not all of ``needed``."""
        upstreams = read_upstreams(os.environ)
        contacted = frozenset(upstreams.contacted(place, tunnel=self._tunnel) for place in places)
        allowed = self._permit(Errand(contacted=contacted, beyond=places - contacted))
        if missing := needed - allowed.places:
            raise EgressDenied(
                f"{self.source.repository} is not fetched: {self.hub} sends to {names_of(missing)} for files, which is "
                "not granted",
                hint=_GRANT,
            )
        return Outlet(allowed, upstreams)

    def _require(self, said: Problem) -> None:
        if said.problem and self._outlet.refused:
            raise EgressDenied(
                f"{self.source.repository} is not fetched: {'; '.join(self._outlet.refused)}", hint=_GRANT
            )
        if said.problem:
            raise problem_of(said, self.source, self.hub, self._log)


class _Fetching:
    """The files of a model, each with the part that it comes to. All are fetched when the first is opened."""

    def __init__(self, errand: _Errand, listing: Listing, store: Store, folder: Path) -> None:
        self._errand = errand
        self._commit = listing.commit
        self._require_space = store.require_space
        self._folder = folder
        self._here: set[str] = set()
        self._files: dict[str, HubFile] = {}

    def resolve(self, files: Sequence[Listed]) -> list[HubFile]:
        """What files must be. They are fetched together. Raises VaultError, VerificationFailed, EgressDenied."""
        resolved = self._errand.locate(files, self._commit)
        self._files = {file.path: file for file in resolved}
        return resolved

    def part(self, file: HubFile) -> Path:
        """Where it comes to lie."""
        return self._folder / hashlib.sha256(file.path.encode()).hexdigest()[:32]

    @contextmanager
    def open(self, listed: Listed) -> Iterator[Stream]:
        """Raises VaultError, VerificationFailed, EgressDenied."""
        if listed.path not in self._files:
            self.resolve((listed,))
        if listed.path not in self._here:
            self._fetch(list(self._files.values()))
        with open_file(self.part(self._files[listed.path]), follow=False) as stream:
            yield stream

    def _fetch(self, files: Sequence[HubFile]) -> None:
        parts = [self.part(file) for file in files]
        for file, part in zip(files, parts, strict=True):
            if _size_of(part) > file.size_bytes:
                part.unlink()
        total_bytes = sum(file.size_bytes for file in files)

        def tell() -> None:
            self._errand.progress(sum(map(_size_of, parts)), total_bytes)

        self._require_space(total_bytes - sum(map(_size_of, parts)))
        self._errand.fetch(files, parts, self._commit, tell)
        for file, part in zip(files, parts, strict=True):
            _hold(part, file)
        self._here.update(file.path for file in files)


def _size_of(part: Path) -> int:
    """How much of it has come. Raises VaultError for what no import has put there."""
    try:
        status = part.lstat()
    except FileNotFoundError:
        return 0
    if not stat.S_ISREG(status.st_mode):
        raise VaultError(f"{part} is a symbolic link, or no file at all; the vault follows none", hint="Remove it.")
    return status.st_size


def _hold(part: Path, file: HubFile) -> None:
    """Raises VerificationFailed unless it has its size and, if git alone knows it, its digest."""
    if (size_bytes := _size_of(part)) != file.size_bytes:
        raise VerificationFailed(f"{file.path} must have {file.size_bytes} bytes and was found to have {size_bytes}")
    if file.blob and (found := git_digest(part)) != file.blob:
        raise VerificationFailed(
            f"{file.path}: its git digest must be {file.blob} and was found to be {found}",
            hint="Nothing was imported. The source is not what was pinned: find out why before you trust either.",
        )


def _listed(listing: Listing, source: HubRepository) -> dict[str, Listed]:
    """The files that are asked for, by their places in the model. Raises VaultError."""
    if len({file.path for file in listing.files}) != len(listing.files):
        raise VaultError(f"{source.repository}: the hub lists two files under one name")
    if source.member and not is_folder(source.member):
        listed = {file.path.rpartition("/")[2]: file for file in listing.files if file.path == source.member}
    else:
        folder = source.member
        listed = {file.path.removeprefix(folder): file for file in listing.files if file.path.startswith(folder)}
    if not listed:
        weights = sorted(file.path for file in listing.files if file.path.endswith((".gguf", ".safetensors")))
        there = ", ".join(map(repr, weights[:5])) or "none"
        raise VaultError(
            f"{source.repository} at {listing.commit} has no {source.member!r}", hint=f"Its weights: {there}."
        )
    return listed


def _arrival(fetching: _Fetching, listing: Listing, source: HubRepository) -> Arrival:
    """The model among the files. Raises VaultError, VerificationFailed, EgressDenied."""
    listed = _listed(listing, source)
    if source.member and not is_folder(source.member):
        arrival = Arrival(files=tuple(_offer(path, fetching, file) for path, file in listed.items()))
    else:
        sizes = {path: file.size_bytes or 0 for path, file in listed.items()}
        arrival = choose(sizes, lambda path: fetching.open(listed[path]), source.repository)
        _require_one_model(arrival, source)
    files = fetching.resolve([listed[offer.path] for offer in arrival.files])
    return replace(
        arrival,
        files=tuple(_held(offer, file, fetching) for offer, file in zip(arrival.files, files, strict=True)),
        repository=source.repository,
        revision=listing.commit,
        licence=listing.licence,
    )


def _offer(path: str, fetching: _Fetching, file: Listed) -> Offer:
    return Offer(path=path, size_bytes=file.size_bytes or 0, open=lambda: fetching.open(file))


def _held(offer: Offer, file: HubFile, fetching: _Fetching) -> Offer:
    digest = f"sha256:{file.sha256}" if file.sha256 else ""
    return replace(offer, size_bytes=file.size_bytes, digest=digest, draft=fetching.part(file))


def _require_one_model(arrival: Arrival, source: HubRepository) -> None:
    """Raises VaultError before anything is fetched of a repository that holds several."""
    gguf = [offer.path for offer in arrival.files if offer.path.endswith(".gguf")]
    if len(gguf) > 1:
        raise VaultError(
            f"{source.repository} holds {len(gguf)} GGUF files: {', '.join(gguf[:5])}",
            hint=f"Name one: hf:{source.repository}@{source.revision}!{source.member}{gguf[0]}",
        )
