# SPDX-License-Identifier: Apache-2.0
"""Landlock's rules, as values. Pure: puts no ruleset in force (``kernel.py`` does)."""

import struct
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path


class Access(IntFlag):
    """Rights on files, from linux/landlock.h."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15
    RESOLVE_UNIX = 1 << 16


READ = Access.READ_FILE | Access.READ_DIR
OWN_FOLDER = READ | Access.WRITE_FILE | Access.MAKE_SOCK | Access.REMOVE_FILE
RUN = READ | Access.EXECUTE

_OF_A_FILE = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
_FIRST_UNKNOWN = {1: Access.REFER, 2: Access.TRUNCATE, 3: Access.IOCTL_DEV, 4: Access.IOCTL_DEV}  # by ABI
_TCP_BIND, _TCP_CONNECT = 0b01, 0b10  # from ABI 4
_ABSTRACT_UNIX, _SIGNALS = 0b01, 0b10  # from ABI 6: only within the ruleset's own processes


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights on one file, or on everything beneath one folder: a path, or a descriptor that is open already."""

    place: Path | int
    access: Access


def handled(abi: int) -> Access:
    """Every file right that a kernel of this ABI knows."""
    end = _FIRST_UNKNOWN.get(abi, Access.RESOLVE_UNIX if abi < 9 else Access.RESOLVE_UNIX << 1)
    return Access(int(end) - 1)


def ruleset_attributes(abi: int) -> bytes:
    """``struct landlock_ruleset_attr`` for a jail: every right is handled, so whatever no grant gives is refused."""
    return _attributes(abi, handled(abi), _TCP_BIND | _TCP_CONNECT, _ABSTRACT_UNIX | _SIGNALS)


def household_attributes(abi: int) -> bytes:
    """The same for a jail whose processes may dial each other, in a network namespace where there is nobody else."""
    return _attributes(abi, handled(abi), 0, _ABSTRACT_UNIX | _SIGNALS)


def staying_attributes(abi: int) -> bytes:
    """The same for a process that may open any file, but move or link none into another folder, and dial nobody."""
    return _attributes(abi, Access.REFER, _TCP_CONNECT, _ABSTRACT_UNIX)


def rule_attributes(access: Access, descriptor: int, *, abi: int, is_folder: bool) -> bytes:
    """``struct landlock_path_beneath_attr``: the part of ``access`` that this ABI and this kind of file know."""
    known = access & handled(abi) & (Access(-1) if is_folder else _OF_A_FILE)
    return struct.pack("=Qi", int(known), descriptor)


def _attributes(abi: int, files: Access, network: int, scoped: int) -> bytes:
    """As long as this ABI has it."""
    fields = [int(files)]
    if abi >= 4:
        fields.append(network)
    if abi >= 6:
        fields.append(scoped)
    return struct.pack(f"={len(fields)}Q", *fields)
