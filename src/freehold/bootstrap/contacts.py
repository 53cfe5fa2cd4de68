# SPDX-License-Identifier: Apache-2.0
"""Whom an estate may contact: by what is in force where it is up, else by what its files would put in force."""

import time
from typing import Any

from freehold.admin.client import AdminClient
from freehold.admin.configured import read_configured
from freehold.admin.contacts import hosts_of
from freehold.admin.publish import compose
from freehold.bootstrap.launch import supervisor_pid
from freehold.contract.estate import Estate
from freehold.settings import read_settings


def contacts(estate: Estate) -> list[dict[str, Any]]:
    """Every host, as ``admin/contacts.py`` lists them. Raises SettingsError, PolicyInvalid, EstateError."""
    if supervisor_pid(estate) is not None:
        hosts: list[dict[str, Any]] = AdminClient(estate.control_socket).get("egress")["hosts"]
        return hosts
    settings, now_unix = read_settings(estate.settings), time.time()
    files = read_configured(estate, settings)
    snapshot = compose(settings, (), {}, files.law(now_unix), files.endpoints, version=0, now_unix=now_unix)
    return hosts_of(settings, snapshot, now_unix=now_unix)
