# SPDX-License-Identifier: Apache-2.0
"""How often a key may call: one token bucket per key, refilled evenly, one minute's worth deep."""

from collections.abc import Callable

from freehold.contract.snapshot import ApiKey
from freehold.errors import RateLimited


class Rates:
    """The buckets. ``clock`` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # by key id: tokens left, and when that was so

    def take(self, key: ApiKey) -> None:
        """Use one call of the key's rate. Raises RateLimited with the time until the next is free."""
        now, limit = self._clock(), float(key.requests_per_minute)
        tokens, then = self._buckets.get(key.id, (limit, now))
        tokens = min(limit, tokens + (now - then) * limit / 60)
        if tokens < 1:
            self._buckets[key.id] = (tokens, now)
            wait_s = (1 - tokens) * 60 / limit
            raise RateLimited(f"this key may make {key.requests_per_minute} calls a minute", retry_after_s=wait_s)
        self._buckets[key.id] = (tokens - 1, now)
