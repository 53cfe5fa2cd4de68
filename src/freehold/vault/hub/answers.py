# SPDX-License-Identifier: Apache-2.0
"""What the client of the hub says, and what is made of it. Nothing of it is believed before it is held together.

A revision is a commit. Each file has a digest by it: SHA-256 where it is kept as a large file, else that of git. What
the hub says where it hands out a file must be what it said when it listed them.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from freehold.contract.grant import Place, place_of
from freehold.errors import OperatorError, VaultError, VerificationFailed
from freehold.vault.sources import HubRepository

_CHUNK_BYTES: Final = 2**20
_OWN_DOMAINS: Final = {"huggingface.co": (".huggingface.co", ".hf.co")}  # where a hub keeps its files
_WRONG: Final = "Nothing was imported. Somebody changed it, or stands between: find out who before you trust either."


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What kept the client from an answer, in the words of ``asking_hub.py``."""

    problem: str = ""
    status: int = 0
    wait_s: int = 0


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a revision, and what is said of it in the list. Some hubs say less there than others."""

    path: str
    size_bytes: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    blob: Annotated[str, Meta(pattern=r"^([0-9a-f]{40})?\Z")] | None = None


class Listing(Problem, frozen=True, kw_only=True):
    """One revision."""

    commit: Annotated[str, Meta(pattern=r"^([0-9a-f]{40})?\Z")] = ""
    licence: Annotated[str, Meta(max_length=1000)] = ""  # as it is stated there
    files: Annotated[tuple[Listed, ...], Meta(max_length=10_000)] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """From where one file would come, and what is said of it there. A host that keeps files may say nothing."""

    path: str
    url: str
    commit: str | None = None
    etag: str | None = None
    size_bytes: int | None = None


class Located(Problem, frozen=True, kw_only=True):
    files: tuple[Found, ...] = ()


class Fetched(Problem, frozen=True, kw_only=True):
    """All of it, if there is no problem."""


LISTING: Final = msgspec.json.Decoder(Listing)
LOCATED: Final = msgspec.json.Decoder(Located)
FETCHED: Final = msgspec.json.Decoder(Fetched)


def require_commit(listing: Listing, source: HubRepository) -> None:
    """Raises VaultError, VerificationFailed."""
    if not listing.commit:
        raise VaultError(f"the hub does not say which commit {source.revision} of {source.repository} is")
    if source.is_pinned and listing.commit != source.revision:
        raise VerificationFailed(
            f"{source.repository} was asked for commit {source.revision}, and the hub answered with {listing.commit}",
            hint=_WRONG,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """One file, and what it must be. It has one of the two digests, in hex."""

    path: str
    size_bytes: int
    sha256: str
    blob: str
    place: Place  # that hands it out


def held_together(listed: Listed, found: Found, commit: str, repository: str) -> HubFile:
    """What is said of a file in both places. Raises VerificationFailed where they contradict each other, VaultError."""
    now = (found.etag or "") if found.commit else ""  # what another host calls a file is its own matter
    sha256, blob = (now if re.fullmatch(rf"[0-9a-f]{{{digits}}}", now) else "" for digits in (64, 40))
    differs = (listed.sha256 and now and now != listed.sha256) or (listed.blob and blob and blob != listed.blob)
    if found.commit not in (None, commit) or differs:
        raise VerificationFailed(
            f"{repository} has changed: {listed.path} was listed as {listed.sha256 or listed.blob} of commit {commit}, "
            f"and is handed out as {now} of commit {found.commit}",
            hint=_WRONG,
        )
    size_bytes = listed.size_bytes if listed.size_bytes is not None else found.size_bytes
    place = place_of(re.split(r"[?#]", found.url, maxsplit=1)[0])
    sha256 = listed.sha256 or sha256
    blob = "" if sha256 else listed.blob or blob
    if not (sha256 or blob) or size_bytes is None or place is None:
        raise VaultError(f"{repository}: the hub does not say which digest, size or address {listed.path!r} has")
    return HubFile(path=listed.path, size_bytes=size_bytes, sha256=sha256, blob=blob, place=place)


def own_places(hub: Place, places: Iterable[Place]) -> frozenset[Place]:
    """Those that belong to whoever runs the hub."""
    domains = _OWN_DOMAINS.get(hub.host, ())
    return frozenset(place for place in places if place == hub or place.host.endswith(domains))


def git_digest(path: Path) -> str:
    """What git calls a file of this content: SHA-1, in hex. It tells files apart, and is no proof against forgers."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def problem_of(said: Problem, source: HubRepository, hub: Place, log: str) -> OperatorError:
    """The error for a person."""
    name = f"{source.repository} at {source.revision}"
    by_hand = "Fetch it with a client of your own that has a token, and import the folder."
    status = said.status
    if said.problem == "too long":
        return VerificationFailed(f"{name}: {hub}, or whom it sends to, hands out more than is listed", hint=_WRONG)
    if said.problem == "gated" or (status in (401, 403) and said.problem in ("no repository", "status")):
        return VaultError(
            f"{name} is not given to everybody: {hub} answered with {status}. It is gated, private, or not there",
            hint=f"Freehold sends no token. {by_hand}",
        )
    if status == 429:
        wait = f"{said.wait_s} s" if said.wait_s else "a while"
        return VaultError(
            f"{hub} answered with 429: it limits how often it is asked",
            hint=f"Wait {wait} and run the same import again: it goes on from what has come.",
        )
    what = {
        "no repository": f"{hub} has no repository {source.repository}",
        "no revision": f"{source.repository} has no revision {source.revision}",
        "no file": f"{name} has no such file, or the hub does not hand it out",
        "disabled": f"{name} was disabled by whoever runs {hub}",
        "broken off": f"{hub}, or whom it sends to, could not be reached, has no certificate that holds, or broke off",
        "status": f"{hub} answered with {status} when it was asked for {name}",
    }.get(said.problem, f"{name} could not be fetched, or what {hub} says cannot be understood")
    hints = {
        "broken off": "What has come is kept. Run the same import again: it goes on from there.",
        "no revision": "Write the commit's 40 hexadecimal digits, as the repository's page shows them.",
        "no file": "The path is that in the repository, such as !model-q4_k_m.gguf",
    }
    return VaultError(f"{what}; what the client said is in {log}", hint=hints.get(said.problem))
