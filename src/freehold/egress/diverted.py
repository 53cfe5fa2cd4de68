# SPDX-License-Identifier: Apache-2.0
"""Answers every ``connect(2)`` of a process with a connection to one address, whatever it was meant for.

For machines on which a process can be given no network of its own. The kernel holds the caller until it is answered.
The address that the caller named is never read, so that nothing can be changed about it meanwhile.
"""

import fcntl
import os
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from freehold.seal import request

_ADD: Final = 0x40182103  # SECCOMP_IOCTL_NOTIF_ADDFD of linux/seccomp.h
_ADDED: Final = struct.Struct("=QIIII")  # struct seccomp_notif_addfd: id, flags, ours, theirs, flags of theirs
_IN_ITS_PLACE: Final = 1
_CONNECT_S: Final = 10.0


@contextmanager
def diverted(listener: int, address: tuple[str, int]) -> Iterator[None]:
    """Answer, in a thread, for as long as the context lasts. Takes the descriptor over."""
    ended, end = os.pipe()
    thread = threading.Thread(target=_answer_all, args=(listener, ended, address), name="diverted")
    thread.start()
    try:
        yield
    finally:
        os.close(end)
        thread.join()
        os.close(ended)
        os.close(listener)


def _answer_all(listener: int, ended: int, address: tuple[str, int]) -> None:
    ready = select.poll()
    ready.register(listener, select.POLLIN)
    ready.register(ended, select.POLLIN)
    while True:
        events = dict(ready.poll())
        if ended in events or events[listener] & select.POLLHUP:  # nobody is left who could ask
            return
        with suppress(OSError):  # the caller was killed, or gets its error from the kernel
            _answer(listener, address)


def _answer(listener: int, address: tuple[str, int]) -> None:
    notice = bytearray(request.NOTICE_BYTES)
    fcntl.ioctl(listener, request.RECEIVE, notice)
    asked = request.read(bytes(notice))
    error = 0
    try:
        with socket.create_connection(address, timeout=_CONNECT_S) as connection:
            connection.setblocking(True)  # noqa: FBT003 - which suits callers that wait for readiness as well
            place = _ADDED.pack(asked.id, _IN_ITS_PLACE, connection.fileno(), asked.descriptor, os.O_CLOEXEC)
            fcntl.ioctl(listener, _ADD, place)
    except OSError as exc:
        error = exc.errno or 1
    fcntl.ioctl(listener, request.ANSWER, request.answer(asked, error))
