# SPDX-License-Identifier: Apache-2.0
"""``watched.py SOCKET COMMAND...``: becomes the command; every connection that it or what it starts tries is reported.

The kernel reports, by a filter of system calls, whatever the programs are written in. Imports nothing of the product.
"""

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

# connect, sendto, sendmsg, sendmmsg; and seccomp itself. From the kernel's unistd.h.
CALLS = {"x86_64": (42, 44, 46, 307), "aarch64": (203, 206, 211, 269)}[platform.machine()]
SECCOMP = {"x86_64": 317, "aarch64": 277}[platform.machine()]
_IO_URING_SETUP = 425  # can connect unseen; event loops that use it for files do without where it is not there
_ASK, _ALLOW, _NOT_THERE = 0x7FC00000, 0x7FFF0000, 0x00050000 | errno.ENOSYS
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_FIRST_ARGUMENT, _FIFTH_ARGUMENT = 16, 48
_NEW_LISTENER = 1 << 3
_HANDED_OVER_BY = 1000  # the one descriptor that may be written to before anybody listens


def main() -> None:
    watcher, *command = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as first:
        first.connect(watcher)
        os.dup2(first.fileno(), _HANDED_OVER_BY, inheritable=False)
    with socket.socket(fileno=_HANDED_OVER_BY) as told:
        listener = _install()
        socket.send_fds(told, [b"-"], [listener])
    os.close(listener)
    os.execvp(command[0], command)  # noqa: S606


def _install() -> int:
    program = _program()
    steps = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(steps))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    listener: int = libc.syscall(SECCOMP, 1, _NEW_LISTENER, described)
    if listener < 0:
        sys.exit(f"watched: the kernel takes no filter: {os.strerror(ctypes.get_errno())}")
    return listener


def _program() -> bytes:
    """Everything goes on as it is, but for the calls above, which wait until they are noted, and io_uring."""
    connect, sendto, sendmsg, sendmmsg = CALLS
    code = [_step(_LOAD, 0)]
    for call, answer in ((connect, _ASK), (sendmmsg, _ASK), (_IO_URING_SETUP, _NOT_THERE)):
        code += [_step(_JUMP_EQUAL, call, if_false=1), _step(_RETURN, answer)]
    # sendto without an address, on a socket that is connected
    code += [_step(_JUMP_EQUAL, sendto, if_false=4), _step(_LOAD, _FIFTH_ARGUMENT)]
    code += [_step(_JUMP_EQUAL, 0, if_false=1), _step(_RETURN, _ALLOW), _step(_RETURN, _ASK)]
    code += [_step(_JUMP_EQUAL, sendmsg, if_false=4), _step(_LOAD, _FIRST_ARGUMENT)]
    code += [_step(_JUMP_EQUAL, _HANDED_OVER_BY, if_false=1), _step(_RETURN, _ALLOW), _step(_RETURN, _ASK)]
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def _step(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


if __name__ == "__main__":
    main()
