# SPDX-License-Identifier: Apache-2.0
"""Addresses of e-mail and of machines, told from versions, packages, file names and credentials. Pure.

An IP address counts where it may be a person's line: not a private one, and not the number of a version.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

_LOCAL_CHARACTERS: Final = 64  # RFC 5321, section 4.5.3.1.1
_LOCAL_BACKWARDS: Final = re.compile(r"[\w'-][\w.+'%-]*")
_DOMAIN: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}([^\W\d_]{2,24})(?![\w@-])")
_CREDENTIAL: Final = re.compile(r"://[^\s/@]*\Z")  # postgres://user:word@host
_VERSION: Final = re.compile(r"v?\d+\.\d")  # of a package: name@1.2.3-rc.alpha
_RETINA: Final = re.compile(r"\dx\.")  # of a picture: icon@2x.png
_NO_DOMAIN: Final = re.compile(  # endings of files and of systemd's units
    r"css|gif|html|ico|jpe?g|jsx?|json|lock|mount|pdf|png|service|slice|socket|svg|target|timer|toml|tsx?|txt|webp|xml|ya?ml",
    re.IGNORECASE,
)

_IPV4: Final = re.compile(r"[0-9](?<![\w.-][0-9])[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?![\w-]|\.\w|/\d)")
_IPV6: Final = re.compile(r"[23](?<![\w:.][23])[0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34}(?![\w:/])")
_OF_A_VERSION: Final = re.compile(r"(?:[=<>~^!]=|\bv(?:er(?:sion)?)?\.?:?)\s{0,2}\Z", re.IGNORECASE)
_MOST_OF_A_VERSION: Final = 31  # 4.18.2.71 and 2.5.29.37 begin with small parts; of addresses one in 500 does
_EXAMPLES_4: Final = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))  # RFC 5737
_EXAMPLES_6: Final = IPv6Network("2001:db8::/32")  # RFC 3849


def has_email(text: str) -> bool:
    """Looks at every ``@``, so that a text without one costs nothing."""
    at = text.find("@")
    while at >= 0:
        if _is_email(text, at):
            return True
        at = text.find("@", at + 1)
    return False


def _is_email(text: str, at: int) -> bool:
    local = _LOCAL_BACKWARDS.match(text[max(0, at - _LOCAL_CHARACTERS) : at][::-1])
    domain = _DOMAIN.match(text, at + 1)
    if local is None or domain is None or _NO_DOMAIN.fullmatch(domain[1]):
        return False
    if _VERSION.match(domain[0]) or _RETINA.match(domain[0]):
        return False
    if local[0] == "tig" and text[domain.end() : domain.end() + 1] == ":":
        return False
    begin = at - len(local[0])
    return _CREDENTIAL.search(text[max(0, begin - 200) : begin]) is None


def has_ip_address(text: str) -> bool:
    """Those of examples count as the others do: they stand for them."""
    return any(_is_somebodys(match, text) for match in _IPV4.finditer(text)) or any(
        _is_global(match[0]) for match in _IPV6.finditer(text)
    )


def _is_somebodys(match: re.Match[str], text: str) -> bool:
    try:
        address = IPv4Address(match[0])
    except AddressValueError:
        return False
    if (
        address.packed[3] == 0
        or max(address.packed[:3]) <= _MOST_OF_A_VERSION
        or _OF_A_VERSION.search(text, max(0, match.start() - 12), match.start())
    ):
        return False
    return (address.is_global and not address.is_multicast) or any(address in network for network in _EXAMPLES_4)


def _is_global(written: str) -> bool:
    try:
        address = IPv6Address(written.rstrip(":") if not written.endswith("::") else written)
    except AddressValueError:
        return False
    return address.is_global or address in _EXAMPLES_6
