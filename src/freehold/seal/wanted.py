# SPDX-License-Identifier: Apache-2.0
"""What a program wanted of a network: names in questions to a name server, addresses in system calls. Pure."""

import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Final

_HEAD_BYTES: Final = 12
_LONGEST_NAME: Final = 255
_LARGEST_LABEL: Final = 63
_NO_SUCH_NAME: Final = 0x8183  # an answer, which recursion was wanted of and is there for: NXDOMAIN
_UNIX, _INTERNET, _INTERNET_6 = 1, 2, 10
_FAMILY: Final = struct.Struct("=H")
_PORT: Final = struct.Struct("!H")
_SHORTEST_4, _SHORTEST_6 = 8, 24


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Wanted:
    """One thing: a ``name``, an ``address``, a port of this machine (``here``), a foreign ``socket``, or ``unread``."""

    kind: str
    what: str
    by: str = ""  # the program, where it is known


def name_asked(question: bytes) -> str:
    """The name in a question to a name server (RFC 1035); empty for what is none."""
    labels, at = [], _HEAD_BYTES
    while at < len(question) and (length := question[at]):
        if length > _LARGEST_LABEL or at + length > _HEAD_BYTES + _LONGEST_NAME:
            return ""
        labels.append(question[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
        at += length + 1
    ends = at < len(question) and bool(labels)
    return ".".join(labels) if ends else ""


def no_such_name(question: bytes) -> bytes:
    """The answer to it."""
    end = question.index(0, _HEAD_BYTES) + 5  # its type and class come behind the name
    return question[:2] + struct.pack("!HHHHH", _NO_SUCH_NAME, 1, 0, 0, 0) + question[_HEAD_BYTES:end]


def without_search(asked: Mapping[Wanted, int], domains: Iterable[str]) -> dict[Wanted, int]:
    """A resolver that has search domains asks for a name with each of them as well: that is the one name."""
    names = {wanted.what for wanted in asked if wanted.kind == "name"}
    merged: dict[Wanted, int] = {}
    for wanted, times in asked.items():
        meant = {wanted.what.removesuffix(f".{domain}") for domain in domains} & names - {wanted.what}
        one = replace(wanted, what=min(meant)) if wanted.kind == "name" and meant else wanted
        merged[one] = merged.get(one, 0) + times
    return merged


def of_address(address: bytes) -> tuple[str, str]:
    """The kind of a ``struct sockaddr`` and what it names; two empty texts for one that leads nowhere."""
    family = _FAMILY.unpack_from(address)[0] if len(address) >= _FAMILY.size else 0
    if family == _UNIX:
        name = address[_FAMILY.size :]
        path = os.fsdecode(name.partition(b"\0")[0])
        return "socket", path or "@" + os.fsdecode(name[1:].rstrip(b"\0"))
    if family == _INTERNET and len(address) >= _SHORTEST_4:
        return _placed(IPv4Address(address[4:8]), address)
    if family == _INTERNET_6 and len(address) >= _SHORTEST_6:
        whole = IPv6Address(address[8:24])
        return _placed(whole.ipv4_mapped or whole, address)
    return "", ""


def joined(host: IPv4Address | IPv6Address, port: int) -> str:
    """As a place is written: an IPv6 address stands in brackets."""
    return f"{host}:{port}" if isinstance(host, IPv4Address) else f"[{host}]:{port}"


def _placed(host: IPv4Address | IPv6Address, address: bytes) -> tuple[str, str]:
    (port,) = _PORT.unpack_from(address, _FAMILY.size)
    if host.is_unspecified or host.is_loopback:
        return "here", joined(host, port)
    return "address", joined(host, port)
