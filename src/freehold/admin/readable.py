# SPDX-License-Identifier: Apache-2.0
"""Whether there is an estate in a directory, and one that this user may read. Reads nothing in it.

Every command asks this first, so this loads next to nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from freehold.contract.estate import Estate
from freehold.errors import EstateError


def require_estate(estate: Estate) -> None:
    """Raise EstateError unless there is an estate, and one that this user may read."""
    with readable(estate):
        there = estate.settings.is_file()
    if not there:
        raise EstateError(
            f"{estate.directory} is not an estate: it has no freehold.toml",
            hint="'freehold init' makes one; --estate DIR or $FREEHOLD_ESTATE says where it is.",
        )


@contextmanager
def readable(estate: Estate) -> Iterator[None]:
    """Raises EstateError where the estate is closed to this user."""
    try:
        yield
    except PermissionError as exc:
        raise EstateError(
            f"{estate.directory} belongs to another user, and this one may not read it",
            hint="Run the command as the user who owns the estate.",
        ) from exc
