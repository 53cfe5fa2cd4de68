# SPDX-License-Identifier: Apache-2.0
"""Whether there is an estate in a directory, and one that this user may read, or write in. Reads nothing in it.

Every command asks this first, so this loads next to nothing.
"""

import os
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


def require_own(estate: Estate) -> None:
    """Raise EstateError where the estate is another user's: root could write there what that user then cannot read.

    The ledger's key tells whose it is. Nobody but its owner and root can read it; the rest may lie there otherwise.
    """
    with readable(estate):
        owner = estate.ledger_key.stat().st_uid if estate.ledger_key.exists() else os.geteuid()
    if owner != os.geteuid():
        raise EstateError(
            f"{estate.directory} belongs to {_user(owner)}, who could not read what this user writes there",
            hint=f"Run the command as that user: sudo -u '{_user(owner)}' ...",
        )


def _user(number: int) -> str:
    import pwd  # noqa: PLC0415 - only somebody else's estate needs it

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # a container's files may belong to users whom it does not know
        return f"#{number}"


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
