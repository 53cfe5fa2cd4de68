# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.api.rate import Rates
from freehold.contract.snapshot import ApiKey
from freehold.errors import RateLimited


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def key(id_: str = "key_1", rate: int = 3) -> ApiKey:
    return ApiKey(id=id_, secret_sha256="", services=("*",), requests_per_minute=rate)


def test_a_minutes_worth_may_come_at_once_and_no_more() -> None:
    rates = Rates(Clock())
    for _ in range(3):
        rates.take(key())
    with pytest.raises(RateLimited, match="3 calls a minute") as caught:
        rates.take(key())
    assert caught.value.retry_after_s == pytest.approx(20)


def test_after_waiting_as_long_as_told_the_next_call_is_let_in() -> None:
    clock = Clock()
    rates = Rates(clock)
    for _ in range(3):
        rates.take(key())
    with pytest.raises(RateLimited) as caught:
        rates.take(key())
    clock.now_s += caught.value.retry_after_s + 1e-6
    rates.take(key())
    with pytest.raises(RateLimited):
        rates.take(key())


def test_one_keys_rate_is_not_anothers() -> None:
    rates = Rates(Clock())
    rates.take(key("a", 1))
    rates.take(key("b", 1))
    with pytest.raises(RateLimited):
        rates.take(key("a", 1))


def test_a_rate_that_was_lowered_holds_at_once() -> None:
    rates = Rates(Clock())
    rates.take(key(rate=100))
    rates.take(key(rate=1))
    with pytest.raises(RateLimited):
        rates.take(key(rate=1))
