# SPDX-License-Identifier: Apache-2.0
"""Runs a command where there is no network, and writes down what it wanted of one.

``python -m freehold.seal.alone FOLDER ADDRESSES COMMAND...`` leaves this machine's network and starts the command in
one that holds a loopback, with ADDRESSES (``,`` between them, or ``-``) on it. Each ``connect(2)`` of whatever the
command starts, and each datagram to an address, waits until its address was read; each question to a name server is
answered with "no such name". Sockets of programs outside FOLDER are refused: a unix socket leads out of any network.
One line of JSON on standard output says all of it once the command has ended.

It watches programs that mean no harm: whoever wanted to could change an address after it was read. That nothing gets
out does not rest on what is read here, but on the network, in which there is nothing.
"""

import errno
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from struct import Struct
from typing import Final

from freehold.seal import kernel, request
from freehold.seal.bpf import Refusal, machine, refusing
from freehold.seal.calls import NUMBERS
from freehold.seal.wanted import Wanted, joined, name_asked, no_such_name, of_address, without_search

_INSIDE: Final = "--inside"
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
_SIOCSIFADDR, _SIOCSIFFLAGS, _IFF_UP, _LOOPBACK_INDEX = 0x8916, 0x8914, 0x1, 1  # linux/sockios.h, linux/if.h
_IFREQ_FLAGS, _IFREQ_ADDRESS = Struct("=16sh22x"), Struct("=16sHH4s16x")
_IFREQ_6 = Struct("=16sIi")
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_NAME_SERVER: Final = 53
_RESOLVERS: Final = Path("/etc/resolv.conf")
_NOTICE: Final = Struct("=QII i12x 6Q")  # struct seccomp_notif: id, pid, flags; nr; arguments
_ANSWER: Final = Struct("=QqiI")
_GO_ON: Final = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
_LEFT_BEHIND_MS: Final = 10_000  # for what the command started and did not wait for


def main() -> None:
    if sys.argv[1] == _INSIDE:
        _become(int(sys.argv[2]), sys.argv[3:])
    folder, addresses, *command = sys.argv[1:]
    try:
        watch = _enter(folder, addresses)
        ended = watch.run(command)
    except OSError as refusal:
        said: dict[str, object] = {"problem": refusal.strerror or kernel.reason(refusal)}
    else:
        said = {"exit": ended, "names": bool(watch.resolvers), "wanted": watch.told()}
    sys.stdout.write(json.dumps(said) + "\n")


def _enter(folder: str, addresses: str) -> "_Watch":
    """Into a network of its own. Raises OSError saying which step was refused."""
    if machine() is None:
        raise OSError(errno.ENOSYS, "there is no filter of system calls for this kind of machine")
    _leave_network()
    resolvers = []
    for address in dict.fromkeys((*_name_servers(), *addresses.replace("-", "").split(","))):
        with suppress(OSError, ValueError):  # one that cannot be had is missed by whoever wants it
            _give(address)
    for address in _name_servers():
        with suppress(OSError):
            resolvers.append(_name_server_at(address))
    return _Watch(folder=os.path.realpath(folder), resolvers=resolvers)


def _leave_network() -> None:
    user, group = os.geteuid(), os.getegid()
    try:
        kernel.unshare(_CLONE_NEWNET)
    except OSError:
        try:
            kernel.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
        except OSError as refusal:
            why = f"this user may make no network namespace, nor a user namespace ({kernel.reason(refusal)})"
            raise OSError(refusal.errno, why) from refusal
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _IFREQ_FLAGS.pack(b"lo", _IFF_UP))


def _name_servers() -> list[str]:
    """As this host's resolver has them."""
    return [address.partition("%")[0] for address in _resolver("nameserver")] or ["127.0.0.1"]


def _resolver(*words: str) -> list[str]:
    """What this host's resolver is told by lines that begin with one of the words."""
    try:
        lines = _RESOLVERS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return [
        value.lower().rstrip(".") for line in lines if (told := line.split()) and told[0] in words for value in told[1:]
    ]


def _give(address: str) -> None:
    """Put an address on the loopback. One that is on it from the beginning stays. Raises OSError, ValueError."""
    given = ip_address(address)
    if given.is_loopback or given.is_unspecified:
        return
    if isinstance(given, IPv4Address):
        alias = f"lo:{int(given) & 0xFFFFFF:x}".encode()  # fits into the 15 bytes of a name
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCSIFADDR, _IFREQ_ADDRESS.pack(alias, socket.AF_INET, 0, given.packed))
    else:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCSIFADDR, _IFREQ_6.pack(given.packed, 128, _LOOPBACK_INDEX))


def _name_server_at(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    try:
        server.bind((address, _NAME_SERVER))
    except OSError:
        server.close()
        raise
    return server


@dataclass(slots=True)
class _Watch:
    """Whoever is asked by the kernel, and by resolvers. ``folder``: sockets in it are the command's own."""

    folder: str
    resolvers: list[socket.socket]
    _wanted: Counter[Wanted] = field(default_factory=Counter)
    _heard: frozenset[str] = frozenset()  # the places of name servers, where questions are heard themselves

    def __post_init__(self) -> None:
        sockaddrs = (server.getsockname() for server in self.resolvers)
        self._heard = frozenset(joined(ip_address(name[0].partition("%")[0]), _NAME_SERVER) for name in sockaddrs)

    def run(self, command: list[str]) -> int:
        """Until the command has ended and nothing of it is left: its exit status. Raises OSError."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            end = str(theirs.fileno())
            child = subprocess.Popen(
                [sys.executable, "-m", "freehold.seal.alone", _INSIDE, end, *command],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
            )
            theirs.close()
            signal.signal(signal.SIGTERM, lambda *_: child.terminate())
            said, descriptors, _, _ = socket.recv_fds(ours, 256, 1)
        if not descriptors:
            child.wait()
            raise OSError(errno.EPERM, said.decode("utf-8", "replace") or "the command could not be watched")
        self._serve(descriptors[0], child)
        return child.wait()

    def told(self) -> list[dict[str, str | int]]:
        return [
            {"kind": wanted.kind, "what": wanted.what, "by": wanted.by, "times": times}
            for wanted, times in sorted(without_search(self._wanted, _resolver("search", "domain")).items())
        ]

    def _serve(self, listener: int, child: "subprocess.Popen[bytes]") -> None:
        watched = select.poll()
        ended = os.pidfd_open(child.pid)
        servers = {server.fileno(): server for server in self.resolvers}
        for descriptor in (listener, ended, *servers):
            watched.register(descriptor, select.POLLIN)
        patience_ms = None
        while happened := dict(watched.poll(patience_ms)):
            if ended in happened:
                child.wait()  # what is left of a process keeps its filter
                watched.unregister(ended)
                patience_ms = _LEFT_BEHIND_MS
            for number in happened.keys() & servers.keys():
                self._answer_question(servers[number])
            if happened.get(listener, 0) & select.POLLIN:
                self._answer_call(listener)
            elif listener in happened:
                return

    def _answer_question(self, server: socket.socket) -> None:
        with suppress(OSError):
            question, asker = server.recvfrom(4096)
            if name := name_asked(question):
                self._wanted[Wanted(kind="name", what=name)] += 1
                server.sendto(no_such_name(question), asker)

    def _answer_call(self, listener: int) -> None:
        try:
            notice = fcntl.ioctl(listener, request.RECEIVE, bytes(request.NOTICE_BYTES))
        except OSError:
            return  # the caller was killed before it was heard
        identity, thread, _, number, *arguments = _NOTICE.unpack(notice)
        at, length = arguments[1:3] if number in NUMBERS["connect"] else arguments[4:6]
        error = self._judge(thread, at, length & 0xFFFFFFFF) if at else 0
        answer = _ANSWER.pack(identity, 0, -error, 0 if error else _GO_ON)
        with suppress(OSError):  # the caller was killed meanwhile
            fcntl.ioctl(listener, request.ANSWER, answer)

    def _judge(self, thread: int, at: int, length: int) -> int:
        """Write down what was wanted: the error that the caller gets, or 0 for what the kernel is to decide."""
        by = _program(thread)
        try:
            address = _read(thread, at, min(length, 128))
        except OSError:
            self._wanted[Wanted(kind="unread", what="an address that could not be read", by=by)] += 1
            return errno.EACCES
        kind, what = of_address(address)
        if kind in ("socket", "here") and _is_elsewhere(thread):
            return 0
        if kind == "socket":
            return self._judge_socket(what, thread, by)
        if kind and what not in self._heard:
            self._wanted[Wanted(kind=kind, what=what, by=by)] += 1
        return 0

    def _judge_socket(self, path: str, thread: int, by: str) -> int:
        if not path.startswith("@"):
            place = os.path.realpath(request.seen_by_warden(path, thread))
            if request.lies_in(place, self.folder):
                return 0
            if not os.path.lexists(place):
                return errno.ENOENT
            path = place
        self._wanted[Wanted(kind="socket", what=path, by=by)] += 1
        return errno.EACCES


def _read(thread: int, at: int, length: int) -> bytes:
    try:
        with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:
            memory.seek(at)
            return memory.read(length)
    except (OverflowError, ValueError) as exc:
        raise OSError(errno.EFAULT, "no such address") from exc


def _is_elsewhere(thread: int) -> bool:
    """Whether it is in a network or a root of its own, as an engine in its jail is: what it finds there is its own."""
    process = Path(f"/proc/{thread}")
    try:
        has_network = (process / "ns/net").stat().st_ino != Path("/proc/self/ns/net").stat().st_ino
        return has_network or not (process / "root").samefile("/")
    except OSError:
        return False


def _program(thread: int) -> str:
    """Which program it is: the module that Python runs, else the file."""
    try:
        words = Path(f"/proc/{thread}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    if "-m" in words[:4]:
        return words[words.index("-m") + 1]
    return Path(words[0]).name


def _become(end: int, command: list[str]) -> None:
    """In the child: have every connection asked for, hand over who is to be asked, and become the command."""
    with socket.socket(fileno=end) as told:
        try:
            listener = _listen()
        except OSError as refusal:
            told.sendmsg([f"the kernel takes no filter that asks ({kernel.reason(refusal)})".encode()])
            sys.exit(1)
        socket.send_fds(told, [b"here"], [listener])
        os.close(listener)
    kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # without whoever answers it can connect to nothing
    os.execvp(command[0], command)  # noqa: S606 - the list is the caller's


def _listen() -> int:
    """The descriptor on which connections of this process arrive, and of all that it starts."""
    kind = machine()
    if kind is None:
        raise OSError(errno.ENOSYS, "there is no filter of system calls for this kind of machine")
    kernel.keep_privileges_as_they_are()
    unseen = Refusal("io_uring_setup", errno.EPERM)  # connections of a ring are seen by no filter
    return kernel.install_with_listener(kind, refusing(kind, [unseen], asked=("connect", "sendto")))


if __name__ == "__main__":
    main()
