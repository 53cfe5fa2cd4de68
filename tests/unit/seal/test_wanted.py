# SPDX-License-Identifier: Apache-2.0
"""What is read out of questions to a name server and addresses in system calls, whatever is in them."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.seal.wanted import Wanted, name_asked, no_such_name, of_address, without_search


def question(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 28, 1)


def test_the_name_in_a_question_is_read_in_small_letters() -> None:
    assert name_asked(question("API.example.COM")) == "api.example.com"


def test_the_answer_is_that_there_is_no_such_name() -> None:
    answer = no_such_name(question("a.example"))
    assert answer[:2] == question("a.example")[:2]
    assert answer[3] & 0xF == 3
    assert answer[12:] == question("a.example")[12:]


@pytest.mark.parametrize("cut", range(len(question("a.example")) - 4))
def test_a_question_that_is_cut_short_names_nothing(cut: int) -> None:
    assert name_asked(question("a.example")[:cut]) == ""


@given(st.binary(max_size=600))
def test_no_question_breaks_the_reader(content: bytes) -> None:
    if name_asked(content):
        assert no_such_name(content)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (struct.pack("=H", socket.AF_UNIX) + b"/run/x.sock\0", ("socket", "/run/x.sock")),
        (struct.pack("=H", socket.AF_UNIX) + b"\0hidden", ("socket", "@hidden")),
        (struct.pack("=H", 2) + struct.pack("!H", 443) + bytes([192, 0, 2, 1, *[0] * 8]), ("address", "192.0.2.1:443")),
        (struct.pack("=H", 2) + struct.pack("!H", 9) + bytes([127, 0, 0, 1, *[0] * 8]), ("here", "127.0.0.1:9")),
        (
            struct.pack("=H", 10) + struct.pack("!HI", 443, 0) + socket.inet_pton(10, "2001:db8::1") + bytes(4),
            ("address", "[2001:db8::1]:443"),
        ),
        (
            struct.pack("=H", 10) + struct.pack("!HI", 443, 0) + socket.inet_pton(10, "::ffff:192.0.2.1") + bytes(4),
            ("address", "192.0.2.1:443"),
        ),
        (struct.pack("=H", socket.AF_NETLINK) + bytes(10), ("", "")),
        (b"", ("", "")),
        (struct.pack("=H", 2), ("", "")),
    ],
)
def test_an_address_is_told_by_what_it_leads_to(address: bytes, expected: tuple[str, str]) -> None:
    assert of_address(address) == expected


@given(st.binary(max_size=128))
def test_no_address_breaks_the_reader(content: bytes) -> None:
    assert len(of_address(content)) == 2


def test_a_name_with_a_search_domain_is_the_name_without_it_where_both_were_asked_for() -> None:
    asked = {Wanted(kind="name", what=what): 2 for what in ("a.example", "a.example.corp.test", "own.corp.test")}
    assert without_search(asked, ["corp.test"]) == {
        Wanted(kind="name", what="a.example"): 4,
        Wanted(kind="name", what="own.corp.test"): 2,
    }
