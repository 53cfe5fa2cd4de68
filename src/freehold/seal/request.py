# SPDX-License-Identifier: Apache-2.0
"""What a sealed process asks of its warden, and what may be granted. Pure: reads no memory and opens nothing.

A caller may name a socket as it likes, and may change the name while it is looked at. So a name is only ever used to
open the socket's file once; what is judged, and connected to, is what was opened.
"""

import errno
import os
import stat
import struct
from dataclasses import dataclass
from typing import Final

# struct seccomp_notif and struct seccomp_notif_resp of linux/seccomp.h, and the ioctls that carry them.
NOTICE_BYTES: Final = 80
RECEIVE: Final = 0xC0502100
ANSWER: Final = 0xC0182101
STILL_ASKED: Final = 0x40082102

_NOTICE = struct.Struct("=QII16x6Q")  # id, pid, flags; of the call its six arguments
_ANSWER = struct.Struct("=QqiI")
_FAMILY = struct.Struct("=H")
_AF_UNIX = 1
_LONGEST_ADDRESS_BYTES = 110  # struct sockaddr_un


class Refused(Exception):
    """The caller gets ``number`` as its error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True, slots=True)
class Request:
    """One ``connect(2)`` that waits: the thread that called, and what it was called with."""

    id: int
    thread: int
    descriptor: int
    address_at: int
    address_bytes: int


def read(notice: bytes) -> Request:
    """The request in a ``struct seccomp_notif``."""
    identity, thread, _, descriptor, address_at, address_bytes, *_ = _NOTICE.unpack(notice)
    return Request(
        id=identity,
        thread=thread,
        descriptor=descriptor & 0xFFFFFFFF,
        address_at=address_at,
        address_bytes=min(address_bytes & 0xFFFFFFFF, _LONGEST_ADDRESS_BYTES),
    )


def answer(request: Request, error: int) -> bytes:
    """``struct seccomp_notif_resp``: the call's own error, or 0 for a connection that is made. Never "go on"."""
    return _ANSWER.pack(request.id, 0, -error, 0)


def path_in(address: bytes) -> str:
    """The path in a ``struct sockaddr_un``. Raises Refused for every other family, and for names that are no path."""
    if len(address) < _FAMILY.size or _FAMILY.unpack_from(address)[0] != _AF_UNIX:
        raise Refused(errno.EACCES)
    path = address[_FAMILY.size :].partition(b"\0")[0]
    if not path:
        raise Refused(errno.EACCES)  # abstract, or no name at all
    return os.fsdecode(path)


def seen_by_warden(path: str, thread: int) -> str:
    """The same file, named from the warden's side: what a process calls its own lies elsewhere for others."""
    parts = path.split("/", 3)
    if parts[:2] == ["", "proc"] and len(parts) > 3 and parts[2] in ("self", "thread-self"):
        return f"/proc/{thread}/{parts[3]}"
    return path if path.startswith("/") else f"/proc/{thread}/cwd/{path}"


def require_own(opened: os.stat_result, lies_at: str, *, run: str, user: int) -> None:
    """Raises Refused unless what was opened is a socket of the user's, in the estate's own folder ``run``."""
    is_own = stat.S_ISSOCK(opened.st_mode) and opened.st_uid == user
    if not (is_own and lies_in(lies_at, run)):
        raise Refused(errno.EACCES)


def lies_in(place: str, folder: str) -> bool:
    """Whether the place, with no link left in it, is the folder or lies under it."""
    return place == folder or place.startswith(f"{folder}/")
