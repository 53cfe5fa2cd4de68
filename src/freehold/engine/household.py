# SPDX-License-Identifier: Apache-2.0
"""A jail for a program that works as several processes and cannot do without ``connect(2)``: vLLM.

It may connect, so there is nobody to connect to: its network has a loopback and nothing else, its file system only the
places that are named (``own_root.py``), its list of processes only its own. What that leaves it, beyond what a lone
prisoner has, is in ``LEFT``. Where the host cannot give all of it there is nothing to hold such a program, and the
caller must not run it.
"""

import fcntl
import os
import select
import signal
import socket
import struct
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from freehold.contract.backend import Jail
from freehold.engine import jail, own_root, seccomp
from freehold.seal import kernel, landlock
from freehold.seal.bpf import machine

LEFT: Final = (
    "connect(2), and any socket of unix and of the internet: there is nobody to reach but itself",
    "to start processes and programs of the system, and signals among them",
    "to read all of its environment and of the system's programs, and memory to write files to",
)

_CLONE_NEWPID: Final = 0x20000000  # of linux/sched.h
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1  # of linux/sockios.h and linux/if.h
_REQUEST: Final = struct.Struct("=16sH22x")  # struct ifreq


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """What the prisoners keep."""

    parent_pid: int  # its death is theirs
    grants: tuple[landlock.Grant, ...]
    root: own_root.Root
    descriptors: frozenset[int] = frozenset()


def enter(cell: Household) -> Jail:
    """Lock the calling process in, as the first of a household. Returns in a new process: this one waits for it, and
    ends as it does. When either dies the kernel ends all that are in it. Must run before there is a second thread.
    """
    host = machine()
    if host is None:
        return jail.NOWHERE
    jail.give_up_the_rest(cell.descriptors)
    alone = jail.leave_network(own_root.NAMESPACE | _CLONE_NEWPID)
    if alone:
        return jail.held(alone, "own root: it needs namespaces too")
    _raise_loopback()
    _move_in(cell.parent_pid)
    held = jail.held(
        own_root.enter(cell.root, host),
        jail.drop_capabilities(host),
        jail.restrict(cell.grants, landlock.household_attributes),
        jail.install(host, seccomp.household_program(host)),
    )
    return replace(held, left=LEFT)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        name, flags = _REQUEST.unpack(fcntl.ioctl(own, _SIOCGIFFLAGS, _REQUEST.pack(b"lo", 0)))
        fcntl.ioctl(own, _SIOCSIFFLAGS, _REQUEST.pack(name, flags | _IFF_UP))


def _move_in(parent_pid: int) -> None:
    """Go on as the first of the new list of processes, whose end is the end of all in it."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child:
        os.close(ours)
        _wait(child, parent_pid)
    os.close(theirs)
    kernel.prctl(jail.PR_SET_PDEATHSIG, signal.SIGKILL)
    if select.select([ours], [], [], 0)[0]:  # who waits for it died before the kernel was told
        os._exit(1)
    os.close(ours)


def _wait(child: int, parent_pid: int) -> NoReturn:
    """End as the child does. Whoever ends this process's group ends the child too, and that is waited for."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    jail.die_with(parent_pid)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        signal.signal(number, signal.SIG_DFL) if number not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))
