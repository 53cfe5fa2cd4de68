# SPDX-License-Identifier: Apache-2.0
"""Which services could not answer a call as things are now. Pure; asks nobody."""

from collections.abc import Callable, Container, Iterable, Mapping

from freehold.contract.backend import BackendKind, EngineState, EngineStatus, Service, Target

_ANSWERS = frozenset({EngineState.READY, EngineState.ASLEEP})  # one that sleeps is woken by the call


def unready(
    services: Iterable[Service],
    targets: Mapping[str, Target],
    status: Callable[[str], EngineStatus | None],
    standing: Container[str] = (),
    *,
    sealed: bool = False,
) -> tuple[str, ...]:
    """Those of which no target is fit: qualified, not ``standing`` otherwise, and its engine up.

    A degraded target is fit. It gets calls, after those that work, and only calls can show that it works again.
    """

    def fit(name: str) -> bool:
        target = targets.get(name)
        if target is None or name in standing:
            return False
        if target.kind is BackendKind.PROVIDER:
            return not sealed
        known = status(name)
        return known is not None and known.state in _ANSWERS

    return tuple(
        service.name
        for service in services
        if not any(fit(name) for name in service.targets if name not in service.unqualified)
    )
