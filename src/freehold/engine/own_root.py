# SPDX-License-Identifier: Apache-2.0
"""A root of its own for a program that has to be let connect: what is not in it cannot be opened, nor connected to.

A unix socket on a file system is found by its path, past every network namespace. Here there are no paths but those of
the places that are named, read only, one folder of the program's own, and memory. All of it ends with the program.
"""

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from freehold.seal import kernel
from freehold.seal.bpf import Machine
from freehold.seal.calls import NUMBERS

# From linux/mount.h and fcntl.h.
_NOSUID, _NODEV, _NOEXEC = 0x2, 0x4, 0x8
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_DETACH = 0x2  # of umount2
_ATTRIBUTE_READ_ONLY, _ATTRIBUTE_NOSUID = 0x1, 0x2
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_SYSTEM: Final = tuple(
    Path(name) for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr", "/nix/store", "/gnu/store")
)
_OF_THE_SYSTEM: Final = tuple(Path("/etc", name) for name in ("ld.so.cache", "localtime", "alternatives"))

NAMESPACE: Final = 0x00020000  # CLONE_NEWNS of linux/sched.h
MEMORY: Final = (Path("/tmp"), Path("/dev/shm"))  # noqa: S108 - the program's own, and nobody else's
FOLDER: Final = Path("/engine")  # beneath none of the others, whose rights would reach into it
DEVICES: Final = tuple(Path("/dev", name) for name in ("null", "zero", "full", "random", "urandom"))
READABLE: Final = (*_SYSTEM, *_OF_THE_SYSTEM, Path("/proc"), Path("/sys"), Path("/etc/hosts"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """What there is, besides the system's programs and libraries, ``/proc``, ``/sys`` and memory to write to.

    ``places`` stay where they are, and can only be read. ``texts`` are files with that content. ``opened`` are names
    for descriptors of the calling process, good for as long as it lives, and in all that it starts.
    """

    folder: Path  # the one of the host's that can be written to; it is FOLDER then
    places: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    texts: Mapping[Path, str] = field(default_factory=dict)
    opened: Mapping[Path, int] = field(default_factory=dict)


def enter(root: Root, machine: Machine) -> str:
    """Make it the calling process's root; empty, or why that could not be. Its mounts must be a namespace of its own.

    Returns with the folder as the working directory. Must be the first process of its process namespace.
    """
    try:
        _build(_Mounts(machine), root)
    except OSError as refusal:
        return f"own root: the files of the host could not be put out of reach ({kernel.reason(refusal)})"
    return ""


def _build(mounts: "_Mounts", root: Root) -> None:
    new = root.folder  # the memory hides the folder, and the descriptor has it
    folder = os.open(root.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        mounts.call("mount", b"none", b"/", None, _RECURSIVE | _PRIVATE, None)
        mounts.memory(new)
        for place in MEMORY:
            mounts.memory(_beneath(new, place, is_folder=True))
        for place in (*_SYSTEM, *_OF_THE_SYSTEM, *root.places):
            _show(mounts, new, place)
        for device in (*DEVICES, *root.devices):
            if device.exists():
                mounts.bind(str(device), _beneath(new, device, is_folder=device.is_dir()))
        mounts.processes(_beneath(new, Path("/proc"), is_folder=True))
        mounts.bind("/sys", _beneath(new, Path("/sys"), is_folder=True))
        mounts.read_only(new / "sys")
        mounts.bind(f"/proc/self/fd/{folder}", _beneath(new, FOLDER, is_folder=True), recursive=False)
        _furnish(new, root)
        mounts.turn_to(new)
        os.chdir(FOLDER)
    finally:
        os.close(folder)


def _show(mounts: "_Mounts", new: Path, place: Path) -> None:
    """A place, or the link that stands there; nothing where the host has none."""
    if place.is_symlink():
        link = _beneath(new, place.parent, is_folder=True) / place.name
        if not link.is_symlink():
            link.symlink_to(place.readlink())
    elif place.exists():
        point = _beneath(new, place, is_folder=place.is_dir())
        mounts.bind(str(place), point)
        mounts.read_only(point)


def _beneath(new: Path, place: Path, *, is_folder: bool) -> Path:
    """Where the place is to be: an empty folder, or an empty file."""
    point = new / place.relative_to("/")
    if is_folder:
        point.mkdir(parents=True, exist_ok=True)
    else:
        point.parent.mkdir(parents=True, exist_ok=True)
        point.touch()
    return point


def _furnish(new: Path, root: Root) -> None:
    (new / "dev/fd").symlink_to("/proc/self/fd")
    process = (new / "proc/self").readlink()  # as that /proc counts, which may be from the host's
    for place, descriptor in root.opened.items():
        (_beneath(new, place.parent, is_folder=True) / place.name).symlink_to(f"/proc/{process}/fd/{descriptor}")
    for place, text in root.texts.items():
        _beneath(new, place, is_folder=False).write_text(text, encoding="utf-8")


class _Mounts:
    """The calls that Python has no function for."""

    def __init__(self, machine: Machine) -> None:
        self._column = 0 if machine == "x86_64" else 1

    def call(self, name: str, *arguments: int | bytes | None) -> None:
        number = NUMBERS[name][self._column]
        assert number is not None, "both machines have it"  # noqa: S101
        kernel.syscall(number, *arguments)

    def memory(self, point: Path) -> None:
        self.call("mount", b"memory", bytes(point), b"tmpfs", _NOSUID | _NODEV, b"mode=0700")

    def bind(self, source: str, point: Path, *, recursive: bool = True) -> None:
        self.call("mount", os.fsencode(source), bytes(point), None, _BIND | (_RECURSIVE if recursive else 0), None)

    def read_only(self, point: Path) -> None:
        """With all that is mounted beneath. Needs Linux 5.12."""
        attributes = struct.pack("=4Q", _ATTRIBUTE_READ_ONLY | _ATTRIBUTE_NOSUID, 0, 0, 0)
        self.call("mount_setattr", _AT_FDCWD, bytes(point), _AT_RECURSIVE, attributes, len(attributes))

    def processes(self, point: Path) -> None:
        """Its own alone; where the kernel does not let that be, those of the host, which the jail keeps it from."""
        try:
            self.call("mount", b"proc", bytes(point), b"proc", _NOSUID | _NODEV | _NOEXEC, None)
        except PermissionError:
            self.bind("/proc", point)

    def turn_to(self, new: Path) -> None:
        """From here on there is nothing else."""
        os.chdir(new)
        self.call("pivot_root", b".", b".")
        self.call("umount2", b".", _DETACH)
        attributes = struct.pack("=4Q", _ATTRIBUTE_READ_ONLY, 0, 0, 0)
        self.call("mount_setattr", _AT_FDCWD, b"/", 0, attributes, len(attributes))
