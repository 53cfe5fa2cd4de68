# SPDX-License-Identifier: Apache-2.0
"""A model on its way in: a set of files whose source has been resolved, each still to be read. The seam of all sources.

Whoever resolves a source says where it comes from, which version it is, what its files are called and, as far as the
source tells, which digests they must have. What the files really are is found out by the importer, never taken over.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from freehold.vault.sources import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One file. ``open`` may be called more than once, while the arrival is open."""

    path: str  # its place in the model
    size_bytes: int
    open: Callable[[], AbstractContextManager[Stream]]
    digest: str = ""  # what it must have; empty: the source does not say
    draft: Path | None = None  # where it lies as a file of this import's own, which may be moved instead of copied


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSignature:
    """A signature that lay beside the files."""

    content: bytes
    place: str  # for a person
    may_be_of_others: bool = False  # it lay in a folder of which only one file was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """All files of one model, and where they come from. Text that the source does not have is empty."""

    files: tuple[Offer, ...]
    repository: str = ""
    revision: str = ""
    source_digest: str = ""  # of the archive that they lie in
    licence: str = ""  # SPDX, as the source states it
    signatures: tuple[FoundSignature, ...] = ()
    left_out: tuple[str, ...] = ()  # files that lie there as well, and are none that a model here has

    @property
    def size_bytes(self) -> int:
        return sum(offer.size_bytes for offer in self.files)
