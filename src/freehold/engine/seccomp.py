# SPDX-License-Identifier: Apache-2.0
"""The system calls that an engine may not make, as a classic BPF program for seccomp(2).

Pure: makes bytes, installs nothing (``jail.py`` does). What is refused answers with an error that the engine can live
with; a foreign architecture's calls end the process. The numbers of both supported architectures stand side by side; a
call newer than this table answers ENOSYS, so that a kernel upgrade opens nothing.
"""

import errno
import platform
import struct
from dataclasses import dataclass
from typing import Final, Literal

Machine = Literal["x86_64", "aarch64"]

_ARCHITECTURE: Final[dict[Machine, int]] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
_X32_BIT: Final = 0x40000000
_NEWEST_REVIEWED: Final = 469  # file_setattr; numbers from 424 on are the same on every architecture

# From linux/bpf_common.h and linux/seccomp.h.
_LOAD, _AND = 0x20, 0x54
_JUMP_EQUAL, _JUMP_AT_LEAST = 0x15, 0x35
_RETURN = 0x06
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # in struct seccomp_data
_FILTER = struct.Struct("=HBBI")

_AF_UNIX, _SOCK_STREAM, _SOCK_TYPE_MASK = 1, 1, 0xF
_CLONE_THREAD = 0x00010000
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_TIOCSTI, _FIOSETOWN, _SIOCSPGRP = 0x5412, 0x8901, 0x8902
_WORD = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Check:
    """A test of one argument's low 32 bits: ``argument & mask`` equals ``value``, or does not."""

    argument: int
    value: int
    mask: int = _WORD
    equal: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that answers ``error``, unless every check holds; without checks, always."""

    call: str
    error: int
    unless: tuple[Check, ...] = ()


def machine() -> Machine | None:
    """The host's, if there is a filter for it."""
    return next((known for known in _ARCHITECTURE if (known, "Linux") == (platform.machine(), platform.system())), None)


def program(machine: Machine, *, pid: int, may_execute: bool) -> bytes:
    """The filter for a process ``pid``, as an array of ``struct sock_filter``.

    With ``may_execute`` the process may still replace itself by another program; the filter stays with it.
    """
    code = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_JUMP_EQUAL, _ARCHITECTURE[machine], if_true=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER_AT),
    ]
    if machine == "x86_64":
        code += [_step(_JUMP_AT_LEAST, _X32_BIT, if_false=1), _step(_RETURN, _KILL)]
    code += [_step(_JUMP_AT_LEAST, _NEWEST_REVIEWED + 1, if_false=1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    for refusal in refusals(pid=pid, may_execute=may_execute):
        number = (_SOMETIMES | _NEVER)[refusal.call][0 if machine == "x86_64" else 1]
        if number is not None:
            code += _refuse(number, refusal)
    return b"".join([*code, _step(_RETURN, _ALLOW)])


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
    never = tuple(Refusal(call, errno.EPERM) for call in _NEVER)
    return conditional + never + (() if may_execute else (Refusal("execve", errno.EPERM),))


def _is_not(argument: int, value: int) -> Check:
    return Check(argument, value, equal=False)


def _refuse(number: int, refusal: Refusal) -> list[bytes]:
    body: list[bytes] = []
    for done, check in enumerate(refusal.unless, start=1):
        away = 3 * (len(refusal.unless) - done) + 1  # over the remaining checks and RETURN ALLOW
        true, false = (0, away) if check.equal else (away, 0)
        body += [
            _step(_LOAD, _ARGUMENTS_AT + 8 * check.argument),  # both architectures are little-endian
            _step(_AND, check.mask),
            _step(_JUMP_EQUAL, check.value, if_true=true, if_false=false),
        ]
    if refusal.unless:
        body.append(_step(_RETURN, _ALLOW))
    body.append(_step(_RETURN, _ERRNO | refusal.error))
    return [_step(_JUMP_EQUAL, number, if_false=len(body)), *body]


def _step(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return _FILTER.pack(code, if_true, if_false, value)


# Number on x86_64, on aarch64; None where there is no such call. From the kernel's unistd.h of each.
_SOMETIMES: Final[dict[str, tuple[int | None, int | None]]] = {
    "connect": (42, 203),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "sendto": (44, 206),
    "clone": (56, 220),
    "clone3": (435, 435),
    "execve": (59, 221),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
}
_NEVER: Final[dict[str, tuple[int | None, int | None]]] = {
    # new processes and other programs
    "fork": (57, None),
    "vfork": (58, None),
    "execveat": (322, 281),
    "memfd_create": (319, 279),
    "uselib": (134, None),
    "personality": (135, 92),
    # other processes
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # ways round a filter of system calls, and wide kernel surfaces
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "modify_ldt": (154, None),
    "fanotify_init": (300, 262),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # namespaces and mounts
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    # files, where Landlock does not look
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "truncate": (76, 45),
    "chmod": (90, None),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    # the machine
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "syslog": (103, 116),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
}
