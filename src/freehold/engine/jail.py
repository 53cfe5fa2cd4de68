# SPDX-License-Identifier: Apache-2.0
"""Makes the calling process a prisoner: no network, no connections, no file but those granted, no other process.

Standard library only, one thread only, and no way back: what is set here stays through exec until the process ends.
Nothing is pretended: a part that the host does not have is named, with the reason, in the ``Jail`` that is returned.
"""

import contextlib
import os
import platform
import resource
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from freehold.contract.backend import Jail
from freehold.engine import seccomp
from freehold.seal import kernel, landlock
from freehold.seal.bpf import Machine, machine

# From linux/sched.h, linux/prctl.h, linux/capability.h and unistd.h.
_CLONE_NEWUTS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x04000000, 0x08000000, 0x10000000, 0x40000000
PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 4, 24
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3, _CAPABILITIES = 0x20080522, 64
_CAPSET: Final[dict[Machine, int]] = {"x86_64": 126, "aarch64": 91}

NOWHERE: Final = Jail(missing=(f"everything: there is no jail for {platform.system()} on {platform.machine()}",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What the prisoner keeps."""

    parent_pid: int  # its death is the prisoner's
    grants: tuple[landlock.Grant, ...]
    descriptors: frozenset[int] = frozenset()  # left open beside the three standard ones
    may_execute: bool = False  # replace itself, by a program that a grant lets it execute


def enter(cell: Cell) -> Jail:
    """Lock the calling process in. Must run before it has a second thread or any descriptor that it should not have."""
    host = machine()
    if host is None:
        return NOWHERE
    give_up_the_rest(cell.descriptors)
    missing = (
        leave_network(),
        drop_capabilities(host),
        restrict(cell.grants, landlock.ruleset_attributes),
        install(host, seccomp.program(host, pid=os.getpid(), may_execute=cell.may_execute)),
    )
    kernel.prctl(_PR_SET_DUMPABLE, 0)
    die_with(cell.parent_pid)
    return held(*missing)


def narrow(jail: Jail, grants: tuple[landlock.Grant, ...]) -> Jail:
    """Keep only those of the earlier grants that are named again."""
    reason = restrict(grants, landlock.ruleset_attributes) if jail.landlock else ""
    return replace(jail, landlock=False, missing=(*jail.missing, reason)) if reason else jail


def held(*missing: str) -> Jail:
    """What holds, by the reasons why parts do not; an empty one is none."""
    reasons = tuple(filter(None, missing))
    lacks = {reason.partition(":")[0] for reason in reasons}
    return Jail(
        network_namespace="network namespace" not in lacks,
        seccomp="seccomp" not in lacks,
        landlock="landlock" not in lacks,
        missing=reasons,
    )


def give_up_the_rest(keep: frozenset[int]) -> None:
    """Close what the prisoner should not have; no core is dumped, no privilege gained."""
    _close_all_but(keep | {0, 1, 2})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    kernel.keep_privileges_as_they_are()


def _close_all_but(keep: frozenset[int]) -> None:
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor not in keep:
            with contextlib.suppress(OSError):  # the descriptor of the listing itself is closed already
                os.close(descriptor)


def leave_network(further: int = 0) -> str:
    """Leave the host's network, and the ``further`` kinds of namespaces with it; empty, or why not.

    An ordinary user may do so inside a user namespace of its own.
    """
    kinds = _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS | further
    with contextlib.suppress(OSError):
        kernel.unshare(kinds)
        return ""
    user, group = os.geteuid(), os.getegid()
    try:
        kernel.unshare(_CLONE_NEWUSER | kinds)
    except OSError as refusal:
        return f"network namespace: this user may make none, nor a user namespace ({kernel.reason(refusal)})"
    with contextlib.suppress(OSError):  # without the mapping the process has no name in its namespace, and needs none
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return ""


def drop_capabilities(machine: Machine) -> str:
    """Root, and whoever made a user namespace, holds capabilities; a prisoner holds none."""
    with contextlib.suppress(OSError):  # a kernel without ambient ones has none to clear
        kernel.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(_CAPABILITIES):
        with contextlib.suppress(OSError):  # refused past the last one, and to those who hold none
            kernel.prctl(_PR_CAPBSET_DROP, capability)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    try:
        kernel.syscall(_CAPSET[machine], header, bytes(24))
    except OSError as refusal:
        return f"capabilities: they could not be dropped ({kernel.reason(refusal)})"
    return ""


def restrict(grants: tuple[landlock.Grant, ...], attributes: Callable[[int], bytes]) -> str:
    """No file but the grants', by a ruleset with these attributes for the kernel's ABI."""
    try:
        abi = kernel.landlock_abi()
    except OSError as refusal:
        return f"landlock: the kernel does not have it, or has it switched off ({kernel.reason(refusal)})"
    try:
        kernel.restrict(attributes(abi), grants, abi)
    except OSError as refusal:
        return f"landlock: the kernel refused the rules ({kernel.reason(refusal)})"
    return ""


def install(machine: Machine, program: bytes) -> str:
    """The filter of system calls."""
    try:
        kernel.install(machine, program)
    except OSError as refusal:
        return f"seccomp: the kernel refused the filter ({kernel.reason(refusal)})"
    return ""


def die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends."""
    kernel.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it died before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)
