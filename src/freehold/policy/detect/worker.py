# SPDX-License-Identifier: Apache-2.0
"""The process that reads texts: ``python -m freehold.policy.detect.worker``. Texts on standard input, kinds on output.

It is the only program that loads the detector's libraries. Before it does, it has the kernel refuse it sockets and
other programs, and bounds its memory. It keeps nothing and writes no text anywhere, an error's neither. It ends with
its gateway, and over a pattern that comes to no end, which can be stopped in no other way.
"""

import errno
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import BinaryIO, Final

from freehold.policy.detect.messages import LENGTH, UNREAD, frame
from freehold.seal import kernel
from freehold.seal.bpf import Refusal, machine, refusing

_log = logging.getLogger(__name__)
_TEXT_LIMIT_S: Final = 1.0  # of the processor's time; then it is given up
_HARD_LIMIT_S: Final = 3.0  # then the process is, by the kernel
_DESCRIPTORS: Final = 2**16
_MEMORY_BYTES: Final = 512 * 2**20
_REFUSALS: Final = tuple(
    Refusal(call, errno.EACCES)
    for call in ("socket", "socketpair", "connect", "io_uring_setup", "ptrace", "execve", "execveat")
)


def main() -> None:
    os.closerange(3, _DESCRIPTORS)  # whatever its gateway had open
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; its gateway ends it
    signal.signal(signal.SIGVTALRM, _give_up)
    _bound()
    _enclose()
    from freehold.policy.detect.identifiers import kind_in  # noqa: PLC0415 - loads the libraries, so not before that

    for text in _texts(sys.stdin.buffer):
        sys.stdout.buffer.write(frame(_kind(kind_in, text)))
        sys.stdout.buffer.flush()


def _give_up(number: int, where: FrameType | None) -> None:  # noqa: ARG001 - the shape of every handler
    raise TimeoutError("the text takes too long")


def _bound() -> None:
    for what, limit in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, _MEMORY_BYTES)):
        _, hard = resource.getrlimit(what)
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (bound, bound))


def _enclose() -> None:
    """The libraries open no socket; the kernel holds them to it where it can."""
    host = machine()
    if host is None:
        _log.warning("there is no filter for this machine that refuses the detector's process sockets")
        return
    try:
        kernel.keep_privileges_as_they_are()
        kernel.install(host, refusing(host, _REFUSALS))
    except OSError as exc:
        _log.warning("the kernel does not refuse the detector's process sockets: %s", kernel.reason(exc))


def _texts(source: BinaryIO) -> Iterator[str]:
    while head := source.read(LENGTH.size):
        yield source.read(*LENGTH.unpack(head)).decode("utf-8")


def _kind(kind_in: Callable[[str], str], text: str) -> str:
    _limit(_TEXT_LIMIT_S, _HARD_LIMIT_S)
    try:
        return kind_in(text)
    except Exception as exc:  # noqa: BLE001 - the top of a loop; an error's own words may hold part of the text
        _log.error("a text was not read: %s", type(exc).__name__)
        return UNREAD
    finally:
        _limit(0, 0)


def _limit(soft_s: float, hard_s: float) -> None:
    """From now on, and of the processor's time alone: a busy host is no reason to give up. 0: none."""
    signal.setitimer(signal.ITIMER_VIRTUAL, soft_s)
    signal.setitimer(signal.ITIMER_PROF, hard_s)


if __name__ == "__main__":
    main()
