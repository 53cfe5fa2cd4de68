# SPDX-License-Identifier: Apache-2.0
"""What is withdrawn, to be read: by the control process of an estate that is up, else by its files."""

from dataclasses import dataclass
from typing import Any

from freehold.admin.client import AdminClient
from freehold.bootstrap.launch import supervisor_pid
from freehold.contract.estate import Estate


@dataclass(frozen=True, slots=True)
class Told:
    """Directives and targets as they are shown: of docs/reference/admin-api.md."""

    directives: list[dict[str, Any]]
    targets: list[dict[str, Any]]


def withdrawals_of(estate: Estate) -> Told:
    """Raises PolicyInvalid, SettingsError, EstateError."""
    if supervisor_pid(estate) is not None:
        admin = AdminClient(estate.control_socket)
        return Told(admin.rows("directives"), admin.rows("targets"))
    from freehold.bootstrap.consult import withdrawals_in_files  # noqa: PLC0415 - takes longer to load than to ask

    return withdrawals_in_files(estate)
