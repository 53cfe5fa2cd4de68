# SPDX-License-Identifier: Apache-2.0
"""The only door from a file to weights that may run.

1. The file under the manifest's digest is opened; links are not followed.
2. It is hashed through that very descriptor, and must have the manifest's digest and size.
3. It must not have changed meanwhile.
4. Its header is read through the same descriptor, and must hold the chat template that the manifest pins.
5. The descriptor itself is handed on: whoever loads it loads what was checked, whatever then happens to the name.
"""

import os
from dataclasses import dataclass

from freehold.contract.backend import Model
from freehold.contract.weights import VerifiedWeights
from freehold.errors import OperatorError, VerificationFailed
from freehold.vault.gguf import GgufHeader, read_header
from freehold.vault.hashing import Progress, hash_descriptor
from freehold.vault.manifest import Manifest, text_digest
from freehold.vault.store import Store, disk_faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What came of checking one model. ``problem`` is empty if it is as it was imported."""

    name: str
    problem: str = ""

    @property
    def passed(self) -> bool:
        return not self.problem


def open_verified(store: Store, manifest: Manifest, progress: Progress) -> VerifiedWeights:
    """Check a model's weights and open them. The caller closes ``fd``. Raises VaultError, VerificationFailed."""
    fd = store.open_blob(manifest.digest)  # 1.
    try:
        header = _check(fd, manifest, progress)
    except BaseException:
        os.close(fd)
        raise
    return VerifiedWeights(  # 5.
        model=Model(name=manifest.name, digest=manifest.digest),
        path=store.blob_path(manifest.digest),
        fd=fd,
        size_bytes=manifest.size_bytes,
        context_train_tokens=header.context_train_tokens,
        chat_template=header.chat_template,
        kv_bytes_per_token=header.kv_bytes_per_token,
    )


def verify(store: Store, manifest: Manifest, progress: Progress) -> None:
    """Check a model's weights. Raises VaultError, VerificationFailed."""
    os.close(open_verified(store, manifest, progress).fd)


def _check(fd: int, manifest: Manifest, progress: Progress) -> GgufHeader:
    with disk_faults(f"read the weights of {manifest.name}"):
        before = os.fstat(fd)
        digest = hash_descriptor(fd, before.st_size, progress)
        after = os.fstat(fd)
    if digest != manifest.digest:  # 2.
        raise _failed(manifest, "digest of its weights", manifest.digest, digest)
    if before.st_size != manifest.size_bytes:
        raise _failed(manifest, "size of its weights in bytes", str(manifest.size_bytes), str(before.st_size))
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):  # 3.
        raise _failed(manifest, "time of its last change", str(before.st_mtime_ns), str(after.st_mtime_ns))
    header = read_header(fd, before.st_size, manifest.name)  # 4.
    template = text_digest(header.chat_template)
    if template != manifest.chat_template_digest:
        raise _failed(
            manifest, "digest of its chat template", manifest.chat_template_digest or "none", template or "none"
        )
    return header


def _failed(manifest: Manifest, what: str, expected: str, found: str) -> VerificationFailed:
    return VerificationFailed(
        f"{manifest.name}: the {what} must be {expected} and was found to be {found}",
        hint="It does not load. Move the file away, keep it to find out what changed it, and import the model again.",
    )


def check_all(store: Store, progress: Progress) -> tuple[Check, ...]:
    """Check every model; one that fails does not hide the others. ``progress`` counts each model by itself."""
    return tuple(_check_one(store, name, progress) for name in store.names())


def _check_one(store: Store, name: str, progress: Progress) -> Check:
    try:
        manifest = store.manifest(name)
        if manifest is not None:
            verify(store, manifest, progress)
    except OperatorError as problem:
        return Check(name=name, problem=problem.message)
    return Check(name=name)
