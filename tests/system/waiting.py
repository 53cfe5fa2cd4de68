# SPDX-License-Identifier: Apache-2.0
"""Waiting for what another process does: always for a condition, never for a time. The one place that sleeps."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T | None], what: str, *, timeout_s: float = 30.0) -> T:
    """The first value of ``condition`` that is true. Fails the test, saying ``what`` did not come about."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline_s:
            raise AssertionError(f"after {timeout_s:g} s still not so: {what}")
        time.sleep(0.02)
    return value
