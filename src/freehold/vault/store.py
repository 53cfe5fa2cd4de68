# SPDX-License-Identifier: Apache-2.0
"""The vault's directory: weights under their digest, manifests under their name, and what is still on its way in.

    blobs/sha256/HEX        the files of models, 0444, never changed and never overwritten
    manifests/NAME.json     what is known of a model, and which files it has
    signatures/NAME/HEX     what was signed about it, in the OpenSSF Model Signing format, each under its digest
    approvals/NAME/HEX      who said that it may run, the same
    checked/HEX             how a file looked when it was last read whole; only where [vault] recheck = "changed"
    incoming/               one directory for each import that runs; the leftovers of dead ones go with the next import
    partial/HEX/            what has come of a file that is fetched, to go on from; it goes when nobody did for a week
    tools/                  the wheels of the hub's client, which are held to their digests before each use
    lock                    held for moments, while any of these directories change
    together.json           while what came in a bundle is moved in: what to put back should that be interrupted

What lies in ``blobs`` and ``manifests`` is whole: it was written elsewhere, synced, and moved in by one rename.
Nothing here believes a file because of where it lies; ``verify.py`` does the checking.
"""

import contextlib
import errno
import fcntl
import hashlib
import itertools
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from freehold.errors import VaultError
from freehold.files.held import hold_folder
from freehold.vault.manifest import Document, Manifest, check_name, decode
from freehold.vault.oms import MAX_BUNDLE_BYTES
from freehold.vault.together import Move, appear, settle, sync_directory

_RESERVE_BYTES = 64 * 2**20  # left free for whatever else writes to this disk
_MAX_MANIFEST_BYTES = 4 * 2**20
_MAX_SIGNATURES = 64  # of one model, and as many approvals
_STALE_S = 7 * 24 * 3600.0
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
        self._signatures = directory / "signatures"
        self._approvals = directory / "approvals"
        self._checked = directory / "checked"
        self._incoming = directory / "incoming"
        self._partial = directory / "partial"
        self._free = free

    @property
    def tools(self) -> Path:
        """Where programs lie that imports need. What they are is checked whenever one is used."""
        return self.directory / "tools"

    def names(self) -> tuple[str, ...]:
        """The models that have a manifest, sorted."""
        with disk_faults(f"list {self._manifests}"), contextlib.suppress(FileNotFoundError):
            return tuple(sorted(path.stem for path in self._manifests.iterdir() if path.suffix == ".json"))
        return ()

    def document(self, name: str) -> Document | None:
        """What is known of a model; None if there is none of that name. Raises VaultError if it cannot be read."""
        check_name(name)
        path = self._manifest_path(name)
        with disk_faults(f"read {path}"):
            content = _read_small(path, _MAX_MANIFEST_BYTES)
        return decode(content, name) if content is not None else None

    def manifest(self, name: str) -> Manifest | None:
        """The same without its bytes."""
        document = self.document(name)
        return document.manifest if document else None

    def signatures(self, name: str) -> tuple[bytes, ...]:
        """What was signed about a model, newest first, unchecked."""
        return self._papers(self._signatures / name)

    def approvals(self, name: str) -> tuple[bytes, ...]:
        """Who said that a model may run, newest first, unchecked."""
        return self._papers(self._approvals / name)

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
                settle(self.directory)
                self._sweep()
                path = Path(tempfile.mkdtemp(dir=self._incoming))
                alive = _hold(path)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
            os.close(alive)

    @contextlib.contextmanager
    def partial(self, key: str) -> Iterator[Path]:
        """A directory for what has come of one file; kept, unless it is taken away within the block.

        Raises VaultError while another import has it.
        """
        place = self._partial / hashlib.sha256(key.encode()).hexdigest()
        with disk_faults(f"write to {self._partial}"), contextlib.ExitStack() as stack:
            self._partial.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                self._drop_stale()
                place.mkdir(mode=0o700, exist_ok=True)
                try:
                    stack.callback(os.close, _hold(place))
                except BlockingIOError:
                    raise VaultError("another import of the same source is under way", hint="Wait for it.") from None
            os.utime(place)
            yield place

    def keep(
        self, document: Document, scratch: Path, blobs: Mapping[str, Path], signatures: tuple[bytes, ...] = ()
    ) -> Document:
        """Move in the files by their digest, those that are not here yet, then the rest. Returns what then stands.

        The caller has hashed the files. In this order no manifest ever stands without its files. Raises VaultError.
        """
        manifest = document.manifest
        with disk_faults(f"keep {manifest.name} in {self.directory}"), self._locked():
            existing = self.document(manifest.name)
            refuse_other(existing.manifest if existing else None, manifest.name, manifest.digest)
            new = {digest: draft for digest, draft in blobs.items() if not self.has_blob(digest)}
            self._require_whole(manifest, new)
            drafts = [(draft, self.blob_path(digest)) for digest, draft in new.items()]
            if existing is None:
                self._remove_papers(manifest.name)  # of a model of this name that was removed in part
                drafts += _drafted(signatures, scratch / "signatures", self._signatures / manifest.name)
                drafts.append((_draft(scratch / "manifest", document.content), self._manifest_path(manifest.name)))
            _move_all_in(drafts)
            return existing or document

    def keep_together(self, moves: Callable[[], Sequence[Move]]) -> None:
        """Have several files appear, in the vault and elsewhere in the estate, or none. Nobody else changes the vault
        from when ``moves`` is asked for what they are. Raises VaultError.
        """
        with disk_faults(f"keep what the bundle has in {self.directory.parent}"), self._locked():
            appear(moves(), self.directory)

    def settle(self) -> None:
        """Put back what an import of a bundle left that was killed while it moved things in. Raises VaultError."""
        if self.directory.is_dir():
            with disk_faults(f"put back what an import left in {self.directory}"), self._locked():
                settle(self.directory)

    def moves_of(
        self, document: Document, blobs: Mapping[str, Path], papers: Mapping[str, Sequence[bytes]]
    ) -> list[Move]:
        """What has to appear for a model to be here: its files that are not, what was signed about it, its manifest.

        ``papers``: signatures and approvals, by these names. Empty for a model that is here. Raises VaultError.
        """
        manifest = document.manifest
        existing = self.document(manifest.name)
        refuse_other(existing.manifest if existing else None, manifest.name, manifest.digest)
        new = {digest: draft for digest, draft in blobs.items() if not self.has_blob(digest)}
        self._require_whole(manifest, new)
        moves = [Move(place=self.blob_path(digest), draft=draft) for digest, draft in new.items()]
        if existing is None:
            self._remove_papers(manifest.name)
        if existing is None or existing.content == document.content:
            for folder, contents in papers.items():
                moves += _papers_as_moves(self.directory / folder / manifest.name, contents)
        if existing is None:
            moves.append(Move(place=self._manifest_path(manifest.name), content=document.content))
        return moves

    def add_signature(self, name: str, content: bytes) -> None:
        """Keep what was signed about a model."""
        self._add(content, self._signatures / name)

    def add_approval(self, name: str, content: bytes) -> None:
        """Keep an approval."""
        self._add(content, self._approvals / name)

    def remove(self, name: str) -> Manifest | None:
        """Take a model out, with its files as far as no other has them; None if it is not there.

        Its manifest goes first: from then on it is no model, and what is left behind by a crash counts for nothing.
        """
        with disk_faults(f"remove {name} from {self.directory}"), self._locked():
            manifest = self.manifest(name)
            if manifest is None:
                return None
            others = [self.manifest(other) for other in self.names() if other != name]
            wanted = {file.digest for other in others if other for file in other.files}
            self._manifest_path(name).unlink()
            sync_directory(self._manifests)
            self._remove_papers(name)
            for digest in {file.digest for file in manifest.files} - wanted:
                self.blob_path(digest).unlink(missing_ok=True)
                (self._checked / digest.removeprefix("sha256:")).unlink(missing_ok=True)
            return manifest

    def last_look(self, digest: str) -> bytes:
        """What was noted of a file when it was last read whole; empty if nothing was."""
        with disk_faults(f"read {self._checked}"):
            return _read_small(self._checked / digest.removeprefix("sha256:"), _MAX_MANIFEST_BYTES) or b""

    def note_look(self, digest: str, content: bytes) -> None:
        """Note how a file looked that was read whole."""
        with self.scratch() as scratch, disk_faults(f"write to {self._checked}"):
            _move_all_in([(_draft(scratch / "look", content), self._checked / digest.removeprefix("sha256:"))])

    def _manifest_path(self, name: str) -> Path:
        return self._manifests / f"{name}.json"

    def _require_whole(self, manifest: Manifest, new: Mapping[str, Path]) -> None:
        missing = [file.path for file in manifest.files if file.digest not in new and not self.has_blob(file.digest)]
        if missing:
            raise VaultError(
                f"{manifest.name} lacks {missing[0]}: it was removed from the vault meanwhile", hint="Import it again."
            )

    def _papers(self, folder: Path) -> tuple[bytes, ...]:
        with disk_faults(f"read {folder}"), contextlib.suppress(FileNotFoundError):
            paths = sorted(folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns, reverse=True)[:_MAX_SIGNATURES]
            return tuple(content for path in paths if (content := _read_small(path, MAX_BUNDLE_BYTES)) is not None)
        return ()

    def _add(self, content: bytes, folder: Path) -> None:
        with disk_faults(f"write to {folder}"), self.scratch() as scratch, self._locked():
            _move_all_in(_drafted((content,), scratch, folder))

    def _remove_papers(self, name: str) -> None:
        for folder in (self._signatures / name, self._approvals / name):
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(folder)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with closing_descriptor(os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)) as fd:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield

    def _drop_stale(self) -> None:
        for path in self._partial.iterdir():
            if time.time() - path.stat().st_mtime > _STALE_S:
                with contextlib.suppress(BlockingIOError, NotADirectoryError):
                    os.close(_hold(path))
                    shutil.rmtree(path)

    def _sweep(self) -> None:
        for path in self._incoming.iterdir():
            with contextlib.suppress(BlockingIOError, NotADirectoryError):  # its import is alive; not ours
                os.close(_hold(path))
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


def _hold(path: Path) -> int:
    """A descriptor that holds the directory, so that other imports see that this one is alive."""
    return hold_folder(path, follow=False)


def _read_small(path: Path, limit_bytes: int) -> bytes | None:
    """A file's content; None if there is none. Raises VaultError for a link, and for one over the limit."""
    try:
        fd = _open_regular(path)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb") as file:
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise VaultError(f"{path} is over {limit_bytes} bytes; the vault wrote no such file")
    return content


def _draft(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _drafted(contents: tuple[bytes, ...], drafts: Path, folder: Path) -> list[tuple[Path, Path]]:
    """Papers as drafts, each with its place: under its digest, in a folder."""
    drafts.mkdir(exist_ok=True)
    named = {hashlib.sha256(content).hexdigest(): content for content in contents}
    return [(_draft(drafts / name, content), folder / name) for name, content in named.items()]


def _papers_as_moves(folder: Path, contents: Sequence[bytes]) -> list[Move]:
    """Those that are not there yet, each under its digest."""
    places = {folder / hashlib.sha256(content).hexdigest(): content for content in contents}
    return [Move(place=place, content=content) for place, content in places.items() if not place.exists()]


def _move_all_in(drafts: list[tuple[Path, Path]]) -> None:
    for draft, _ in drafts:
        _make_durable(draft)  # all that takes space, before anything is visible
    for folder, those in itertools.groupby(drafts, key=lambda move: move[1].parent):
        _move_in(folder, [(draft, place) for draft, place in those])


def _make_durable(draft: Path) -> None:
    """Read-only from now on, and on disk."""
    with closing_descriptor(os.open(draft, os.O_RDONLY | os.O_CLOEXEC)) as fd:
        os.fchmod(fd, 0o444)
        os.fsync(fd)


def _move_in(folder: Path, drafts: list[tuple[Path, Path]]) -> None:
    """Make finished files of one folder visible, for good. A sync takes milliseconds, however many there are."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for draft, place in drafts:
        draft.rename(place)
    sync_directory(folder)
