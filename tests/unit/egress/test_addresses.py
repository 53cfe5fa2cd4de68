# SPDX-License-Identifier: Apache-2.0
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis.strategies import ip_addresses

from freehold.egress.addresses import PUBLIC, is_address, kind_of

KINDS = {
    "loopback": ("127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1"),
    "private": ("10.1.2.3", "172.16.0.1", "192.168.1.1", "fc00::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b:1::1"),
    "link-local": ("169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "2002:a9fe:a9fe::"),
    "shared": ("100.64.0.1", "100.127.255.255", "::ffff:100.64.0.1"),
    "unspecified": ("0.0.0.0", "::", "::ffff:0.0.0.0"),  # noqa: S104 - nothing is bound
    "multicast": ("224.0.0.1", "ff02::1", "::ffff:239.1.1.1"),
    PUBLIC: ("1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"),
}


@pytest.mark.parametrize(
    ("address", "kind"), [(address, kind) for kind, addresses in KINDS.items() for address in addresses]
)
def test_an_address_is_of_one_kind(address: str, kind: str) -> None:
    assert kind_of(address) == kind


@pytest.mark.parametrize(
    "address",
    ["192.0.2.1", "192.0.0.192", "198.18.0.1", "240.0.0.1", "255.255.255.255", "2001:db8::1", "2001::1", "3fff::1"],
)
def test_what_is_set_apart_is_not_public(address: str) -> None:
    assert kind_of(address) != PUBLIC


@given(ip_addresses(v=4))
def test_wrapping_an_address_never_makes_it_public(address: IPv4Address) -> None:
    number = int(address)
    wrapped = f"::ffff:{address}", f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}"
    assert [kind_of(wrapping) == PUBLIC for wrapping in wrapped] == [kind_of(str(address)) == PUBLIC] * 2


def test_names_are_no_addresses() -> None:
    assert [is_address(host) for host in ("localhost", "10.0.0.1", "::1", "10.0.0.256", "1.2.3")] == [
        False,
        True,
        True,
        False,
        False,
    ]
