# SPDX-License-Identifier: Apache-2.0
"""Leaves this machine's network, then becomes a command: ``python -m freehold.egress.enclosed END PARENT COMMAND...``.

END is a descriptor of a unix socket. Over it goes the socket on which a proxy is to listen, in the network that holds
nothing else. Where the user may make no such network, it is the descriptor on which every ``connect(2)`` of the command
arrives instead, to be answered with a connection to that proxy. Where neither can be had it is the reason, and the
command is not run. What is set here cannot be undone by the command.
"""

import errno
import fcntl
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Final

from freehold.seal import kernel
from freehold.seal.bpf import Check, Refusal, machine, refusing

PROXY_PORT: Final = 3128  # free, because the network is new
SAID_BYTES: Final = 256
LISTENING, DIVERTED = b"listening", b"diverted"

# From linux/sched.h, linux/prctl.h, linux/sockios.h and linux/if.h.
_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x40000000
_PR_SET_PDEATHSIG: Final = 1
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_IFREQ: Final = struct.Struct("=16sh22x")

_AF_INET, _INET6_TOO = 2, 0xFFFFFFFF & ~8  # AF_INET6 is 10: the mask makes both of them 2
_SOCK_STREAM, _SOCK_TYPE_MASK = 1, 0xF
_IPPROTO_TCP, _MSG_FASTOPEN = 6, 0x20000000
_STREAM: Final = Check(1, _SOCK_STREAM, _SOCK_TYPE_MASK)
_REFUSED: Final = (
    Refusal("socketpair", errno.EACCES, (_STREAM,)),  # one of datagrams can be turned to another socket
    *(
        Refusal(call, errno.EPERM)
        for call in (
            *("io_uring_setup", "io_uring_enter", "io_uring_register", "setns", "unshare", "mount", "fsopen"),
            *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "bpf", "perf_event_open"),
        )
    ),
)
_IN_A_NETWORK_OF_ITS_OWN: Final = (Refusal("socket", errno.EACCES, (Check(0, _AF_INET, _INET6_TOO),)), *_REFUSED)
_IN_THIS_MACHINES: Final = (
    # TCP alone, and no way to open a connection but connect(2): SCTP has one, and so has TCP's own fast open
    Refusal("socket", errno.EACCES, (Check(0, _AF_INET, _INET6_TOO), _STREAM, Check(2, 0, 0xFFFFFFFF & ~_IPPROTO_TCP))),
    Refusal("sendto", errno.EACCES, (Check(5, 0), Check(3, 0, _MSG_FASTOPEN))),
    Refusal("sendmsg", errno.EACCES, (Check(2, 0, _MSG_FASTOPEN),)),
    Refusal("sendmmsg", errno.EACCES, (Check(3, 0, _MSG_FASTOPEN),)),
    *_REFUSED,
)


def main() -> None:
    end, parent_pid, *command = sys.argv[1:]
    with socket.socket(fileno=int(end)) as told:
        try:
            said, descriptor = _enclose(int(parent_pid))
        except OSError as exc:
            told.send(str(exc.strerror).encode()[:SAID_BYTES])
            sys.exit(1)
        socket.send_fds(told, [said], [descriptor])
        os.close(descriptor)
    os.execvp(command[0], command)  # noqa: S606 - the list is the caller's


def _enclose(parent_pid: int) -> tuple[bytes, int]:
    """How it is enclosed, and the descriptor for that. Raises OSError saying which step was refused."""
    kind = machine()
    if kind is None:
        raise OSError(errno.ENOSYS, "there is no filter of system calls for this kind of machine")
    try:
        _unshare()
        alone = True
    except OSError:
        alone = False
    kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # not earlier: another user namespace clears it
    if os.getppid() != parent_pid:
        raise OSError(errno.ESRCH, "whoever wanted it is gone")
    try:
        kernel.keep_privileges_as_they_are()
        if not alone:
            return DIVERTED, kernel.install_with_listener(kind, refusing(kind, _IN_THIS_MACHINES, asked=("connect",)))
        listening = socket.create_server(("127.0.0.1", PROXY_PORT)).detach()
        kernel.install(kind, refusing(kind, _IN_A_NETWORK_OF_ITS_OWN))
    except OSError as exc:
        raise OSError(exc.errno, f"the kernel does not let it ({kernel.reason(exc)})") from exc
    return LISTENING, listening


def _unshare() -> None:
    """Into a network with nothing but loopback. The user stays who it was, and has power over nothing outside."""
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", _IFF_UP))


if __name__ == "__main__":
    main()
