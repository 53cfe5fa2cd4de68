# SPDX-License-Identifier: Apache-2.0
"""What one holds, another does not, until it is let go. To the kernel two descriptors are as two processes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.files.held import hold_folder, hold_within, is_held


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[int]:
    """The folder, opened by somebody else."""
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_a_folder_is_held_by_one(tmp_path: Path, opened: int) -> None:
    holding = hold_folder(tmp_path)
    with pytest.raises(BlockingIOError):
        hold_folder(tmp_path)
    assert is_held(opened)
    os.close(holding)
    assert not is_held(opened)


def test_who_waits_has_it_once_it_is_let_go(tmp_path: Path, opened: int) -> None:
    holding = hold_folder(tmp_path)
    assert not hold_within(opened, 0)
    os.close(holding)
    assert hold_within(opened, 0)
    with pytest.raises(BlockingIOError):
        hold_folder(tmp_path)


def test_a_link_is_followed_only_where_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    with pytest.raises(NotADirectoryError):
        hold_folder(tmp_path / "link", follow=False)
    os.close(hold_folder(tmp_path / "link"))
