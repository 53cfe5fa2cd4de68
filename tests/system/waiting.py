# SPDX-License-Identifier: Apache-2.0
"""Waiting for what another process does: always for a condition, never for a time. The one place that sleeps.

How long anything takes says how busy the machine is. So a bound is there to end what hangs, and for nothing else:
LONG_S is long enough for a machine with ten other things to do.
"""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LONG_S = 240.0


def wait_for(condition: Callable[[], T | None], what: str, *, timeout_s: float = LONG_S) -> T:
    """The first value of ``condition`` that is true. Fails the test, saying ``what`` did not come about."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline_s:
            raise AssertionError(f"after {timeout_s:g} s still not so: {what}")
        time.sleep(0.02)
    return value
