# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PTH102, PTH108, PTH211, S108, S606, T201
"""A prisoner that tries to get out. Run by test_jail.py; enters the jail that the worker enters, and says what it got.

    python prisoner.py '{"weights": ..., "folder": ..., "estate": ..., ...}'

One JSON object on standard output: the jail, and for each attempt "refused" with the error's name, or "DONE".
"""

import ctypes
import errno
import json
import os
import platform
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from freehold.contract.backend import Jail
from freehold.engine import jail
from freehold.seal.landlock import OWN_FOLDER, READ, Access, Grant

NUMBERS = {  # of calls that Python has no function for: x86_64, aarch64
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "io_uring_setup": (425, 425),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "pidfd_getfd": (438, 438),
    "clone3": (435, 435),
    "process_madvise": (440, 440),
    "a_call_of_the_future": (600, 600),
}
PTRACE_SEIZE, CLONE_NEWUSER, CLONE_NEWNET = 0x4206, 0x10000000, 0x40000000

Attempts = Iterator[tuple[str, Callable[[], object]]]


def main() -> None:
    given = json.loads(sys.argv[1])
    weights = os.open(given["weights"], os.O_RDONLY)
    os.chdir(given["folder"])
    if given["free"]:
        print(json.dumps({"tried": {name: attempted(attempt) for name, attempt in local_sockets(given)}}))
        return
    held = imprison(given, weights)
    tried = {name: attempted(attempt) for name, attempt in attempts(given, weights)}
    lives = {name: attempted(attempt) for name, attempt in needs(weights)}
    print(json.dumps({"jail": asdict(held), "tried": tried, "lives": lives}))


def imprison(given: dict[str, Any], weights: int) -> Jail:
    """What the worker does, as whoever is asked for."""
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    os.open(given["secret"], os.O_RDONLY)  # a descriptor that the prisoner should not have
    if given["user"]:
        os.setgroups([])
        os.setresgid(given["user"], given["user"], given["user"])
        os.setresuid(given["user"], given["user"], given["user"])
    own = (Grant(weights, Access.READ_FILE), Grant(folder, OWN_FOLDER))
    kept = frozenset({weights, folder})
    if given["nested"]:  # a jail in which the next one finds parts missing
        jail.enter(jail.Cell(parent_pid=os.getppid(), grants=(Grant(Path("/"), READ), *own), descriptors=kept))
    held = jail.enter(jail.Cell(parent_pid=os.getppid(), grants=(Grant(Path("/usr"), READ), *own), descriptors=kept))
    for _ in range(1 + given["layers"]):
        held = jail.narrow(held, own)
    os.close(folder)
    return held


def attempted(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as exc:
        return f"refused {errno.errorcode[exc.errno or 0]}"
    return "DONE"


def attempts(given: dict[str, Any], weights: int) -> Attempts:
    yield from network(given)
    yield from files(given)
    yield from processes(given)
    yield from kernel()
    yield "write the weights", lambda: os.open(f"/proc/self/fd/{weights}", os.O_RDWR)
    yield "truncate the weights", lambda: os.truncate(given["weights"], 0)
    yield "inherited descriptor", lambda: other_descriptor(weights)


def other_descriptor(weights: int) -> None:
    for number in range(3, 64):
        if number != weights:
            try:
                os.fstat(number)
            except OSError:
                continue
            return
    raise OSError(errno.EBADF, "there is none")


def network(given: dict[str, Any]) -> Attempts:
    yield from local_sockets(given)
    yield "tcp to loopback, IPv6", lambda: dial(socket.AF_INET6, ("::1", given["tcp_port"]))
    yield "tcp to a public address", lambda: dial(socket.AF_INET, ("192.0.2.1", 443))
    yield "dns by udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"\0" * 12, ("192.0.2.53", 53))
    yield "listening on tcp", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).bind(("127.0.0.1", 0))
    yield "raw packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    yield "netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
    yield "vsock", lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)


def local_sockets(given: dict[str, Any]) -> Attempts:
    """Those that a process outside the jail reaches."""
    yield "tcp to loopback", lambda: dial(socket.AF_INET, ("127.0.0.1", given["tcp_port"]))
    yield "the control socket", lambda: dial(socket.AF_UNIX, given["control"])
    yield "the container engine's socket", lambda: dial(socket.AF_UNIX, given["container_engine"])
    yield "an abstract unix socket", lambda: dial(socket.AF_UNIX, "\0" + given["abstract"])
    yield "a unix datagram", lambda: throw(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), given["datagram"])
    yield "one of a pair", lambda: throw(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0], given["datagram"])


def dial(family: int, address: Any) -> None:
    caller = socket.socket(family, socket.SOCK_STREAM)
    caller.settimeout(1)
    caller.connect(address)


def throw(thrower: socket.socket, at: str) -> None:
    thrower.sendto(b"x", at)


def files(given: dict[str, Any]) -> Attempts:
    for path in given["files"]:
        yield f"read {path}", partial(os.open, path, os.O_RDONLY)
        yield f"write {path}", partial(os.open, path, os.O_WRONLY)
        yield f"empty {path}", partial(os.truncate, path, 0)
        yield f"open up {path}", partial(os.chmod, path, 0o777)
        yield f"remove {path}", partial(os.unlink, path)
        yield f"rename {path}", partial(os.rename, path, path + ".gone")
        yield f"link {path}", partial(os.link, path, "linked")
    for path in (given["estate"], given["vault"], "/", "/etc", "/proc", "/tmp"):
        yield f"list {path}", partial(os.listdir, path)
    yield "read /etc/passwd", lambda: os.open("/etc/passwd", os.O_RDONLY)
    yield "open a device", lambda: os.open("/dev/null", os.O_RDWR)
    yield "read a program", lambda: os.open("/usr/bin/env", os.O_RDONLY)
    yield "make a file in its folder", lambda: os.open("note", os.O_WRONLY | os.O_CREAT)
    yield "make a folder in its folder", lambda: os.mkdir("den")
    yield "make a link in its folder", lambda: os.symlink("/etc/passwd", "passwd")
    yield "make a pipe in its folder", lambda: os.mkfifo("pipe")
    yield "make a file elsewhere", lambda: os.open("/tmp/freehold-prisoner", os.O_WRONLY | os.O_CREAT)


def processes(given: dict[str, Any]) -> Attempts:
    parent = os.getppid()
    for part in ("environ", "mem", "maps", "status", "root", "fd/0", "cmdline"):
        yield f"read {part} of the supervisor", partial(os.open, f"/proc/{parent}/{part}", os.O_RDONLY)
    yield "read its own memory map", lambda: os.open("/proc/self/maps", os.O_RDONLY)
    yield "kill the supervisor", lambda: os.kill(parent, signal.SIGKILL)
    yield "ask after the supervisor", lambda: os.kill(parent, 0)
    yield "kill everybody", lambda: os.kill(-1, signal.SIGTERM)
    yield "kill its own group", lambda: os.kill(0, signal.SIGTERM)
    yield "hold the supervisor", lambda: os.pidfd_open(parent)
    yield "trace the supervisor", lambda: raw("ptrace", PTRACE_SEIZE, parent, 0, 0)
    yield "read the supervisor's memory", lambda: raw("process_vm_readv", parent, 0, 0, 0, 0, 0)
    yield "take the supervisor's descriptors", lambda: raw("pidfd_getfd", 0, 0, 0)
    yield "limit the supervisor", lambda: resource.prlimit(parent, resource.RLIMIT_CPU)
    yield "lower the supervisor's priority", lambda: os.setpriority(os.PRIO_PROCESS, parent, 19)
    yield "fork", os.fork
    yield "run a program", lambda: os.execv("/usr/bin/env", ["env"])
    yield "clone3", lambda: raw("clone3", 0, 0)


def kernel() -> Attempts:
    yield "io_uring", lambda: raw("io_uring_setup", 8, ctypes.create_string_buffer(120))
    yield "a new user namespace", lambda: raw("unshare", CLONE_NEWUSER)
    yield "a new network namespace", lambda: raw("unshare", CLONE_NEWNET)
    yield "another's namespace", lambda: raw("setns", 0, 0)
    yield "mount", lambda: raw("mount", b"none", b"/tmp", b"tmpfs", 0, 0)
    yield "bpf", lambda: raw("bpf", 0, 0, 0)
    yield "keyctl", lambda: raw("keyctl", 0, 0)
    yield "userfaultfd", lambda: raw("userfaultfd", 0)
    yield "perf_event_open", lambda: raw("perf_event_open", 0, 0, -1, -1, 0)
    yield "open_by_handle_at", lambda: raw("open_by_handle_at", -100, 0, 0)
    yield "name_to_handle_at", lambda: raw("name_to_handle_at", -100, b"/etc/passwd", 0, 0, 0)
    yield "process_madvise", lambda: raw("process_madvise", 0, 0, 0, 0, 0)
    yield "a memory file", lambda: os.memfd_create("hidden")
    yield "a call of the future", lambda: raw("a_call_of_the_future")
    yield "chroot", lambda: os.chroot("/tmp")


def raw(name: str, *arguments: Any) -> None:
    number = NUMBERS[name][("x86_64", "aarch64").index(platform.machine())]
    if LIBC.syscall(ctypes.c_long(number), *arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def needs(weights: int) -> Attempts:
    """What an engine lives on."""
    yield "read the weights", lambda: os.open(f"/proc/self/fd/{weights}", os.O_RDONLY)
    yield "listen on its socket", listen
    yield "remove its socket", lambda: os.unlink("own.sock")
    yield "start a thread", start_a_thread
    yield "talk to itself", talk
    yield "signal itself", lambda: os.kill(os.getpid(), 0)


def listen() -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind("own.sock")
    listener.listen()


def talk() -> None:
    one, other = socket.socketpair()
    one.send(b"x")
    other.recv(1)


def start_a_thread() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


LIBC = ctypes.CDLL(None, use_errno=True)

if __name__ == "__main__":
    main()
