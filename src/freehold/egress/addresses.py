# SPDX-License-Identifier: Apache-2.0
"""What kind of network an address lies in. Pure; whoever dials decides what follows from it.

An IPv6 address that carries an IPv4 one (mapped, compatible, NAT64, 6to4) is of the worse kind of the two: a packet to
it may end at the IPv4 one.
"""

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PUBLIC: Final = ""
LOCAL_KINDS: Final = frozenset({"loopback", "private", "link-local", "shared"})  # where plain text may go

_SHARED: Final = ipaddress.ip_network("100.64.0.0/10")  # RFC 6598, behind a carrier's NAT
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_NAT64_LOCAL: Final = ipaddress.ip_network("64:ff9b:1::/48")  # RFC 8215
_PROTOCOLS: Final = ipaddress.ip_network("192.0.0.0/24")  # RFC 6890; older Pythons call most of it public, as the next
_DOCUMENTATION: Final = ipaddress.ip_network("3fff::/20")  # RFC 9637
_COMPATIBLE: Final = ipaddress.ip_network("::/96")  # RFC 4291, deprecated


def kind_of(text: str) -> str:
    """PUBLIC, or in a word what kind of network the address lies in. Raises ValueError for what is no address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    carried = _carried(address)
    return (_kind(carried) if carried is not None else PUBLIC) or _kind(address)


def is_address(host: str) -> bool:
    """Whether a host is an address rather than a name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _kind(address: Address) -> str:
    kinds = (
        ("loopback", address.is_loopback),
        ("unspecified", address.is_unspecified),
        ("multicast", address.is_multicast),
        ("link-local", address.is_link_local),
        ("shared", address in _SHARED),
        ("private", address in _PROTOCOLS or address in _DOCUMENTATION),
        ("private", address in _NAT64_LOCAL or (address.version == 6 and address.is_site_local)),
        ("private", not address.is_global and not _carries_global(address)),
        ("reserved", address.is_reserved and not _carries_global(address)),
    )
    return next((kind for kind, holds in kinds if holds), PUBLIC)


def _carried(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None or address.sixtofour is not None:
        return address.ipv4_mapped or address.sixtofour
    within = address in _NAT64 or (address in _COMPATIBLE and int(address) > 1)
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if within else None


def _carries_global(address: Address) -> bool:
    """Whether it is only a way to write a public IPv4 address, whatever Python says of the block."""
    if isinstance(address, ipaddress.IPv4Address) or address.teredo is not None:
        return False
    carried = _carried(address)
    return carried is not None and _kind(carried) == PUBLIC
