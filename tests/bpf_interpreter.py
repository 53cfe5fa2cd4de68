# SPDX-License-Identifier: Apache-2.0
"""Runs filters of system calls as the kernel would, so that every answer of them can be asked for."""

import errno
import struct

import pytest

from freehold.seal.bpf import Machine
from freehold.seal.calls import NUMBERS

Step = tuple[int, int, int, int]

ARCHITECTURE: dict[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, ASK, KILL = 0x7FFF0000, 0x7FC00000, 0x80000000
MACHINES: tuple[Machine, ...] = ("x86_64", "aarch64")

both = pytest.mark.parametrize("machine", MACHINES)


def steps(program: bytes) -> list[Step]:
    return list(struct.iter_unpack("=HBBI", program))


def has(machine: Machine, call: str) -> bool:
    return NUMBERS[call][MACHINES.index(machine)] is not None


def answer(machine: Machine, program: bytes, call: str, *arguments: int) -> str:
    """ALLOW, ASK, or the name of the error."""
    number = NUMBERS[call][MACHINES.index(machine)]
    assert number is not None
    action = run(steps(program), ARCHITECTURE[machine], number, *arguments)
    return {ALLOW: "ALLOW", ASK: "ASK"}.get(action) or errno.errorcode[action & 0xFFFF]


def run(program: list[Step], architecture: int, number: int, *arguments: int) -> int:
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


def assert_sound(program: bytes) -> None:
    """Every jump lands inside, the end is reached, and the kernel takes the length."""
    code = steps(program)
    assert len(code) <= 4096
    for at, (operation, if_true, if_false, _) in enumerate(code):
        if operation in {0x15, 0x35}:
            assert at + 1 + max(if_true, if_false) < len(code)
    assert code[-1][0] == 0x06
