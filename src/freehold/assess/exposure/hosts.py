# SPDX-License-Identifier: Apache-2.0
"""Where a URL leads: to one's own, to somebody known, or to somebody unknown. Nothing is looked up."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

URL: Final = re.compile(
    r"\b(?:https?|wss?|grpcs?)://[^\s\"'`<>()\[\]{}|\\^,;]*(?:[$#]?\{[^\s\"'{}]*\}[^\s\"'`<>()\[\]{}|\\^,;]*)*"
)
BARE: Final = re.compile(r"(?<![\w@./-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.){1,8}[a-z]{2,12}(?![\w-]|\.\w|@)(?::\d+)?")
_OWN_NAMES: Final = frozenset({"localhost", "host.docker.internal", "gateway.docker.internal", "kubernetes", "0.0.0.0"})  # noqa: S104 - a name to know
_OWN_ENDS: Final = (
    *(".localhost", ".local", ".internal", ".svc", ".lan", ".intranet", ".corp", ".home.arpa", ".home", ".private"),
    *(".cluster.local", ".docker", ".test"),
)
_PLACE: Final = re.compile(r"[$#%]?\{+[^{}]*\}+|<[^<>]*>|\$\w+|%s")
_RANDOM: Final = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{16,}")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL, as far as it may be shown: without credentials, query, and what in its path looks like a secret."""

    host: str
    shown: str
    path: str
    owned: bool


def read_url(written: str) -> Address | None:
    """None for what has no host. A place such as ``{region}`` or ``${NAME}`` in the host becomes one label, ``x``."""
    filled = _PLACE.sub("x", written)
    try:
        parts = urlsplit(filled)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if not host or not re.fullmatch(r"[\w.:-]+", host):
        return None
    path = "/".join("..." if _RANDOM.fullmatch(part) else part for part in parts.path.rstrip("/.").split("/"))
    shown = f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}"
    return Address(host=host, shown=shown[:200], path=parts.path, owned=is_own(host))


def is_own(host: str) -> bool:
    """Loopback, private, or a name that only a network of one's own resolves."""
    host = host.lower().strip("[]").rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        single = "." not in host and host not in ("x", "")
        return host in _OWN_NAMES or host.endswith(_OWN_ENDS) or single
    return address.is_private or address.is_loopback or address.is_link_local
