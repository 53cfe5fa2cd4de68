# SPDX-License-Identifier: Apache-2.0
"""Tries, from inside the process that calls, every way out that is known, and says what the kernel made of it.

Addresses are those that documents use for examples (RFC 5737, RFC 3849), and the name is one that cannot exist (RFC
6761): nobody is contacted. Nothing is sent over a connection that was made. What was opened is closed again.
"""

import contextlib
import errno
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from freehold.contract.attempt import Attempt, Bait, Reach
from freehold.seal import kernel
from freehold.seal.calls import NUMBERS

_IPV4, _IPV6, _NAME = "192.0.2.1", "2001:db8::1", "freehold-egress-check.invalid"
_PORT: Final = 443
_HOST_OF_A_GUEST: Final = 2  # VMADDR_CID_HOST
_RESOLVED_WITHIN_S: Final = 3.0
_RING_BYTES: Final = 120  # struct io_uring_params
_REFUSALS: Final = frozenset({errno.EACCES, errno.EPERM})
_INTERNET: Final = (socket.AF_INET, socket.AF_INET6)
_CREDENTIALS: Final = struct.Struct("=iII")  # struct ucred: process, user, group
_UNDER_WAY: Final = frozenset({0, errno.EINPROGRESS})


def attempt_all(bait: Bait) -> tuple[Attempt, ...]:
    """Every attempt, in order. Takes a few seconds at most."""
    return (
        *(_attempted(name, attempt) for name, attempt in _ways(bait)),
        _name_service(),
        _descriptors(bait.supervisor),
    )


def _ways(bait: Bait) -> Iterator[tuple[str, Callable[[], None]]]:
    family = socket.AF_INET6 if ":" in bait.port_host else socket.AF_INET
    yield "tcp-ipv4", lambda: _dial(socket.AF_INET, (_IPV4, _PORT))
    yield "tcp-ipv6", lambda: _dial(socket.AF_INET6, (_IPV6, _PORT))
    yield "tcp-loopback", lambda: _dial(family, (bait.port_host, bait.port))
    yield "udp-ipv4", lambda: _throw(socket.AF_INET, (_IPV4, _PORT))
    yield "udp-ipv6", lambda: _throw(socket.AF_INET6, (_IPV6, _PORT))
    yield "raw-ip", lambda: _make(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    yield "packet", lambda: _make(socket.AF_PACKET, socket.SOCK_RAW)
    yield "netlink", lambda: _make(socket.AF_NETLINK, socket.SOCK_RAW)
    yield "vsock", lambda: _dial(socket.AF_VSOCK, (_HOST_OF_A_GUEST, _PORT))
    yield "unix-path", lambda: _dial(socket.AF_UNIX, bait.path)
    yield "unix-abstract", lambda: _dial(socket.AF_UNIX, f"\0{bait.abstract}")
    yield "unix-datagram", lambda: _make(socket.AF_UNIX, socket.SOCK_DGRAM)
    yield "io-uring", _make_ring


def _attempted(name: str, attempt: Callable[[], None]) -> Attempt:
    try:
        attempt()
    except OSError as exc:
        outcome = Reach.REFUSED if exc.errno in _REFUSALS else Reach.FAILED
        return Attempt(name=name, outcome=outcome, reason=kernel.reason(exc))
    return Attempt(name=name, outcome=Reach.POSSIBLE)


def _dial(family: int, address: tuple[str | int, int] | str) -> None:
    """Have the kernel begin a connection; whether anybody answers is not waited for."""
    with socket.socket(family, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)  # noqa: FBT003
        error = caller.connect_ex(address)
        if error not in _UNDER_WAY:
            raise OSError(error, os.strerror(error))


def _throw(family: int, address: tuple[str, int]) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as thrower:
        thrower.setblocking(False)  # noqa: FBT003
        thrower.sendto(b"", address)


def _make(family: int, kind: int, protocol: int = 0) -> None:
    socket.socket(family, kind, protocol).close()


def _make_ring() -> None:
    number = NUMBERS["io_uring_setup"][0]
    if number is not None:
        os.close(kernel.syscall(number, 1, bytes(_RING_BYTES)))


def _name_service() -> Attempt:
    """Whether a question can be sent to a name server, by the resolver or by hand."""
    said = _resolved()
    tried = _attempted("dns", lambda: _throw(socket.AF_INET, (_IPV4, 53)))
    return Attempt(name=tried.name, outcome=tried.outcome, reason=", ".join(filter(None, (tried.reason, said))))


def _resolved() -> str:
    """What the resolver made of a name that cannot exist. It has no time limit, so it is left behind if need be."""
    answers: list[str] = []

    def ask() -> None:
        try:
            socket.getaddrinfo(_NAME, _PORT)
            answers.append("the resolver found a name that cannot exist")
        except OSError as exc:
            codes = {getattr(socket, code): code for code in dir(socket) if code.startswith("EAI_")}
            answers.append(f"the resolver said {codes.get(exc.errno, 'no')}")

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_RESOLVED_WITHIN_S)
    return answers[0] if answers else f"the resolver did not answer within {_RESOLVED_WITHIN_S:.0f} s"


def _descriptors(supervisor: int) -> Attempt:
    """Sockets that this process has, and that neither listen, nor come from a listener, nor lead to the estate."""
    doors, others = set[object](), list[tuple[int, socket.socket]]()
    with contextlib.ExitStack() as opened:
        for number in _sockets():
            try:
                held = opened.enter_context(socket.socket(fileno=os.dup(number)))
                listens = held.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            except OSError:
                continue  # closed since
            if listens:
                doors.add(_door(held))
            else:
                others.append((number, held))
        foreign = [f"{number}: {_told(held)}" for number, held in others if not _is_own(held, doors, supervisor)]
    if foreign:
        return Attempt(name="descriptors", outcome=Reach.POSSIBLE, reason="; ".join(foreign))
    return Attempt(name="descriptors", outcome=Reach.FAILED, reason="it holds no socket that leads out of the estate")


def _sockets() -> Iterator[int]:
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the descriptor of the listing itself
            if str(entry.readlink()).startswith("socket:"):
                yield int(entry.name)


def _door(held: socket.socket) -> object:
    """What a listener has in common with all that is taken from it: its port, or its name."""
    name = held.getsockname()
    return name[1] if held.family in _INTERNET else name


def _is_own(held: socket.socket, doors: set[object], supervisor: int) -> bool:
    """Whether a caller made it, or another process of the estate, or this one, is at its other end."""
    if held.type != socket.SOCK_STREAM:
        return False
    if held.family in _INTERNET:
        return _door(held) in doors
    return held.family == socket.AF_UNIX and (
        (held.getsockname() != "" and _door(held) in doors) or _is_of_estate(_process_at_end(held), supervisor)
    )


def _process_at_end(held: socket.socket) -> int:
    """The process that listens there, or that made the pair; 0 where there is none."""
    process, _, _ = _CREDENTIALS.unpack(held.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(process)


def _is_of_estate(process: int, supervisor: int) -> bool:
    """Whether the supervisor is or started it. One that has ended leads nowhere."""
    if process in (os.getpid(), supervisor):
        return True
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return f"\nPPid:\t{supervisor}\n" in status


def _told(held: socket.socket) -> str:
    family = getattr(held.family, "name", str(held.family))
    kind = getattr(held.type, "name", str(held.type))
    return f"{family} {kind}"
