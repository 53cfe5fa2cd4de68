# SPDX-License-Identifier: Apache-2.0
"""The warden: ``python -m freehold.seal.warden RUN COMMAND...`` starts what seals itself, and connects for it.

Whatever is sealed waits in ``connect(2)`` until the warden has looked at the name. Where that is a socket in the
estate's folder RUN, the warden makes the connection on the caller's own descriptor, to the very file that it looked at;
everything else is EACCES. It never lets a call go on by itself, opens no socket, and starts nothing but that command.

It is the parent of all that it connects for, because a kernel may let nobody else read their memory. When it dies every
``connect`` fails, and the command is told to stop. When all that is sealed has ended it ends too, as the command did.
"""

import errno
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from freehold.seal import kernel, request, rules
from freehold.seal.bpf import machine
from freehold.seal.request import Refused, Request

GIVEN_AS: Final = "--warden"  # the argument that tells the command where to hand its listener over
PARENT_AS: Final = "--supervisor"  # and the one that tells it whose end is its own

_NOT_ALLOWED: Final = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})  # to the warden, by the kernel


def main() -> None:
    run, command = os.path.realpath(sys.argv[1]), sys.argv[2:]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        end = str(theirs.fileno())
        child = subprocess.Popen(
            [*command, GIVEN_AS, end, PARENT_AS, str(os.getpid())], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
        theirs.close()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: child.terminate())
        signal.signal(signal.SIGHUP, lambda *_: child.send_signal(signal.SIGHUP))
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    if descriptors:
        Warden(descriptors[0], run).serve(child)
    sys.exit(child.wait())  # without a listener: it ended before it was sealed


class Warden:
    """Answers on one listener."""

    def __init__(self, listener: int, run: str) -> None:
        self._listener = listener
        self._run = run
        self._user = os.geteuid()
        self._complained = False

    def serve(self, child: "subprocess.Popen[bytes]") -> None:
        """Until nothing sealed is left."""
        host = machine()
        if host is None:
            raise RuntimeError("a listener came from a machine without filters")
        watched = select.poll()
        ended = os.pidfd_open(child.pid)
        watched.register(self._listener, select.POLLIN)
        watched.register(ended, select.POLLIN)
        kernel.keep_privileges_as_they_are()
        kernel.install(host, rules.warden(host))
        while True:
            happened = dict(watched.poll())
            if ended in happened:
                child.wait()  # what is left of a process keeps its filter
                watched.unregister(ended)
            if happened.get(self._listener, 0) & select.POLLIN:
                self._answer_next()
            elif self._listener in happened:  # hung up: there is no process left with the filter
                return

    def _answer_next(self) -> None:
        try:
            asked = request.read(fcntl.ioctl(self._listener, request.RECEIVE, bytes(request.NOTICE_BYTES)))
        except OSError:
            return  # the caller was killed before it was heard
        try:
            error = self._connect(asked)
        except Refused as refusal:
            error = refusal.number
        except OSError as problem:
            if problem.errno in _NOT_ALLOWED:
                self._complain(problem)
            error = errno.EACCES
        with suppress(OSError):  # the caller was killed meanwhile
            fcntl.ioctl(self._listener, request.ANSWER, request.answer(asked, error))

    def _connect(self, asked: Request) -> int:
        """Make the connection: 0, or the kernel's error for it. Raises Refused, and OSError for what is no answer."""
        with _opened(os.pidfd_open(_process_of(asked.thread))) as process:
            name = request.path_in(self._address(asked))
            with _opened(self._open(request.seen_by_warden(name, asked.thread))) as place:
                request.require_own(os.fstat(place), _lies_at(place), run=self._run, user=self._user)
                with _opened(kernel.take_descriptor(process, asked.descriptor)) as descriptor:
                    return _connected(descriptor, place)

    def _address(self, asked: Request) -> bytes:
        """What the caller's memory holds. It may change afterwards; it is not read again."""
        with _opened(os.open(f"/proc/{asked.thread}/mem", os.O_RDONLY | os.O_CLOEXEC)) as memory:
            self._require_waiting(asked)  # so the memory, and the process held before it, are the caller's
            try:
                return os.pread(memory, asked.address_bytes, asked.address_at)
            except (OSError, OverflowError) as exc:
                raise Refused(errno.EFAULT) from exc

    def _require_waiting(self, asked: Request) -> None:
        try:
            fcntl.ioctl(self._listener, request.STILL_ASKED, asked.id.to_bytes(8, sys.byteorder))
        except OSError as exc:
            raise Refused(errno.ESRCH) from exc

    def _open(self, path: str) -> int:
        """The file itself, only to look at it. What is missing in RUN is missing; elsewhere it is refused."""
        try:
            return os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError as exc:
            number = exc.errno or errno.EACCES
        except ValueError as exc:
            raise Refused(errno.EACCES) from exc
        with suppress(OSError), _opened(os.open(Path(path).parent, os.O_PATH | os.O_CLOEXEC)) as folder:
            if request.lies_in(_lies_at(folder), self._run):
                raise Refused(number)
        raise Refused(errno.EACCES)

    def _complain(self, problem: OSError) -> None:
        """Once: a kernel that does not let the warden do its work will not change its mind."""
        if not self._complained:
            self._complained = True
            why = kernel.reason(problem)
            sys.stderr.write(f"freehold: the warden could not look at who asks ({why}); it refuses\n")


@contextmanager
def _opened(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _process_of(thread: int) -> int:
    with _opened(os.open(f"/proc/{thread}/status", os.O_RDONLY | os.O_CLOEXEC)) as status:
        lines = os.read(status, 4096).splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(b"Tgid:"))


def _lies_at(descriptor: int) -> str:
    """Where the kernel says that it lies: no link is left in it."""
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def _connected(descriptor: int, place: int) -> int:
    """Connect the caller's socket to what was opened. Never waits: a caller that would gets EAGAIN."""
    caller = socket.socket(fileno=descriptor)
    try:
        if caller.family != socket.AF_UNIX:
            raise Refused(errno.EACCES)
        waits = os.get_blocking(descriptor)
        os.set_blocking(descriptor, False)
        try:
            return caller.connect_ex(f"/proc/self/fd/{place}")
        finally:
            os.set_blocking(descriptor, waits)
    finally:
        caller.detach()


if __name__ == "__main__":
    main()
