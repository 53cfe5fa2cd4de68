# SPDX-License-Identifier: Apache-2.0
"""Bundles as the rest of the estate uses them. Synchronous; safe from several threads and processes at once."""

from contextlib import AbstractContextManager
from pathlib import Path

from freehold.signing.elliptic import EllipticSigner
from freehold.vault.bundle.layout import open_layout
from freehold.vault.bundle.packing import Wanted, Whole, pack
from freehold.vault.bundle.reading import Bundle, read_bundle
from freehold.vault.bundle.staging import Asked, Staged, check_blobs, staged
from freehold.vault.bundle.writing import write_layout
from freehold.vault.hashing import Progress, silent
from freehold.vault.store import Store, disk_faults


class Bundles:
    """Of one vault."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder on the vault's disk, gone afterwards; one of a killed process goes with the next."""
        return self._store.scratch()

    def pack(self, wanted: Wanted, signer: EllipticSigner) -> Whole:
        """Say what a bundle would be, down to its digest; nothing is written. Raises VaultError."""
        return pack(self._store, wanted, signer)

    @staticmethod
    def write(whole: Whole, target: Path, progress: Progress = silent, *, as_folder: bool = False) -> None:
        """Write it where nothing is yet. Raises VaultError, and VerificationFailed for a file that was changed."""
        write_layout(whole.packed, target, progress, as_folder=as_folder)

    def staged(self, path: Path, asked: Asked, progress: Progress = silent) -> AbstractContextManager[Staged]:
        """Check all of a bundle, and hold it ready for as long as the block lasts. Nothing in the estate is changed."""
        return staged(self._store, path, asked, progress)


def look_into(path: Path, progress: Progress = silent) -> Bundle:
    """What a bundle has, once every byte of it is what it is listed as. Whoever signed it is not asked about."""
    with disk_faults(f"read {path}"), open_layout(path) as layout:
        bundle = read_bundle(layout, terms=None)
        check_blobs(layout, bundle, progress)
        return bundle
