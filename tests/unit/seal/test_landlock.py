# SPDX-License-Identifier: Apache-2.0
"""The rights are those of linux/landlock.h, and each ABI is asked only for what it knows."""

import struct

import pytest

from freehold.seal.landlock import OWN_FOLDER, Access, handled, rule_attributes, ruleset_attributes


@pytest.mark.parametrize(
    ("abi", "rights"), [(1, 13), (2, 14), (3, 15), (4, 15), (5, 16), (6, 16), (7, 16), (8, 16), (9, 17), (10, 17)]
)
def test_every_right_that_an_abi_knows_is_handled_and_no_other(abi: int, rights: int) -> None:
    assert int(handled(abi)) == (1 << rights) - 1


@pytest.mark.parametrize(("abi", "size"), [(1, 8), (3, 8), (4, 16), (5, 16), (6, 24), (9, 24)])
def test_a_kernel_gets_as_much_of_the_structure_as_it_knows(abi: int, size: int) -> None:
    assert len(ruleset_attributes(abi)) == size


def test_the_network_and_the_scopes_are_denied_where_the_kernel_can() -> None:
    assert struct.unpack("=QQQ", ruleset_attributes(7))[1:] == (0b11, 0b11)


def test_a_rule_on_a_file_has_no_rights_of_a_folder() -> None:
    access, descriptor = struct.unpack("=Qi", rule_attributes(OWN_FOLDER, 5, abi=7, is_folder=False))
    assert Access(access) == Access.READ_FILE | Access.WRITE_FILE
    assert descriptor == 5


def test_a_rule_asks_an_old_kernel_for_nothing_new() -> None:
    access, _ = struct.unpack("=Qi", rule_attributes(Access.READ_FILE | Access.TRUNCATE, 5, abi=1, is_folder=True))
    assert Access(access) == Access.READ_FILE


def test_the_engines_folder_takes_sockets_and_no_other_new_thing() -> None:
    made = Access.MAKE_REG | Access.MAKE_DIR | Access.MAKE_SYM | Access.MAKE_FIFO | Access.MAKE_CHAR | Access.EXECUTE
    assert not OWN_FOLDER & made
    assert Access.MAKE_SOCK in OWN_FOLDER
