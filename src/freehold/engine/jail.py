# SPDX-License-Identifier: Apache-2.0
"""Makes the calling process a prisoner: no network, no connections, no file but those granted, no other process.

Standard library only, one thread only, and no way back: what is set here stays through exec until the process ends.
Nothing is pretended: a part that the host does not have is named, with the reason, in the ``Jail`` that is returned.
"""

import contextlib
import ctypes
import errno
import os
import platform
import resource
import signal
import stat
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from freehold.contract.backend import Jail
from freehold.engine import landlock, seccomp

# From linux/sched.h, linux/prctl.h, linux/seccomp.h, linux/capability.h, linux/landlock.h and unistd.h.
_CLONE_NEWUTS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x04000000, 0x08000000, 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1
_CAPABILITY_VERSION_3, _CAPABILITIES = 0x20080522, 64
_LANDLOCK_CREATE_RULESET_VERSION, _LANDLOCK_RULE_PATH_BENEATH = 1, 1
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_SECCOMP: Final[dict[seccomp.Machine, int]] = {"x86_64": 317, "aarch64": 277}
_CAPSET: Final[dict[seccomp.Machine, int]] = {"x86_64": 126, "aarch64": 91}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What the prisoner keeps."""

    parent_pid: int  # its death is the prisoner's
    grants: tuple[landlock.Grant, ...]
    descriptors: frozenset[int] = frozenset()  # left open beside the three standard ones
    may_execute: bool = False  # replace itself, by a program that a grant lets it execute


def enter(cell: Cell) -> Jail:
    """Lock the calling process in. Must run before it has a second thread or any descriptor that it should not have."""
    machine = seccomp.machine()
    if machine is None:
        return Jail(missing=(f"everything: there is no jail for {platform.system()} on {platform.machine()}",))
    _close_all_but(cell.descriptors | {0, 1, 2})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    missing = [
        reason
        for reason in (
            _unshare(),
            _drop_capabilities(machine),
            _restrict(cell.grants),
            _filter(machine, may_execute=cell.may_execute),
        )
        if reason
    ]
    _prctl(_PR_SET_DUMPABLE, 0)
    _die_with(cell.parent_pid)
    lacks = {reason.partition(":")[0] for reason in missing}
    return Jail(
        network_namespace="network namespace" not in lacks,
        seccomp="seccomp" not in lacks,
        landlock="landlock" not in lacks,
        missing=tuple(missing),
    )


def narrow(jail: Jail, grants: tuple[landlock.Grant, ...]) -> Jail:
    """Keep only those of the earlier grants that are named again."""
    reason = _restrict(grants) if jail.landlock else ""
    return replace(jail, landlock=False, missing=(*jail.missing, reason)) if reason else jail


def _close_all_but(keep: frozenset[int]) -> None:
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor not in keep:
            with contextlib.suppress(OSError):  # the descriptor of the listing itself is closed already
                os.close(descriptor)


def _unshare() -> str:
    """Leave the host's network. An ordinary user may do so inside a user namespace of its own."""
    kinds = _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS
    if _libc.unshare(kinds) == 0:
        return ""
    user, group = os.geteuid(), os.getegid()
    if _libc.unshare(_CLONE_NEWUSER | kinds) != 0:
        return f"network namespace: this user may make none, nor a user namespace ({_errno_name()})"
    with contextlib.suppress(OSError):  # without the mapping the process has no name in its namespace, and needs none
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return ""


def _drop_capabilities(machine: seccomp.Machine) -> str:
    """Root, and whoever made a user namespace, holds capabilities; a prisoner holds none."""
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for capability in range(_CAPABILITIES):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused past the last one, and to those who hold none
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    if _syscall(_CAPSET[machine], header, bytes(24)) != 0:
        return f"capabilities: they could not be dropped ({_errno_name()})"
    return ""


def _restrict(grants: tuple[landlock.Grant, ...]) -> str:
    abi = _syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
    if abi < 1:
        return f"landlock: the kernel does not have it, or has it switched off ({_errno_name()})"
    attributes = landlock.ruleset_attributes(abi)
    ruleset = _syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0)
    if ruleset < 0:
        return f"landlock: the kernel refused the rules ({_errno_name()})"
    try:
        for grant in grants:
            _allow(ruleset, grant, abi)
        if _syscall(_LANDLOCK_RESTRICT, ruleset, 0) != 0:
            return f"landlock: the kernel refused to apply the rules ({_errno_name()})"
    finally:
        os.close(ruleset)
    return ""


def _allow(ruleset: int, grant: landlock.Grant, abi: int) -> None:
    """Add one grant. One that cannot be added is one thing less that the prisoner may do."""
    descriptor = grant.place
    if isinstance(descriptor, Path):
        try:
            descriptor = os.open(descriptor, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return  # not on this host, such as /lib64
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = landlock.rule_attributes(grant.access, descriptor, abi=abi, is_folder=is_folder)
        _syscall(_LANDLOCK_ADD, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0)
    finally:
        if descriptor is not grant.place:
            os.close(descriptor)


def _filter(machine: seccomp.Machine, *, may_execute: bool) -> str:
    code = seccomp.program(machine, pid=os.getpid(), may_execute=may_execute)
    steps = ctypes.create_string_buffer(code, len(code))
    descriptor = struct.pack("@HP", len(code) // 8, ctypes.addressof(steps))
    if _syscall(_SECCOMP[machine], _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, descriptor) != 0:
        return f"seccomp: the kernel refused the filter ({_errno_name()})"
    return ""


def _die_with(parent_pid: int) -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it died before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise RuntimeError(f"prctl {option} must not fail, and did ({_errno_name()})")


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    """The call's result, or -1 with the reason in errno. Bytes are passed by address."""
    return int(_libc.syscall(ctypes.c_long(number), *map(_as_word, arguments)))


def _as_word(argument: int | bytes | None) -> ctypes.c_long | ctypes.c_char_p:
    return ctypes.c_long(argument) if isinstance(argument, int) else ctypes.c_char_p(argument)


def _errno_name() -> str:
    return errno.errorcode.get(ctypes.get_errno(), "no reason given")


_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)
_libc.syscall.restype = ctypes.c_long
