# SPDX-License-Identifier: Apache-2.0
"""Leave for outbound contact that is no call: which places, for what. Says nothing of how they are reached."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

_HTTPS = 443
_PORTS = {"http": 80, "https": _HTTPS}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"^(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*$")
_WITH_PORT = re.compile(r"^(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?$")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One host and port. The host is a name in small letters, or an address without brackets."""

    host: str
    port: int = _HTTPS

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What somebody is about to contact, and what is then asked for through it where that is a proxy."""

    contacted: frozenset[Place]
    beyond: frozenset[Place] = frozenset()

    @property
    def places(self) -> frozenset[Place]:
        return self.contacted | self.beyond

    def __str__(self) -> str:
        beyond = f" (a proxy, for {names_of(self.beyond)})" if self.beyond else ""
        return f"{names_of(self.contacted)}{beyond}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one errand may contact. Those in ``private`` may lie at a private or loopback address as well."""

    places: frozenset[Place] = frozenset()
    private: frozenset[Place] = frozenset()


Permit = Callable[[Errand], Allowance]  # asked before the first byte; raises EgressDenied


def read_place(text: str, *, port: int = _HTTPS) -> Place | None:
    """``host``, ``host:port``, ``[address]:port`` or an address; None for anything else. ``port``: if none is named."""
    if (address := _address(text)) is not None:
        return Place(address, port)
    matched = _WITH_PORT.match(text.lower())
    if matched is None:
        return None
    number = int(matched["port"]) if matched["port"] else port
    bracketed = matched["host"].startswith("[")
    host = _address(matched["host"][1:-1]) if bracketed else _address(matched["host"]) or _name(matched["host"])
    return Place(host, number) if host and 1 <= number <= 65535 else None


def place_of(url: str) -> Place | None:
    """The host and port of an ``http`` or ``https`` URL that has no credentials, query or fragment; else None."""
    try:
        parts = urlsplit(url)
        port = _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if port is None or "@" in parts.netloc or "?" in url or "#" in url or not re.fullmatch(r"[!-~]+", url):
        return None
    return read_place(parts.netloc, port=port)


def names_of(places: Iterable[Place]) -> str:
    """For a person."""
    return ", ".join(map(str, sorted(places)))


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _name(text: str) -> str | None:
    """A host's name. What ends in a number would be read as an address by some resolvers, such as 127.1 or 0x7f.1."""
    last = text.rpartition(".")[2]
    looks_like_address = last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last)
    return text if _NAME.match(text) and not looks_like_address else None
