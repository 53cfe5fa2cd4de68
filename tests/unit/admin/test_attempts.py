# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.admin.attempts import IN_ALL, PER_ADDRESS, WITHIN_S, Attempts
from freehold.errors import RateLimited


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def failed(attempts: Attempts, address: str, times: int) -> None:
    for _ in range(times):
        attempts.require_room(address)
        attempts.failed(address)


def test_an_address_may_fail_so_often_and_is_told_when_to_come_again(clock: Clock) -> None:
    attempts = Attempts(clock)
    failed(attempts, "192.0.2.1", PER_ADDRESS)
    clock.now_s += 10
    with pytest.raises(RateLimited) as caught:
        attempts.require_room("192.0.2.1")
    assert caught.value.retry_after_s == WITHIN_S - 10
    attempts.require_room("192.0.2.2")


def test_all_addresses_together_may_fail_so_often(clock: Clock) -> None:
    attempts = Attempts(clock)
    for number in range(IN_ALL):
        failed(attempts, f"192.0.2.{number}", 1)
    with pytest.raises(RateLimited):
        attempts.require_room("198.51.100.1")


def test_failures_are_forgotten_after_a_minute(clock: Clock) -> None:
    attempts = Attempts(clock)
    failed(attempts, "192.0.2.1", PER_ADDRESS)
    clock.now_s += WITHIN_S
    failed(attempts, "192.0.2.1", PER_ADDRESS)
    with pytest.raises(RateLimited):
        attempts.require_room("192.0.2.1")
