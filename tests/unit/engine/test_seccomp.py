# SPDX-License-Identifier: Apache-2.0
"""What an engine may not call, and what it lives on."""

import errno

import pytest
from tests import bpf_interpreter
from tests.bpf_interpreter import ALLOW, ARCHITECTURE, KILL, MACHINES, both, has, run, steps

from freehold.engine import seccomp
from freehold.seal.bpf import Machine
from freehold.seal.calls import NUMBERS

PID = 4711


def program(machine: Machine, *, may_execute: bool = False) -> bytes:
    return seccomp.program(machine, pid=PID, may_execute=may_execute)


def answer(machine: Machine, call: str, *arguments: int, may_execute: bool = False) -> str:
    return bpf_interpreter.answer(machine, program(machine, may_execute=may_execute), call, *arguments)


@both
def test_connect_is_refused_whatever_it_connects_to(machine: Machine) -> None:
    assert answer(machine, "connect", 3, 0x7FFF_0000_1000, 16) == "EACCES"


@both
@pytest.mark.parametrize("family", [0, 2, 10, 16, 17, 40])
def test_a_socket_of_any_other_family_is_refused(machine: Machine, family: int) -> None:
    assert answer(machine, "socket", family, 1) == "EACCES"


@both
def test_a_unix_stream_socket_is_allowed_whatever_its_flags(machine: Machine) -> None:
    assert answer(machine, "socket", 1, 1 | 0o2000000 | 0o4000) == "ALLOW"


@both
@pytest.mark.parametrize("kind", [2, 3, 5])
def test_a_unix_socket_that_could_send_to_an_address_is_refused(machine: Machine, kind: int) -> None:
    assert answer(machine, "socket", 1, kind) == "EACCES"
    assert answer(machine, "socketpair", 1, kind | 0o2000000) == "EACCES"


@both
def test_sending_is_allowed_and_sending_to_an_address_is_not(machine: Machine) -> None:
    assert answer(machine, "sendto", 3, 0x1000, 5, 0, 0, 0) == "ALLOW"
    assert answer(machine, "sendto", 3, 0x1000, 5, 0, 0x2000, 16) == "EACCES"


@both
def test_threads_are_allowed_and_processes_are_not(machine: Machine) -> None:
    assert answer(machine, "clone", 0x003D0F00) == "ALLOW"  # as pthread_create has it
    assert answer(machine, "clone", 0x01200011) == "EPERM"  # as fork has it
    assert answer(machine, "clone3", 0x1000, 88) == "ENOSYS"


@both
def test_only_itself_may_be_signalled(machine: Machine) -> None:
    for call in ("kill", "tgkill"):
        assert answer(machine, call, PID, 6) == "ALLOW"
        assert answer(machine, call, 1, 6) == "EPERM"
        assert answer(machine, call, (1 << 32) - 1, 6) == "EPERM"
    assert answer(machine, "fcntl", 3, 8, 1) == "EPERM"  # F_SETOWN: a signal through the back door
    assert answer(machine, "fcntl", 3, 4, 0o4000) == "ALLOW"


@both
def test_another_program_runs_only_where_that_is_the_plan(machine: Machine) -> None:
    assert answer(machine, "execve") == "EPERM"
    assert answer(machine, "execve", may_execute=True) == "ALLOW"
    assert answer(machine, "execveat", may_execute=True) == "EPERM"


@both
def test_everything_on_the_list_is_refused_even_where_a_program_may_be_executed(machine: Machine) -> None:
    for call in seccomp.NEVER:
        if has(machine, call):
            assert answer(machine, call, may_execute=True) == "EPERM", call


@both
def test_what_an_engine_lives_on_is_allowed(machine: Machine) -> None:
    needed = {
        "x86_64": {"read": 0, "mmap": 9, "accept4": 288, "bind": 49, "listen": 50, "futex": 202, "openat": 257},
        "aarch64": {"read": 63, "mmap": 222, "accept4": 242, "bind": 200, "listen": 201, "futex": 98, "openat": 56},
    }[machine]
    for name, number in needed.items():
        assert run(steps(program(machine)), ARCHITECTURE[machine], number) == ALLOW, name


@both
def test_a_call_newer_than_the_table_is_unknown(machine: Machine) -> None:
    assert run(steps(program(machine)), ARCHITECTURE[machine], 470) & 0xFFFF == errno.ENOSYS


@both
@pytest.mark.parametrize("architecture", [0x40000003, 0x40000028, 0])
def test_a_call_of_another_architecture_ends_the_process(machine: Machine, architecture: int) -> None:
    assert run(steps(program(machine)), architecture, 0) == KILL


def test_the_x32_numbers_end_the_process() -> None:
    assert run(steps(program("x86_64")), ARCHITECTURE["x86_64"], 0x40000000 | 42) == KILL


@both
def test_every_jump_lands_inside_and_the_kernel_takes_the_length(machine: Machine) -> None:
    bpf_interpreter.assert_sound(program(machine, may_execute=True))


@both
def test_no_number_stands_twice(machine: Machine) -> None:
    numbers = [pair[MACHINES.index(machine)] for pair in NUMBERS.values()]
    known = [number for number in numbers if number is not None]
    assert len(known) == len(set(known))


def of_household(machine: Machine, call: str, *arguments: int) -> str:
    return bpf_interpreter.answer(machine, seccomp.household_program(machine), call, *arguments)


@both
@pytest.mark.parametrize("family", [1, 2, 10, 16])
def test_a_household_may_have_sockets_of_its_own_network(machine: Machine, family: int) -> None:
    assert of_household(machine, "socket", family, 1) == "ALLOW"
    assert of_household(machine, "connect", 3, 0x1000, 16) == "ALLOW"


@both
@pytest.mark.parametrize("family", [0, 3, 5, 9, 17, 21, 31, 38, 40, 44])
def test_a_household_may_have_no_socket_that_a_namespace_does_not_hold(machine: Machine, family: int) -> None:
    assert of_household(machine, "socket", family, 1) == "EACCES"


@both
@pytest.mark.parametrize("kind", [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
def test_a_household_may_have_processes_and_no_new_namespace(machine: Machine, kind: int) -> None:
    assert of_household(machine, "clone", 0x01200011) == "ALLOW"
    assert of_household(machine, "clone", 0x01200011 | kind) == "EPERM"
    assert of_household(machine, "clone3", 0x1000, 88) == "ENOSYS"


@both
@pytest.mark.parametrize(
    "call",
    [
        *(
            "unshare",
            "setns",
            "mount",
            "umount2",
            "pivot_root",
            "chroot",
            "mount_setattr",
            "ptrace",
            "process_vm_readv",
        ),
        *("pidfd_getfd", "io_uring_setup", "bpf", "keyctl", "perf_event_open", "userfaultfd", "open_by_handle_at"),
    ],
)
def test_a_household_gets_round_nothing(machine: Machine, call: str) -> None:
    assert of_household(machine, call) == "EPERM"


@both
def test_what_a_household_is_let_off_is_refused_to_a_lone_prisoner(machine: Machine) -> None:
    for call in ("memfd_create", "chmod", "sched_setaffinity", "pidfd_open"):
        if has(machine, call):
            assert (answer(machine, call), of_household(machine, call)) == ("EPERM", "ALLOW")
