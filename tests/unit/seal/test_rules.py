# SPDX-License-Identifier: Apache-2.0
"""What a sealed process may not call, what waits for the warden, and how little the warden may do."""

import pytest
from tests.bpf_interpreter import answer, assert_sound, both, has

from freehold.seal import rules
from freehold.seal.bpf import Machine

FASTOPEN, NOSIGNAL = 0x20000000, 0x4000
CLOEXEC_NONBLOCK = 0o2004000


def sealed(machine: Machine, call: str, *arguments: int) -> str:
    return answer(machine, rules.sealed(machine), call, *arguments)


def warden(machine: Machine, call: str, *arguments: int) -> str:
    return answer(machine, rules.warden(machine), call, *arguments)


@both
def test_every_connection_waits_for_the_warden(machine: Machine) -> None:
    assert sealed(machine, "connect", 3, 0x1000, 110) == "ASK"


@both
@pytest.mark.parametrize("family", [0, 2, 10, 16, 17, 40])
@pytest.mark.parametrize("kind", [1, 2, 3, 5])
def test_no_socket_of_another_family_can_be_made(machine: Machine, family: int, kind: int) -> None:
    assert sealed(machine, "socket", family, kind | CLOEXEC_NONBLOCK) == "EACCES"


@both
@pytest.mark.parametrize("call", ["socket", "socketpair"])
def test_a_unix_stream_can_be_made_and_no_other_unix_socket(machine: Machine, call: str) -> None:
    assert sealed(machine, call, 1, 1 | CLOEXEC_NONBLOCK) == "ALLOW"
    assert {sealed(machine, call, 1, kind) for kind in (2, 3, 5)} == {"EACCES"}


@both
def test_an_accepted_connection_can_be_answered_and_not_turned_into_another(machine: Machine) -> None:
    assert sealed(machine, "sendto", 3, 0x1000, 5, NOSIGNAL, 0, 0) == "ALLOW"
    assert sealed(machine, "sendto", 3, 0x1000, 5, 0, 0x2000, 16) == "EACCES"
    assert sealed(machine, "sendto", 3, 0x1000, 5, FASTOPEN, 0, 0) == "EACCES"
    for call, flags_at in (("sendmsg", 2), ("sendmmsg", 3)):
        before = [3, 0x1000, 1][:flags_at]
        assert sealed(machine, call, *before, NOSIGNAL) == "ALLOW"
        assert sealed(machine, call, *before, FASTOPEN | NOSIGNAL) == "EACCES"


@both
@pytest.mark.parametrize(
    "call",
    [
        "io_uring_setup",
        "io_uring_enter",
        "ptrace",
        "process_vm_writev",
        "pidfd_getfd",
        "bpf",
        "setns",
        "mount",
        "keyctl",
    ],
)
def test_what_leads_round_the_filter_is_refused(machine: Machine, call: str) -> None:
    assert sealed(machine, call) == "EPERM"


@both
@pytest.mark.parametrize("call", ["execve", "clone", "clone3", "unshare", "memfd_create", "pidfd_open", "kill", "read"])
def test_a_supervisor_can_still_start_and_jail_what_it_starts(machine: Machine, call: str) -> None:
    assert sealed(machine, call) == "ALLOW"


@both
@pytest.mark.parametrize(
    "call", ["socket", "socketpair", "execve", "execveat", "clone", "clone3", "sendto", "sendmsg", "sendmmsg", "ptrace"]
)
def test_the_warden_makes_no_socket_starts_nothing_and_sends_nothing(machine: Machine, call: str) -> None:
    assert warden(machine, call) == "EPERM"


@both
@pytest.mark.parametrize("call", ["connect", "pidfd_getfd", "openat", "ioctl"])
def test_the_warden_can_do_its_work(machine: Machine, call: str) -> None:
    assert warden(machine, call) == "ALLOW"


@both
def test_both_filters_are_sound(machine: Machine) -> None:
    assert_sound(rules.sealed(machine))
    assert_sound(rules.warden(machine))
    assert has(machine, "connect")
