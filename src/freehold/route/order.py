# SPDX-License-Identifier: Apache-2.0
"""The order in which allowed targets are tried."""

from collections.abc import Callable

from freehold.contract.backend import EngineState, EngineStatus

_HOPELESS = frozenset({EngineState.FAILED})


def order(allowed: tuple[str, ...], status: Callable[[str], EngineStatus | None]) -> tuple[str, ...]:
    """The service's own order, less the targets that only a person can bring back."""
    return tuple(target for target in allowed if not _is_hopeless(status(target)))


def _is_hopeless(status: EngineStatus | None) -> bool:
    return status is not None and status.state in _HOPELESS
