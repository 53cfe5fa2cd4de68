# SPDX-License-Identifier: Apache-2.0
"""What a sealed process may not do, and the little that its warden may. Pure: makes filters, installs none.

A sealed process can make no socket but a unix stream, and ``connect(2)`` waits for the warden. Its other calls stay as
they were, but for those that lead round the filter: io_uring, what other processes have, mounts, the kernel itself.
"""

import errno
from typing import Final

from freehold.seal.bpf import Check, Machine, Refusal, permitting, refusing

_AF_UNIX, _SOCK_STREAM, _SOCK_TYPE_MASK = 1, 1, 0xF
_MSG_FASTOPEN = 0x20000000  # sends to an address without connect(2)


def sealed(machine: Machine) -> bytes:
    """The filter of a sealed process. Without a listener for what it asks, ``connect`` answers ENOSYS."""
    return refusing(machine, _REFUSALS, asked=("connect",))


def warden(machine: Machine) -> bytes:
    """The filter of the warden: it opens no socket of its own, and starts no program."""
    return permitting(machine, _OF_THE_WARDEN)


_STREAM_ONLY: Final = (Check(0, _AF_UNIX), Check(1, _SOCK_STREAM, _SOCK_TYPE_MASK))
_PLAIN: Final = 0  # without the flag
MOUNTS: Final = (  # other file systems, and the names of files
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "open_tree",
    "open_tree_attr",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
)
_AROUND: Final = (
    # calls that are made by others than the caller
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    # what other processes have: memory, descriptors, namespaces
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    "setns",
    # the kernel's own reach
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "init_module",
    "finit_module",
    "kexec_load",
    "kexec_file_load",
    "open_by_handle_at",
    *MOUNTS,
)
_REFUSALS: Final = (
    Refusal("socket", errno.EACCES, _STREAM_ONLY),
    Refusal("socketpair", errno.EACCES, _STREAM_ONLY),
    Refusal("sendto", errno.EACCES, (Check(5, 0), Check(3, _PLAIN, _MSG_FASTOPEN))),
    Refusal("sendmsg", errno.EACCES, (Check(2, _PLAIN, _MSG_FASTOPEN),)),
    Refusal("sendmmsg", errno.EACCES, (Check(3, _PLAIN, _MSG_FASTOPEN),)),
    *(Refusal(call, errno.EPERM) for call in _AROUND),
)
_OF_THE_WARDEN: Final = (
    # its work
    *("ioctl", "poll", "ppoll", "pidfd_open", "pidfd_getfd", "connect", "getsockname", "getsockopt", "fcntl"),
    *("openat", "read", "pread64", "lseek", "fstat", "newfstatat", "statx", "readlink", "readlinkat", "close", "write"),
    # the supervisor that it started
    *("kill", "wait4", "waitid", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
    # the interpreter
    *("mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "futex", "membarrier", "rseq", "set_robust_list"),
    *("getpid", "getppid", "gettid", "getrandom", "clock_gettime", "clock_nanosleep", "sched_yield"),
    *("exit", "exit_group"),
)
