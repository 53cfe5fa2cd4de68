# SPDX-License-Identifier: Apache-2.0
"""What can be said of an estate that is down, out of its files: its status, and the checks of doctor."""

from typing import Any

import msgspec

from freehold.admin.doctor import examine
from freehold.admin.status import describe_down
from freehold.bootstrap.listening import check_ports, listening_at
from freehold.bootstrap.witnesses import witness_checks_down, witnessing_down
from freehold.contract.estate import Estate
from freehold.settings import read_settings
from freehold.vault import Progress


def status_down(estate: Estate) -> dict[str, Any]:
    """``status``, as the admin API has it. Raises SettingsError."""
    settings = read_settings(estate.settings)
    witnessing, alarms = witnessing_down(estate, settings)
    standing = [alarm for alarm in alarms if alarm["state"] == "stands"]
    down = describe_down(estate, settings, listening_at(settings.listen))
    status: dict[str, Any] = msgspec.to_builtins({"alarms": standing, **down, "witnessing": witnessing})
    return status


def checks_down(estate: Estate, progress: Progress) -> list[dict[str, Any]]:
    """``checks``, as the admin API has them. Raises SettingsError."""
    settings = read_settings(estate.settings)
    checks = [*witness_checks_down(estate, settings), check_ports(settings)]
    unencrypted = listening_at(settings.listen).unencrypted
    checks += examine(estate, settings, unencrypted=unencrypted, live=None, progress=progress)
    found: list[dict[str, Any]] = msgspec.to_builtins(checks)
    return found
