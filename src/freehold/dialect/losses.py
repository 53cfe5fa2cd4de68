# SPDX-License-Identifier: Apache-2.0
"""What of a request a backend has no place for: refused before anything is sent, unless the service lets it go."""

from collections.abc import Collection
from dataclasses import replace

from freehold.dialect.interface import Extra, Request
from freehold.errors import Unsupported

_ALL = "*"
_MOST_NAMES = 32  # that are said one by one; they go into a header, and the caller thinks them up


class Losses:
    """Counts what is left out of one request for one backend."""

    def __init__(self, request: Request) -> None:
        self._drop = request.drop
        self._names: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What was left out, each once, in the order in which it was met."""
        names = tuple(self._names)
        more = len(names) - _MOST_NAMES
        return (*names[:_MOST_NAMES], f"and {more} more") if more > 0 else names

    def lose(self, extra: Extra) -> None:
        """Leave it out. Raises Unsupported where nobody allows that."""
        if not (extra.harmless or extra.name in self._drop or _ALL in self._drop):
            raise Unsupported(f"{extra.param}: {extra.why}", param=extra.param)
        self._names[extra.name] = None

    def lose_all_but(self, carried: Collection[str], extras: Collection[Extra]) -> None:
        """Leave out every extra that is not carried. Raises Unsupported for the first that may not be."""
        for extra in extras:
            if extra.name not in carried:
                self.lose(extra)


def lost_at_engine(request: Request) -> tuple[str, ...]:
    """The names of what an engine of this estate leaves out, which is every extra. Raises Unsupported."""
    losses = Losses(request)
    for extra in request.extras:
        losses.lose(replace(extra, harmless=True) if extra.passed_over else extra)
    return losses.names
