# SPDX-License-Identifier: Apache-2.0
"""The allowed targets that may be tried at all."""

from collections.abc import Callable, Container

from freehold.contract.backend import EngineState, EngineStatus

_HOPELESS = frozenset({EngineState.FAILED})


def order(
    allowed: tuple[str, ...], status: Callable[[str], EngineStatus | None], standing: Container[str] = ()
) -> tuple[str, ...]:
    """The service's own order, less the targets that only a person can bring back.

    Those are engines that cannot be started, and every target that is ``standing``: suspected, withdrawn or retired.
    """
    return tuple([target for target in allowed if target not in standing and not _is_hopeless(status(target))])


def _is_hopeless(status: EngineStatus | None) -> bool:
    return status is not None and status.state in _HOPELESS
