# SPDX-License-Identifier: Apache-2.0
"""A file is put in its place whole, or what was there stands."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.files.whole import put_whole, write_all


def test_a_file_is_there_with_its_content_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "note"
    put_whole(path, b"content")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"content", 0o600)


def test_one_that_is_there_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "note"
    path.write_bytes(b"a longer one than the new")
    put_whole(path, b"new", mode=0o640)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_put_in_its_place_leaves_all_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "note"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        put_whole(folder, b"content")
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_that_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        put_whole(tmp_path / "nowhere" / "note", b"content")


@pytest.fixture
def small_files() -> Iterator[int]:
    """The most bytes that the kernel lets a file of this process have, which it enforces by taking a part."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield 1000
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_all_of_it_is_written_or_that_is_an_error(tmp_path: Path, small_files: int) -> None:
    with (tmp_path / "file").open("wb", buffering=0) as file:
        assert write_all(file.fileno(), bytes(small_files - 1)) == small_files - 1
        with pytest.raises(OSError, match="File too large"):
            write_all(file.fileno(), bytes(2))
