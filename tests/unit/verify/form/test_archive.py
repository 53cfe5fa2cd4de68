# SPDX-License-Identifier: Apache-2.0
"""An archive can be written in one way only, any tool reads it, and this reader takes no other."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.errors import VerificationFailed
from freehold.verify.form.archive import MAX_FILES, read_archive, write_archive

NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)
FILES = st.dictionaries(NAMES.map(lambda name: f"{name}.x"), st.binary(max_size=60), min_size=1, max_size=6)
SOUND = write_archive({"index.html": b"hello", "a/b.txt": b"", "a/c.txt": b"there"})


@given(FILES)
def test_what_was_written_is_read_and_other_tools_read_it_too(files: dict[str, bytes]) -> None:
    written = write_archive(files)
    assert read_archive(written) == files
    assert list(read_archive(written)) == list(files)
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert archive.testzip() is None


@given(st.integers(0, len(SOUND) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(at: int, by: int) -> None:
    with pytest.raises(VerificationFailed):
        read_archive(SOUND[:at] + bytes([SOUND[at] ^ by]) + SOUND[at + 1 :])


@given(st.integers(0, len(SOUND) - 1))
def test_no_beginning_of_one_is_one(end: int) -> None:
    with pytest.raises(VerificationFailed):
        read_archive(SOUND[:end])


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(noise: bytes) -> None:
    with pytest.raises(VerificationFailed):
        read_archive(b"PK\x03\x04" + noise)


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "../a", "a/..", ".a", "a b", "ä", "a\\b", "a" * 201])
def test_a_name_that_no_pack_has_is_not_written(name: str) -> None:
    with pytest.raises(ValueError, match="names a file"):
        write_archive({name: b""})


def test_more_files_than_a_pack_has_are_not_written() -> None:
    with pytest.raises(ValueError, match="at most"):
        write_archive({f"{number}": b"" for number in range(MAX_FILES + 1)})
