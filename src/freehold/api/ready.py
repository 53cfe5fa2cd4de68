# SPDX-License-Identifier: Apache-2.0
"""What a gateway says without a key to whoever asks how it is: alive, or fit to take a call. Gives no reasons away."""

from collections.abc import Callable
from dataclasses import dataclass

from freehold.api.configuration import Configuration
from freehold.route import unready


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What is looked at beside the configuration."""

    reaches_ledger: Callable[[], bool] = _always  # without it no call is admitted
    sealed: bool = False

    def is_ready(self, configuration: Configuration) -> bool:
        """Whether a call for any service would be answered now."""
        snapshot = configuration.snapshot
        targets = {target.name: target for target in snapshot.targets}
        lacking = unready(
            snapshot.services, targets, configuration.backends.status, configuration.standings, sealed=self.sealed
        )
        return self.reaches_ledger() and not lacking
