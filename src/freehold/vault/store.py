# SPDX-License-Identifier: Apache-2.0
"""The vault's directory: weights under their digest, manifests under their name, and what is still on its way in.

    blobs/sha256/HEX        the weights, 0444, never changed and never overwritten
    manifests/NAME.json     what is known of them
    incoming/               one directory for each import that runs; the leftovers of dead ones go with the next import
    lock                    held for moments, while any of these directories change

What lies in ``blobs`` and ``manifests`` is whole: it was written elsewhere, synced, and moved in by one rename.
Nothing here believes a file because of where it lies; ``verify.py`` does the checking.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from freehold.errors import VaultError
from freehold.vault.manifest import Manifest, check_name, decode, encode

_RESERVE_BYTES = 64 * 2**20  # left free for whatever else writes to this disk
_MAX_MANIFEST_BYTES = 64 * 2**10
_FULL = (errno.ENOSPC, errno.EDQUOT)


def free_bytes(directory: Path) -> int:
    """What an ordinary user may still write to the disk under ``directory``."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


@contextlib.contextmanager
def disk_faults(doing: str) -> Iterator[None]:
    """Turn what the operating system says into VaultError. ``doing`` completes "cannot"."""
    try:
        yield
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno else "the system gave no reason"
        hint = "Free space on the vault's disk and try again." if exc.errno in _FULL else None
        raise VaultError(f"cannot {doing}: {reason}", hint=hint) from exc


@contextlib.contextmanager
def closing_descriptor(fd: int) -> Iterator[int]:
    """Close a descriptor at the end of a block."""
    try:
        yield fd
    finally:
        os.close(fd)


class Store:
    """One vault's files. Reading never writes: a vault on read-only storage can be listed and verified."""

    def __init__(self, directory: Path, *, free: Callable[[Path], int] = free_bytes) -> None:
        self.directory = directory
        self._blobs = directory / "blobs" / "sha256"
        self._manifests = directory / "manifests"
        self._incoming = directory / "incoming"
        self._free = free

    def names(self) -> tuple[str, ...]:
        """The models that have a manifest, sorted."""
        with disk_faults(f"list {self._manifests}"), contextlib.suppress(FileNotFoundError):
            return tuple(sorted(path.stem for path in self._manifests.iterdir() if path.suffix == ".json"))
        return ()

    def manifest(self, name: str) -> Manifest | None:
        """What is known of a model; None if there is none of that name. Raises VaultError if it cannot be trusted."""
        check_name(name)
        path = self._manifests / f"{name}.json"
        with disk_faults(f"read {path}"):
            try:
                fd = _open_regular(path)
            except FileNotFoundError:
                return None
            with closing_descriptor(fd):
                return decode(os.read(fd, _MAX_MANIFEST_BYTES), name)

    def blob_path(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")

    def has_blob(self, digest: str) -> bool:
        """Whether a file lies under the digest; not whether it is what it should be."""
        return os.path.lexists(self.blob_path(digest))

    def open_blob(self, digest: str) -> int:
        """A descriptor of the file under the digest, which the caller closes. Links are not followed."""
        path = self.blob_path(digest)
        with disk_faults(f"open the weights at {path}"):
            return _open_regular(path)

    def require_space(self, size_bytes: int) -> None:
        """Raises VaultError unless the disk takes so many bytes and keeps its reserve."""
        with disk_faults(f"ask how much space {self.directory} has"):
            free = self._free(self.directory)
        if free < size_bytes + _RESERVE_BYTES:
            raise VaultError(
                f"{self.directory} needs {size_bytes + _RESERVE_BYTES} bytes for this model and has {free} free",
                hint="Free space on the vault's disk and try again.",
            )

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A directory of this import's own, gone afterwards. Removes what dead imports left."""
        with disk_faults(f"write to {self.directory}"):
            self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                self._sweep()
                path = Path(tempfile.mkdtemp(dir=self._incoming))
                alive = _lock_directory(path)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
            os.close(alive)

    def keep(self, manifest: Manifest, scratch: Path, weights: Path | None = None) -> Manifest:
        """Move in ``weights``, unless they are here already, then their manifest. Returns the manifest that stands.

        The caller has hashed the weights. In this order no manifest ever stands without its weights. Raises VaultError.
        """
        with disk_faults(f"keep {manifest.name} in {self.directory}"), self._locked():
            existing = self.manifest(manifest.name)
            refuse_other(existing, manifest.name, manifest.digest)
            drafts: list[tuple[Path, Path]] = []
            if weights is not None and not self.has_blob(manifest.digest):
                drafts.append((weights, self.blob_path(manifest.digest)))
            if existing is None:
                draft = scratch / "manifest.json"
                draft.write_bytes(encode(manifest))
                drafts.append((draft, self._manifests / f"{manifest.name}.json"))
            for draft, _ in drafts:
                _make_durable(draft)  # all that takes space, before anything is visible
            for draft, place in drafts:
                _move_in(draft, place)
            return existing or manifest

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with closing_descriptor(os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)) as fd:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield

    def _sweep(self) -> None:
        for path in self._incoming.iterdir():
            with contextlib.suppress(BlockingIOError, NotADirectoryError):  # its import is alive; not ours
                os.close(_lock_directory(path))
                shutil.rmtree(path)


def refuse_other(existing: Manifest | None, name: str, digest: str) -> None:
    """Raises VaultError if the name stands for other weights."""
    if existing is not None and existing.digest != digest:
        raise VaultError(
            f"{name} already stands for {existing.digest} ({existing.quantisation}, {existing.size_bytes} bytes, from "
            f"{existing.origin}), and the source has {digest}",
            hint="A name never changes its weights. Import these under another name.",
        )


def _open_regular(path: Path) -> int:
    if path.is_symlink():
        raise VaultError(f"{path} is a symbolic link; the vault follows none")
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise VaultError(f"{path} is not a regular file")
    return fd


def _lock_directory(path: Path) -> int:
    """A descriptor that holds the directory's lock, so that other imports see that this one is alive."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise
    return fd


def _make_durable(draft: Path) -> None:
    """Read-only from now on, and on disk."""
    with closing_descriptor(os.open(draft, os.O_RDONLY | os.O_CLOEXEC)) as fd:
        os.fchmod(fd, 0o444)
        os.fsync(fd)


def _move_in(draft: Path, place: Path) -> None:
    """Make a finished file visible, for good."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft.rename(place)
    with closing_descriptor(os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as directory:
        os.fsync(directory)
