# SPDX-License-Identifier: Apache-2.0
"""From the name that an application asks for to the service that answers to it."""

from collections.abc import Iterable

from freehold.contract.backend import Service


class Names:
    """Services by name and alias. A service's own name beats an alias, exact beats pattern, longer beats shorter."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._own = {service.name: service for service in services}
        self._aliases = {alias: own for own in self._own.values() for alias in own.aliases if "*" not in alias}
        self._exact = self._aliases | self._own
        patterns = ((alias, own) for own in self._own.values() for alias in own.aliases if "*" in alias)
        self._patterns = [
            (*_ends(alias), service) for alias, service in sorted(patterns, key=lambda pair: len(pair[0]), reverse=True)
        ]

    def service(self, asked: str) -> Service | None:
        """The service that answers to a name, if one does."""
        exact = self._exact.get(asked)
        if exact is not None:
            return exact
        for head, tail, service in self._patterns:
            if asked.startswith(head) and asked.endswith(tail) and len(asked) >= len(head) + len(tail):
                return service
        return None

    def listed(self) -> list[tuple[str, Service]]:
        """Every name that can be told apart: the services' own, then exact aliases."""
        return list((self._own | self._aliases | self._own).items())


def _ends(pattern: str) -> tuple[str, str]:
    head, _, tail = pattern.partition("*")
    return head, tail
