# SPDX-License-Identifier: Apache-2.0
"""The system calls behind jails and seals that Python has no function for. Decides nothing; a refusal is an OSError."""

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from freehold.seal import landlock
from freehold.seal.bpf import Machine

# From linux/prctl.h, linux/seccomp.h, linux/landlock.h and unistd.h.
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP: Final[dict[Machine, int]] = {"x86_64": 317, "aarch64": 277}
_SECCOMP_SET_MODE_FILTER = 1
# For every thread of the process; and a listener that answers what is asked, whose caller then waits undisturbed.
_ALL_THREADS, _LISTENER, _ALL_OR_ERROR, _UNINTERRUPTED = 1 << 0, 1 << 3, 1 << 4, 1 << 5
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_CREATE_RULESET_VERSION, _LANDLOCK_RULE_PATH_BENEATH = 1, 1
_PIDFD_GETFD: Final = 438


def keep_privileges_as_they_are() -> None:
    """No program that this process runs may gain any: what an ordinary user's filter needs."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def install(machine: Machine, program: bytes) -> None:
    """Put a filter in force for every thread of this process, and for all that it starts."""
    _install(machine, program, _ALL_THREADS)


def install_with_listener(machine: Machine, program: bytes) -> int:
    """The same, with the descriptor on which what is asked arrives. Needs Linux 5.19."""
    return _install(machine, program, _ALL_THREADS | _LISTENER | _ALL_OR_ERROR | _UNINTERRUPTED)


def landlock_abi() -> int:
    """What the kernel knows of Landlock; raises OSError where it has none in force."""
    return syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)


def restrict(attributes: bytes, grants: Iterable[landlock.Grant], abi: int) -> None:
    """Put a Landlock ruleset in force for this thread, and for all that it starts."""
    ruleset = syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0)
    try:
        for grant in grants:
            _allow(ruleset, grant, abi)
        syscall(_LANDLOCK_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


def take_descriptor(process: int, number: int) -> int:
    """A descriptor of our own for what another process, held by its pidfd, has open."""
    return syscall(_PIDFD_GETFD, process, number, 0)


def prctl(option: int, value: int, further: int = 0) -> None:
    if _libc.prctl(option, value, further, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def unshare(kinds: int) -> None:
    if _libc.unshare(kinds) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """The call's result. Bytes are passed by address."""
    result = int(_libc.syscall(ctypes.c_long(number), *map(_as_word, arguments)))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def reason(problem: OSError) -> str:
    """The kernel's reason by its name, such as EPERM."""
    return errno.errorcode.get(problem.errno or 0, "no reason given")


def _install(machine: Machine, program: bytes, flags: int) -> int:
    steps = ctypes.create_string_buffer(program, len(program))
    descriptor = struct.pack("@HP", len(program) // 8, ctypes.addressof(steps))
    return syscall(_SECCOMP[machine], _SECCOMP_SET_MODE_FILTER, flags, descriptor)


def _allow(ruleset: int, grant: landlock.Grant, abi: int) -> None:
    """Add one grant. One that cannot be added is one thing less that may be done."""
    descriptor = grant.place
    if isinstance(descriptor, Path):
        try:
            descriptor = os.open(descriptor, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return  # not on this host, such as /lib64
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = landlock.rule_attributes(grant.access, descriptor, abi=abi, is_folder=is_folder)
        syscall(_LANDLOCK_ADD, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0)
    except OSError:
        return
    finally:
        if descriptor is not grant.place:
            os.close(descriptor)


def _as_word(argument: int | bytes | None) -> ctypes.c_long | ctypes.c_char_p:
    return ctypes.c_long(argument) if isinstance(argument, int) else ctypes.c_char_p(argument)


_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)
_libc.unshare.argtypes = (ctypes.c_int,)
_libc.syscall.restype = ctypes.c_long
