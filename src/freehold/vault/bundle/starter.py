# SPDX-License-Identifier: Apache-2.0
"""Gets the program out of a bundle on a machine that has Python and nothing else. The standard library is all it needs.

    python3 start.py wheels BUNDLE DIR                     the wheels for this machine, as DIR/*.whl
    python3 start.py unpack BUNDLE DIR sha256:HEX          the source, as DIR; HEX is the bundle's digest

The first is for a checkout, whose requirements/run.lock says what pip may install of them. The second believes nothing
but the digest: all that it unpacks hangs under it. Nothing is installed or run here, and nobody is contacted.
"""

import hashlib
import json
import os
import platform
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

_CONTENTS = "application/vnd.freehold.bundle.contents.v1+json"
_PROGRAM = "application/vnd.freehold.program.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_TITLE = "org.opencontainers.image.title"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_MAX_DOCUMENT_BYTES = 4 * 2**20
_MAX_MEMBERS = 50_000
_CHUNK_BYTES = 2**20

SOURCE = "source.tar"
STARTER = "start.py"

Open = Callable[[str], IO[bytes]]


class Refused(Exception):
    """What is wrong, in a sentence."""


def main() -> None:
    command, *rest = sys.argv[1:] or [""]
    try:
        if command == "wheels" and len(rest) == 2:
            _take_wheels(Path(rest[0]), Path(rest[1]))
        elif command == "unpack" and len(rest) == 3:
            _unpack(Path(rest[0]), Path(rest[1]), rest[2])
        else:
            sys.exit(__doc__)
    except (Refused, OSError, tarfile.TarError) as problem:
        sys.exit(f"start.py: {problem}")


def this_platform() -> tuple[str, str]:
    """As OCI calls it, and the version of Python."""
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    return f"{platform.system().lower()}/{architecture}", f"{sys.version_info.major}.{sys.version_info.minor}"


def _take_wheels(bundle: Path, folder: Path) -> None:
    with _opened(bundle) as open_name:
        programs = [manifest for manifest in _manifests(open_name) if manifest.get("artifactType") == _PROGRAM]
        program = _for_this_machine(open_name, programs, bundle)
        wheels = {title: layer for title, layer in _files(program).items() if title.endswith(".whl")}
        folder.mkdir(parents=True, exist_ok=True)
        for title, layer in wheels.items():
            name = PurePosixPath(title).name
            if name in ("", "..") or title != f"wheels/{name}":
                raise Refused(f"{bundle} has a wheel with the name {title!r}")
            _copy(open_name, layer, folder / name)
    sys.stdout.write(f"Took {len(wheels)} wheels out of {bundle}.\n")


def _unpack(bundle: Path, folder: Path, digest: str) -> None:
    if os.path.lexists(folder):
        raise Refused(f"{folder} is there already")
    with _opened(bundle) as open_name:
        if not any(_digest_of(manifest) == digest for manifest in _descriptors(open_name)):
            raise Refused(f"{bundle} is not the bundle {digest}: it is another one, or was changed on its way")
        contents = _read(open_name, {"digest": digest})
        if contents.get("artifactType") != _CONTENTS:
            raise Refused(f"{digest} is not the digest of a bundle")
        signed = _read(open_name, contents["config"])
        programs = [_read(open_name, {"digest": program}) for program in signed.get("programs", [])]
        source = _files(_for_this_machine(open_name, programs, bundle)).get(SOURCE)
        if source is None:
            raise Refused(f"{bundle} has the program without its source")
        draft = folder.with_name(f".{folder.name}.unpacking")
        draft.mkdir()
        try:
            _copy(open_name, source, draft / SOURCE)
            _untar(draft / SOURCE, draft / "source")
            (draft / "source").rename(folder)
        finally:
            shutil.rmtree(draft)
    sys.stdout.write(f"The program is in {folder}. Next:\n  cd {folder}\n")
    sys.stdout.write(f"  make up BUNDLE={bundle.absolute()} DIGEST={digest}\n")


@contextmanager
def _opened(bundle: Path) -> Iterator[Open]:
    """Opens a bundle's files by their names in the layout."""
    if bundle.is_dir():
        yield lambda name: (bundle / name).open("rb")
        return
    with tarfile.open(bundle, "r:") as archive:
        members: dict[str, tarfile.TarInfo] = {}
        for member in archive:
            name = member.name.removeprefix("./")
            if (
                len(members) > _MAX_MEMBERS
                or name in members
                or not (member.type in tarfile.REGULAR_TYPES or member.isdir())
            ):
                raise Refused(f"{bundle} has {name[:200]!r} twice, or as a link, or too many files")
            members[name] = member
        yield lambda name: _member(archive, members, name)


def _member(archive: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str) -> IO[bytes]:
    file = archive.extractfile(members[name]) if name in members else None
    if file is None:
        raise Refused(f"the bundle has no {name}")
    return file


def _descriptors(open_name: Open) -> list[Any]:
    """The manifests that the bundle's index lists."""
    with open_name("index.json") as file:
        top = _parsed(file.read(_MAX_DOCUMENT_BYTES))
    roots = {_digest_of(row): row for row in top.get("manifests", []) if row.get("mediaType") == _INDEX}
    if len(roots) != 1:
        raise Refused("this is no bundle: it does not name one index")
    (root,) = roots.values()
    listed: list[Any] = _read(open_name, root).get("manifests", [])
    return listed


def _manifests(open_name: Open) -> list[Any]:
    return [_read(open_name, descriptor) for descriptor in _descriptors(open_name)]


def _for_this_machine(open_name: Open, programs: list[Any], bundle: Path) -> Any:
    here, found = this_platform(), []
    for manifest in programs:
        config = _read(open_name, manifest["config"])
        found.append((config.get("platform"), config.get("python")))
        if found[-1] == here:
            _require_glibc(config.get("glibc", ""), bundle)
            return manifest
    there = " and ".join(f"{system} with Python {python}" for system, python in found) or "no machine at all"
    raise Refused(f"{bundle} has the program for {there}, and this is {here[0]} with Python {here[1]}")


def _require_glibc(wanted: str, bundle: Path) -> None:
    name, has = platform.libc_ver()
    if name == "glibc" and _numbers(wanted) > _numbers(has):
        raise Refused(f"{bundle} has a program that needs glibc {wanted}, and this machine has {has}")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


def _files(manifest: Any) -> dict[str, Any]:
    return {layer.get("annotations", {}).get(_TITLE, ""): layer for layer in manifest.get("layers", [])}


def _digest_of(descriptor: Any) -> str:
    digest = descriptor.get("digest", "")
    if not isinstance(digest, str) or len(digest) != 71 or not digest.startswith("sha256:") or not digest[7:].isalnum():
        raise Refused("the bundle lists something without its SHA-256")
    return digest


def _read(open_name: Open, descriptor: Any) -> Any:
    """A document, which is what its digest says."""
    digest = _digest_of(descriptor)
    with open_name(f"blobs/sha256/{digest[7:]}") as file:
        content = file.read(_MAX_DOCUMENT_BYTES + 1)
    if len(content) > _MAX_DOCUMENT_BYTES or f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
        raise Refused(f"the bundle is damaged: {digest} is something else")
    return _parsed(content)


def _parsed(content: bytes) -> Any:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise Refused("the bundle has a document that is no JSON") from exc
    if not isinstance(document, dict):
        raise Refused("the bundle has a document that is no table")
    return document


def _copy(open_name: Open, descriptor: Any, place: Path) -> None:
    digest, hashed = _digest_of(descriptor), hashlib.sha256()
    with open_name(f"blobs/sha256/{digest[7:]}") as file, place.open("xb") as copy:
        while chunk := file.read(_CHUNK_BYTES):
            hashed.update(chunk)
            copy.write(chunk)
    if f"sha256:{hashed.hexdigest()}" != digest:
        place.unlink()
        raise Refused(f"the bundle is damaged: {digest} is something else")


def _untar(archive: Path, folder: Path) -> None:
    """Files alone, each at a place of its own inside the folder."""
    with tarfile.open(archive, "r:") as source:
        for member in source:
            path = PurePosixPath(member.name)
            if member.type not in tarfile.REGULAR_TYPES or path.is_absolute() or ".." in path.parts:
                raise Refused(f"the source has {member.name!r}, which leads out of it, or is no file")
            place, content = folder / path, source.extractfile(member)
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as file:
                if content is not None:
                    shutil.copyfileobj(content, file)


if __name__ == "__main__":
    main()
