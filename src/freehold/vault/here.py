# SPDX-License-Identifier: Apache-2.0
"""Reads files that are in the vault already, before an import counts on them."""

import os
from collections.abc import Iterable

from freehold.errors import VerificationFailed
from freehold.vault.hashing import Counted, hash_descriptor
from freehold.vault.manifest import ModelFile
from freehold.vault.store import Store, closing_descriptor, disk_faults


def require_sound(store: Store, files: Iterable[ModelFile], counted: Counted) -> None:
    """Raises VerificationFailed unless each file is what its digest says."""
    for file in files:
        path = store.blob_path(file.digest)
        with disk_faults(f"read {path}"), closing_descriptor(store.open_blob(file.digest)) as fd:
            found = hash_descriptor(fd, os.fstat(fd).st_size, counted)
        if found != file.digest:
            raise VerificationFailed(
                f"{path} is in the vault: its digest must be {file.digest} and was found to be {found}",
                hint="Nothing was imported. It was changed since it came in: move it away, keep it to find out what "
                "changed it, and import again.",
            )
        counted.next(file.size_bytes)
