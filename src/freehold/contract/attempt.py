# SPDX-License-Identifier: Apache-2.0
"""What a process of the estate was able to reach when it was asked to try: the words of ``freehold egress check``."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Reach(StrEnum):
    """What became of an attempt."""

    REFUSED = "refused"  # the kernel does not let this process
    FAILED = "failed"  # for another reason: somebody else might succeed, or there is nothing there
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One way out. ``reason`` is the kernel's, or what was found."""

    name: str
    outcome: Reach
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bait:
    """Listeners that would take a connection, and are none of the estate's own. Its processes are the supervisor's."""

    supervisor: int
    port_host: str  # the public port: what can reach it can reach all that listens on this machine
    port: int
    path: str  # of a unix socket outside the estate
    abstract: str  # a unix socket's name without a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One process, and all that it tried. Empty: it did not answer in time."""

    process: str
    pid: int
    attempts: tuple[Attempt, ...] = ()


Attempts = Callable[[Bait], tuple[Attempt, ...]]  # tries every way out of the process that calls it; blocks for seconds
