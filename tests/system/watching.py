# SPDX-License-Identifier: Apache-2.0
"""Notes every connection that watched processes try, as the kernel reports it, and lets it go on."""

import fcntl
import os
import select
import socket
import struct
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.system.watched import CALLS

_RECEIVE, _ANSWER = 0xC0502100, 0xC0182101  # ioctls of linux/seccomp.h
_NOTICE = struct.Struct("=QIIi4x8x6Q")  # id, pid, flags; of the call: number, arguments
_GO_ON = struct.Struct("=QqiI")
_CONTINUE = 1
_CONNECT, _SENDTO, _SENDMSG, _SENDMMSG = CALLS
_LONGEST_ADDRESS = 128


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. ``place`` is a path, or ``address:port``; empty where the address says neither."""

    family: int
    place: str
    command: str


class Watch:
    """Listens on a socket for what ``watched.py`` hands over. Notes are complete once the processes have ended."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "watch.sock"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self._path))
        self._socket.listen()
        self._threads = [threading.Thread(target=self._accept)]
        self.attempts: list[Attempt] = []
        self._threads[0].start()

    @property
    def prefix(self) -> list[str]:
        """What goes before a command to have it watched."""
        return [sys.executable, str(Path(__file__).with_name("watched.py")), str(self._path)]

    def close(self) -> None:
        """Stop taking new ones, and wait for the end of those that are watched."""
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(str(self._path))
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
            if not descriptors:
                return
            following = threading.Thread(target=self._follow, args=(descriptors[0],))
            self._threads.append(following)
            following.start()

    def _follow(self, listener: int) -> None:
        """One command with all that it started, to the end of the last of them."""
        ready = select.poll()
        ready.register(listener, select.POLLIN)
        while not ready.poll()[0][1] & select.POLLHUP:
            notice = bytearray(_NOTICE.size)
            with suppress(OSError):  # a caller that was killed meanwhile
                fcntl.ioctl(listener, _RECEIVE, notice)
                identity, pid, _, call, *arguments = _NOTICE.unpack(notice)
                try:
                    self._note(pid, call, arguments)
                except OSError as exc:
                    self.attempts.append(Attempt(-1, f"could not be read: {exc}", str(pid)))
                fcntl.ioctl(listener, _ANSWER, _GO_ON.pack(identity, 0, 0, _CONTINUE))
        os.close(listener)

    def _note(self, pid: int, call: int, arguments: list[int]) -> None:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for at, size in _addresses(memory.fileno(), call, arguments):
                address = os.pread(memory.fileno(), min(size, _LONGEST_ADDRESS), at)
                family, place = _read(address, pid)
                self.attempts.append(Attempt(family, place, command))


def _addresses(memory: int, call: int, arguments: list[int]) -> list[tuple[int, int]]:
    """Where the addresses of a call lie in its caller's memory, and how long they are."""
    if call == _CONNECT:
        return [(arguments[1], arguments[2])]
    if call == _SENDTO:
        return [(arguments[4], arguments[5])]
    count = arguments[2] if call == _SENDMMSG else 1
    headers = [os.pread(memory, 12, arguments[1] + 64 * number) for number in range(count)]
    found = [struct.unpack("=QI", header) for header in headers]
    return [(at, size) for at, size in found if at]


def _read(address: bytes, pid: int) -> tuple[int, str]:
    (family,) = struct.unpack_from("=H", address)
    if family == socket.AF_INET:
        (port,) = struct.unpack_from("!H", address, 2)
        return family, f"{socket.inet_ntop(family, address[4:8])}:{port}"
    if family == socket.AF_INET6:
        (port,) = struct.unpack_from("!H", address, 2)
        return family, f"{socket.inet_ntop(family, address[8:24])}:{port}"
    path = address[2:].split(b"\0")[0].decode(errors="replace")
    return family, _seen_from_here(path, pid) if family == socket.AF_UNIX else ""


def _seen_from_here(path: str, pid: int) -> str:
    """The file's own place: a path may lead through a descriptor or the working directory of its process."""
    if path.startswith("/proc/self/"):
        path = f"/proc/{pid}/{path.removeprefix('/proc/self/')}"
    elif not path.startswith("/"):
        path = f"/proc/{pid}/cwd/{path}"
    return os.path.realpath(path)
