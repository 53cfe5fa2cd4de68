# SPDX-License-Identifier: Apache-2.0
"""How a process seals itself and all that it will start. There is no way back: it holds, or it raises."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from freehold.errors import EstateError
from freehold.seal import kernel, landlock, rules
from freehold.seal.bpf import machine

_NEEDED: Final = "a sealed estate needs Linux 5.19 or later on x86-64 or AArch64, with seccomp and Landlock on"
_WARDEN_NEEDS: Final = (
    "it has to read their memory and to take their descriptors, so kernel.yama.ptrace_scope must be 0 or 1, and a "
    "container's own filter must let pidfd_getfd through"
)
_LEAST_LANDLOCK: Final = 2  # the first that lets files be moved between some folders, and not into others


def seal(warden: int, movable: Sequence[Path]) -> None:
    """Seal this process, whose warden listens at the other end of the descriptor. It must have one thread only.

    Files can be moved and linked from folder to folder within each of ``movable``, and nowhere else: a socket of
    somebody else must not come to lie among the estate's own. Raises EstateError.
    """
    host = machine()
    if host is None:
        raise EstateError(f"there is no filter of system calls for this machine; {_NEEDED}")
    kernel.keep_privileges_as_they_are()
    _stay(movable)
    try:
        listener = kernel.install_with_listener(host, rules.sealed(host))
    except OSError as exc:
        raise EstateError(f"the kernel refused the filter that seals ({kernel.reason(exc)}); {_NEEDED}") from exc
    try:
        with socket.socket(fileno=warden) as end:
            socket.send_fds(end, [b"!"], [listener])
    except OSError as exc:
        raise EstateError(f"the warden does not take what is asked of it ({kernel.reason(exc)})") from exc
    finally:
        os.close(listener)


def prove(path: str) -> None:
    """Connect to a socket of the estate, which only the warden can. Raises EstateError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as own:
        try:
            own.connect(path)
        except OSError as exc:
            what = f"the warden cannot connect for the estate's processes ({kernel.reason(exc)})"
            raise EstateError(f"{what}; {_WARDEN_NEEDS}") from exc


def _stay(movable: Sequence[Path]) -> None:
    try:
        abi = kernel.landlock_abi()
        if abi >= _LEAST_LANDLOCK:
            grants = tuple(landlock.Grant(folder, landlock.Access.REFER) for folder in movable)
            return kernel.restrict(landlock.staying_attributes(abi), grants, abi)
    except OSError as exc:
        raise EstateError(f"the kernel has no Landlock in force ({kernel.reason(exc)}); {_NEEDED}") from exc
    raise EstateError(f"the kernel's Landlock is too old (ABI {abi}); {_NEEDED}")
