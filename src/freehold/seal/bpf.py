# SPDX-License-Identifier: Apache-2.0
"""Filters of system calls, as classic BPF programs for seccomp(2).

Pure: makes bytes, installs nothing (``kernel.py`` does). A foreign architecture's calls end the process. A call newer
than the table of numbers answers ENOSYS, so that a kernel upgrade opens nothing.
"""

import errno
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from freehold.seal.calls import NUMBERS

Machine = Literal["x86_64", "aarch64"]

_ARCHITECTURE: Final[dict[Machine, int]] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
_X32_BIT: Final = 0x40000000
_NEWEST_REVIEWED: Final = 469  # file_setattr; numbers from 424 on are the same on every architecture

# From linux/bpf_common.h and linux/seccomp.h.
_LOAD, _AND = 0x20, 0x54
_JUMP_EQUAL, _JUMP_AT_LEAST = 0x15, 0x35
_RETURN = 0x06
_KILL, _ERRNO, _ASK, _ALLOW = 0x80000000, 0x00050000, 0x7FC00000, 0x7FFF0000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # in struct seccomp_data
_FILTER = struct.Struct("=HBBI")
_WORD = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Check:
    """A test of one argument's low 32 bits: ``argument & mask`` equals ``value``, or does not.

    It may also equal one of ``others``, where it is to be equal.
    """

    argument: int
    value: int
    mask: int = _WORD
    equal: bool = True
    others: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that answers ``error``, unless every check holds; without checks, always."""

    call: str
    error: int
    unless: tuple[Check, ...] = ()


def machine() -> Machine | None:
    """The host's, if there is a filter for it."""
    return next((known for known in _ARCHITECTURE if (known, "Linux") == (platform.machine(), platform.system())), None)


def refusing(machine: Machine, refusals: Iterable[Refusal], *, asked: Iterable[str] = ()) -> bytes:
    """A filter that lets through whatever is not refused. What is ``asked`` waits for whoever holds the listener."""
    code = _head(machine)
    for refusal in refusals:
        code += _of_call(machine, refusal.call, _answer(refusal))
    for call in asked:
        code += _of_call(machine, call, [_step(_RETURN, _ASK)])
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def permitting(machine: Machine, calls: Iterable[str]) -> bytes:
    """A filter that lets through the calls that are named, and answers EPERM to every other."""
    code = _head(machine)
    for call in calls:
        code += _of_call(machine, call, [_step(_RETURN, _ALLOW)])
    return b"".join([*code, _step(_RETURN, _ERRNO | errno.EPERM)])


def _head(machine: Machine) -> list[bytes]:
    code = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_JUMP_EQUAL, _ARCHITECTURE[machine], if_true=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER_AT),
    ]
    if machine == "x86_64":
        code += [_step(_JUMP_AT_LEAST, _X32_BIT, if_false=1), _step(_RETURN, _KILL)]
    return [*code, _step(_JUMP_AT_LEAST, _NEWEST_REVIEWED + 1, if_false=1), _step(_RETURN, _ERRNO | errno.ENOSYS)]


def _of_call(machine: Machine, call: str, body: list[bytes]) -> list[bytes]:
    """The body, for this call only, on a machine that has it."""
    number = NUMBERS[call][0 if machine == "x86_64" else 1]
    return [] if number is None else [_step(_JUMP_EQUAL, number, if_false=len(body)), *body]


def _answer(refusal: Refusal) -> list[bytes]:
    body: list[bytes] = []
    for done, check in enumerate(refusal.unless, start=1):
        away = sum(3 + len(later.others) for later in refusal.unless[done:]) + 1  # over these and RETURN ALLOW
        true, false = (0, away) if check.equal else (away, 0)
        body += [
            _step(_LOAD, _ARGUMENTS_AT + 8 * check.argument),  # both architectures are little-endian
            _step(_AND, check.mask),
            *(_step(_JUMP_EQUAL, other, if_true=left) for left, other in _counted_down(check.others)),
            _step(_JUMP_EQUAL, check.value, if_true=true, if_false=false),
        ]
    if refusal.unless:
        body.append(_step(_RETURN, _ALLOW))
    return [*body, _step(_RETURN, _ERRNO | refusal.error)]


def _counted_down(others: tuple[int, ...]) -> list[tuple[int, int]]:
    """Each with the steps from behind it to the end of its check."""
    return [(len(others) - number, other) for number, other in enumerate(others)]


def _step(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return _FILTER.pack(code, if_true, if_false, value)
