# SPDX-License-Identifier: Apache-2.0
"""Hosts as facts name them: a name, a name with places such as ``{region}`` for one label each, or an address."""

import ipaddress
import re
from typing import Final

_LABEL: Final = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_PLACE: Final = re.compile(r"\{[a-z][a-z0-9_-]*\}")
_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*\Z")


def is_host(written: str) -> bool:
    """Whether it is one of the three. What ends in a number is an address or nothing."""
    last = written.rpartition(".")[2]
    if ":" in written or last.isdigit() or last.startswith("0x"):
        return _is_address(written)
    return _NAME.match(_PLACE.sub("x", written)) is not None


def lies_at(host: str, written: str) -> bool:
    """Whether a host is the one that is written. A place stands for part of one label, and never for a dot."""
    if not _PLACE.search(written):
        return host == written
    parts = map(re.escape, _PLACE.split(written))
    return re.fullmatch(_LABEL.join(parts), host) is not None


def _is_address(written: str) -> bool:
    try:
        return str(ipaddress.ip_address(written)) == written
    except ValueError:
        return False
