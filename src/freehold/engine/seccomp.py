# SPDX-License-Identifier: Apache-2.0
"""The system calls that an engine may not make. What is refused answers with an error that the engine can live with.

Pure: makes a program, installs nothing (``jail.py`` does).
"""

import errno
from typing import Final

from freehold.seal.bpf import Check, Machine, Refusal, refusing
from freehold.seal.rules import MOUNTS

_AF_UNIX, _SOCK_STREAM, _SOCK_TYPE_MASK = 1, 1, 0xF
_AF_INET, _AF_INET6, _AF_NETLINK = 2, 10, 16
_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020000  # of mounts, control groups, names, IPC, users, processes, networks
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_TIOCSTI, _FIOSETOWN, _SIOCSPGRP = 0x5412, 0x8901, 0x8902


def program(machine: Machine, *, pid: int, may_execute: bool) -> bytes:
    """The filter for a process ``pid``, as an array of ``struct sock_filter``.

    With ``may_execute`` the process may still replace itself by another program; the filter stays with it.
    """
    return refusing(machine, refusals(pid=pid, may_execute=may_execute))


def refusals(*, pid: int, may_execute: bool) -> tuple[Refusal, ...]:
    """What the filter refuses, in words."""
    stream_only = (Check(0, _AF_UNIX), Check(1, _SOCK_STREAM, _SOCK_TYPE_MASK))
    itself = (Check(0, pid),)
    conditional = (
        Refusal("connect", errno.EACCES),
        # A datagram socket sends to an address without connecting, and the address lies behind a pointer.
        Refusal("socket", errno.EACCES, stream_only),
        Refusal("socketpair", errno.EACCES, stream_only),
        Refusal("sendto", errno.EACCES, (Check(5, 0),)),
        Refusal("clone", errno.EPERM, (Check(0, _CLONE_THREAD, _CLONE_THREAD),)),
        Refusal("clone3", errno.ENOSYS),  # its flags lie behind a pointer; the C library falls back to clone
        Refusal("kill", errno.EPERM, itself),
        Refusal("tgkill", errno.EPERM, itself),
        Refusal("prlimit64", errno.EPERM, (Check(0, 0),)),
        Refusal("fcntl", errno.EPERM, tuple(_is_not(1, value) for value in (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX))),
        Refusal("ioctl", errno.EPERM, tuple(_is_not(1, value) for value in (_TIOCSTI, _FIOSETOWN, _SIOCSPGRP))),
    )
    never = tuple(Refusal(call, errno.EPERM) for call in NEVER)
    return conditional + never + (() if may_execute else (Refusal("execve", errno.EPERM),))


def household_program(machine: Machine) -> bytes:
    """The filter for a program that works as several processes, which speak to each other over sockets."""
    return refusing(machine, household_refusals())


def household_refusals() -> tuple[Refusal, ...]:
    """What that refuses: less than the other, by what such a program lives on. What its sockets reach, and whom its
    signals, is bounded by its namespaces.
    """
    conditional = (
        Refusal("socket", errno.EACCES, (Check(0, _AF_UNIX, others=(_AF_INET, _AF_INET6, _AF_NETLINK)),)),
        Refusal("clone", errno.EPERM, (Check(0, 0, _CLONE_NAMESPACES),)),
        Refusal("clone3", errno.ENOSYS),
        Refusal("ioctl", errno.EPERM, tuple(_is_not(1, value) for value in (_TIOCSTI, _FIOSETOWN, _SIOCSPGRP))),
    )
    return conditional + tuple(Refusal(call, errno.EPERM) for call in NEVER if call not in _OF_A_HOUSEHOLD)


def _is_not(argument: int, value: int) -> Check:
    return Check(argument, value, equal=False)


NEVER: Final = (
    # new processes and other programs
    "fork",
    "vfork",
    "execveat",
    "memfd_create",
    "uselib",
    "personality",
    # other processes
    "tkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "process_mrelease",
    "kcmp",
    "setpriority",
    "ioprio_set",
    "sched_setparam",
    "sched_setscheduler",
    "sched_setattr",
    "sched_setaffinity",
    "migrate_pages",
    "move_pages",
    # ways round a filter of system calls, and wide kernel surfaces
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "modify_ldt",
    "fanotify_init",
    "inotify_init",
    "inotify_init1",
    "keyctl",
    "add_key",
    "request_key",
    "shmget",
    "shmat",
    "semget",
    "msgget",
    "mq_open",
    # namespaces and mounts
    "unshare",
    "setns",
    *MOUNTS,
    # files, where Landlock does not look
    "name_to_handle_at",
    "open_by_handle_at",
    "truncate",
    "chmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "lchown",
    "fchownat",
    "utime",
    "utimes",
    "futimesat",
    "utimensat",
    "setxattr",
    "lsetxattr",
    "setxattrat",
    "removexattr",
    "lremovexattr",
    "removexattrat",
    "file_setattr",
    # the machine
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "syslog",
    "acct",
    "quotactl",
    "quotactl_fd",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
)

_OF_A_HOUSEHOLD: Final = frozenset(
    {
        *("fork", "vfork", "memfd_create", "pidfd_open", "tkill"),
        *("sched_setaffinity", "sched_setscheduler", "setpriority", "migrate_pages", "move_pages"),
        *("truncate", "chmod", "fchmodat", "fchmodat2", "utime", "utimes", "futimesat", "utimensat"),
    }
)
