# SPDX-License-Identifier: Apache-2.0
"""The filter is run here by a small interpreter of classic BPF, so that every answer of it can be asked for."""

import errno
import struct

import pytest

from freehold.engine import seccomp
from freehold.engine.seccomp import Machine

PID = 4711
ARCHITECTURE: dict[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL = 0x7FFF0000, 0x80000000
MACHINES: tuple[Machine, ...] = ("x86_64", "aarch64")

both = pytest.mark.parametrize("machine", MACHINES)


def steps(machine: Machine, *, may_execute: bool = False) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("=HBBI", seccomp.program(machine, pid=PID, may_execute=may_execute)))


def run(program: list[tuple[int, int, int, int]], architecture: int, number: int, *arguments: int) -> int:
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, architecture, 0, *padded)
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, value = program[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, value)
            case 0x54:
                accumulator &= value
            case 0x15:
                at += if_true if accumulator == value else if_false
            case 0x35:
                at += if_true if accumulator >= value else if_false
            case 0x06:
                return value
            case _:
                raise AssertionError(f"no such instruction: {code:#x}")


def answer(machine: Machine, call: str, *arguments: int, may_execute: bool = False) -> str:
    """ALLOW, or the name of the error."""
    number = (seccomp._SOMETIMES | seccomp._NEVER)[call][MACHINES.index(machine)]
    assert number is not None
    action = run(steps(machine, may_execute=may_execute), ARCHITECTURE[machine], number, *arguments)
    return "ALLOW" if action == ALLOW else errno.errorcode[action & 0xFFFF]


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
    for call, numbers in seccomp._NEVER.items():
        if numbers[MACHINES.index(machine)] is not None:
            assert answer(machine, call, may_execute=True) == "EPERM", call


@both
def test_what_an_engine_lives_on_is_allowed(machine: Machine) -> None:
    needed = {
        "x86_64": {"read": 0, "mmap": 9, "accept4": 288, "bind": 49, "listen": 50, "futex": 202, "openat": 257},
        "aarch64": {"read": 63, "mmap": 222, "accept4": 242, "bind": 200, "listen": 201, "futex": 98, "openat": 56},
    }[machine]
    for name, number in needed.items():
        assert run(steps(machine), ARCHITECTURE[machine], number) == ALLOW, name


@both
def test_a_call_newer_than_the_table_is_unknown(machine: Machine) -> None:
    assert run(steps(machine), ARCHITECTURE[machine], 470) & 0xFFFF == errno.ENOSYS


@both
@pytest.mark.parametrize("architecture", [0x40000003, 0x40000028, 0])
def test_a_call_of_another_architecture_ends_the_process(machine: Machine, architecture: int) -> None:
    assert run(steps(machine), architecture, 0) == KILL


def test_the_x32_numbers_end_the_process() -> None:
    assert run(steps("x86_64"), ARCHITECTURE["x86_64"], 0x40000000 | 42) == KILL


@both
def test_every_jump_lands_inside_and_the_kernel_takes_the_length(machine: Machine) -> None:
    program = steps(machine, may_execute=True)
    assert len(program) <= 4096
    for at, (code, if_true, if_false, _) in enumerate(program):
        if code in {0x15, 0x35}:
            assert at + 1 + max(if_true, if_false) < len(program)
    assert program[-1][0] == 0x06


@both
def test_no_number_stands_twice(machine: Machine) -> None:
    numbers = [pair[MACHINES.index(machine)] for pair in (seccomp._SOMETIMES | seccomp._NEVER).values()]
    known = [number for number in numbers if number is not None]
    assert len(known) == len(set(known))
