# SPDX-License-Identifier: Apache-2.0
"""Fetches files whose digest is known. What has come is kept: an import that breaks off goes on where it was.

A part is gone on with only if the host vouches that the file is still the same (RFC 9110 section 13.1.5, If-Range);
else it begins anew. Whatever the host says, the whole is held to its digest in the end.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

from freehold.contract.grant import Permit, Place
from freehold.egress.asking import Answer, Asking, broken_off, https_place
from freehold.errors import ContactFailed, EgressDenied, VaultError, VerificationFailed
from freehold.vault.arrival import Offer
from freehold.vault.hashing import Progress
from freehold.vault.sources import Stream, open_file
from freehold.vault.store import Store

_CHUNK_BYTES = 2**20
_REDIRECTS = 5
_ATTEMPTS = 5  # in a row that bring nothing new
_MOVED = (301, 302, 303, 307, 308)
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")

Ask = Callable[[frozenset[Place], Permit], AbstractContextManager[Asking]]


def ask_nobody(places: frozenset[Place], permit: Permit) -> AbstractContextManager[Asking]:  # noqa: ARG001 - an Ask
    """The Ask of an estate that is sealed."""
    raise EgressDenied(
        "nothing is fetched: the estate is sealed, and contacts nobody",
        hint="Bring the files here by hand, or import them while the estate is down or up without --sealed.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file: where it is, what it must be, and its place in the model. ``headers`` go to its own host alone."""

    url: str
    digest: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Lazy:
    """A file that is fetched when it is first opened."""

    def __init__(self, wanted: Download, asking: Asking, store: Store, progress: Progress, folder: Path) -> None:
        self._wanted = wanted
        self._asking = asking
        self._require_space = store.require_space
        self._progress = progress
        self._part = _Part(folder)
        self._is_whole = False

    @property
    def file(self) -> Path:
        """Where it lies, once it was opened."""
        return self._part.file

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """Raises VaultError, EgressDenied."""
        if not self._is_whole:
            _fetch(self._wanted, self._asking, self._part, self._require_space, self._progress)
            self._is_whole = True
        with open_file(self._part.file, follow=False) as stream:
            yield stream


@contextmanager
def landing_of(wanted: Download, asking: Asking, store: Store, progress: Progress) -> Iterator[Lazy]:
    """The file, for as long as the block lasts. What came is kept if that fails, unless it is the wrong file."""
    with store.partial(f"{wanted.url}\n{wanted.digest}") as folder:
        try:
            yield Lazy(wanted, asking, store, progress, folder)
        except VerificationFailed:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fetched(wanted: Download, asking: Asking, store: Store, progress: Progress) -> Iterator[Offer]:
    """The file, as a draft that may be moved. Raises VaultError, EgressDenied."""
    with landing_of(wanted, asking, store, progress) as lazy:
        with lazy.open() as stream:
            size_bytes = stream.size_bytes
        yield Offer(path=wanted.path, size_bytes=size_bytes, open=lazy.open, digest=wanted.digest, draft=lazy.file)


class _Part:
    """What has come of one file, and by what its host would know it again."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "data"
        self._mark = folder / "validator"

    @property
    def size_bytes(self) -> int:
        return self.file.lstat().st_size if self.file.exists() else 0

    @property
    def conditions(self) -> dict[str, str]:
        """The fields that ask for the rest; none where all is wanted."""
        mark = self._mark.read_text(encoding="ascii") if self._mark.exists() else ""
        return {"Range": f"bytes={self.size_bytes}-", "If-Range": mark} if mark and self.size_bytes else {}

    def begin(self, mark: str) -> None:
        """What came before is of no use."""
        self.file.unlink(missing_ok=True)
        self._mark.write_text(mark, encoding="ascii")

    def drop(self) -> None:
        self.file.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)


def _fetch(
    wanted: Download, asking: Asking, part: _Part, require_space: Callable[[int], None], progress: Progress
) -> None:
    """Raises VaultError once several attempts in a row have brought nothing."""
    idle = 0
    while True:
        before = part.size_bytes
        try:
            with _asked(wanted, asking, part.conditions) as (answer, place):
                _take(answer, place, part, require_space, progress)
        except ContactFailed as problem:
            idle = 0 if part.size_bytes > before else idle + 1
            if idle == _ATTEMPTS:
                raise VaultError(
                    f"{wanted.path} could not be fetched: {problem.message}",
                    hint=f"{part.size_bytes} bytes of it are kept. Run the same import again: it goes on from there.",
                ) from problem
        else:
            return


@contextmanager
def _asked(wanted: Download, asking: Asking, conditions: Mapping[str, str]) -> Iterator[tuple[Answer, Place]]:
    """The answer that is no redirect. Each of these leads to a place that is granted, or is not followed."""
    url, own = wanted.url, https_place(wanted.url)
    with ExitStack() as stack:
        for _ in range(_REDIRECTS + 1):
            place = https_place(url)
            headers = {**(wanted.headers if place == own else {}), **conditions}
            answer = stack.enter_context(asking.get(url, headers))
            if answer.status not in _MOVED:
                yield answer, place
                return
            url = urljoin(url, answer.getheader("Location", ""))
    raise VaultError(f"{own} sends from one address to the next, and never to the file")


def _take(answer: Answer, place: Place, part: _Part, require_space: Callable[[int], None], progress: Progress) -> None:
    """Append what comes. Raises ContactFailed if it ends too early."""
    total_bytes = _begun(answer, place, part)
    require_space(total_bytes - part.size_bytes)
    with part.file.open("ab") as file:
        done = part.size_bytes
        progress(done, total_bytes)
        while done < total_bytes:
            with broken_off(place):
                chunk = answer.read(min(_CHUNK_BYTES, total_bytes - done))
            if not chunk:
                raise ContactFailed(f"{place} broke off after {done} of {total_bytes} bytes")
            file.write(chunk)
            done += len(chunk)
            progress(done, total_bytes)
        file.flush()
        os.fsync(file.fileno())


def _begun(answer: Answer, place: Place, part: _Part) -> int:
    """Make the part ready for the bytes that follow; how many it has then in all. Raises VaultError, ContactFailed."""
    have, said = part.size_bytes, answer.getheader("Content-Range", "")
    matched = _RANGE.fullmatch(said) if answer.status == 206 else None
    if matched and int(matched[1]) == have < int(matched[2]):
        return int(matched[2])
    if have and answer.status == 416 and said == f"bytes */{have}":
        return have  # it had all come
    if answer.status in (206, 416):  # another part than was asked for, or none: begin anew
        part.drop()
        raise ContactFailed(f"{place} does not go on from where the file broke off")
    if answer.status == 200:
        length = answer.getheader("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,15}", length):
            raise VaultError(f"{place} does not say how long the file is")
        part.begin(_validator(answer))
        return int(length)
    if answer.status in (429, 500, 502, 503, 504):
        raise ContactFailed(f"{place} answered with {answer.status}")
    raise VaultError(f"{place} answered with {answer.status} instead of the file", hint="Is the address right?")


def _validator(answer: Answer) -> str:
    """A strong one (RFC 9110 section 8.8.1), or none: a part is then not gone on with."""
    mark = answer.getheader("ETag", "")
    return mark if re.fullmatch(r'"[!-~]{0,500}"', mark) else ""
