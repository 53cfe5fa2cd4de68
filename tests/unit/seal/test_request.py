# SPDX-License-Identifier: Apache-2.0
"""What the warden makes of a caller's words, before it touches anything."""

import errno
import os
import stat
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.seal import request
from freehold.seal.request import Refused, Request

RUN = "/srv/estate/run"
USER = 1000


def notice(*arguments: int) -> bytes:
    padded = (*arguments, *[0] * (6 - len(arguments)))
    return struct.pack("=QIIiIQ6Q", 77, 4711, 0, 42, 0xC000003E, 0x7FFF0000, *padded)


def unix(path: bytes) -> bytes:
    return struct.pack("=H", 1) + path


def opened(*, mode: int = stat.S_IFSOCK | 0o600, user: int = USER) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, user, 0, 0, 0, 0, 0))


def test_a_notice_is_read_as_the_kernel_writes_it() -> None:
    assert len(notice()) == request.NOTICE_BYTES
    assert request.read(notice(5, 0x7F00_0000_1000, 27)) == Request(
        id=77, thread=4711, descriptor=5, address_at=0x7F00_0000_1000, address_bytes=27
    )


def test_no_more_of_an_address_is_read_than_a_unix_address_has() -> None:
    assert request.read(notice(5, 0, 0xFFFFFFFF)).address_bytes == 110


def test_an_answer_never_lets_the_call_go_on() -> None:
    assert struct.unpack("=QqiI", request.answer(request.read(notice()), errno.EACCES)) == (77, 0, -errno.EACCES, 0)
    assert struct.unpack("=QqiI", request.answer(request.read(notice()), 0)) == (77, 0, 0, 0)


@pytest.mark.parametrize("ending", [b"", b"\0", b"\0junk"])
def test_a_path_ends_at_its_first_zero(ending: bytes) -> None:
    assert request.path_in(unix(b"/srv/estate/run/a.sock" + ending)) == "/srv/estate/run/a.sock"


@pytest.mark.parametrize(
    "address",
    [
        b"",
        b"\1",
        unix(b""),
        unix(b"\0abstract"),
        struct.pack("=HH4s8x", 2, 443, bytes((192, 0, 2, 1))),
        struct.pack("=H26x", 10),
        struct.pack("=H", 0) + b"/srv/estate/run/a.sock",
    ],
    ids=["empty", "cut", "unnamed", "abstract", "IPv4", "IPv6", "unspecified"],
)
def test_an_address_that_is_no_path_is_refused(address: bytes) -> None:
    with pytest.raises(Refused):
        request.path_in(address)


@given(st.binary(max_size=110))
def test_any_bytes_are_a_path_or_refused(address: bytes) -> None:
    with suppress(Refused):
        assert "\0" not in request.path_in(address)


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("/srv/estate/run/a.sock", "/srv/estate/run/a.sock"),
        ("a.sock", "/proc/4711/cwd/a.sock"),
        ("/proc/self/fd/7/a.sock", "/proc/4711/fd/7/a.sock"),
        ("/proc/thread-self/fd/7/a.sock", "/proc/4711/fd/7/a.sock"),
        ("/proc/9/fd/7/a.sock", "/proc/9/fd/7/a.sock"),
        ("/proc/self", "/proc/self"),
    ],
)
def test_a_name_is_looked_up_where_the_caller_stands(said: str, seen: str) -> None:
    assert request.seen_by_warden(said, 4711) == seen


@pytest.mark.parametrize("place", [f"{RUN}/ledger.sock", f"{RUN}/engine/local/engine.sock"])
def test_the_estates_own_sockets_are_granted(place: str) -> None:
    request.require_own(opened(), place, run=RUN, user=USER)


@pytest.mark.parametrize(
    "place",
    ["/srv/estate/running/a.sock", "/srv/estate/a.sock", "/run/docker.sock", "", "(unreachable)/srv/estate/run/a.sock"],
)
def test_a_socket_elsewhere_is_refused(place: str) -> None:
    with pytest.raises(Refused):
        request.require_own(opened(), place, run=RUN, user=USER)


@pytest.mark.parametrize(
    "found", [opened(user=0), opened(mode=stat.S_IFREG | 0o600), opened(mode=stat.S_IFIFO | 0o600)]
)
def test_what_is_anothers_or_no_socket_is_refused(found: os.stat_result) -> None:
    with pytest.raises(Refused):
        request.require_own(found, f"{RUN}/a.sock", run=RUN, user=USER)
