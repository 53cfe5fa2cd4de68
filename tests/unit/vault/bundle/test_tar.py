# SPDX-License-Identifier: Apache-2.0
"""Tar files as bundles have them, also larger than the format's first edition could say."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.errors import VaultError
from freehold.vault.bundle.tar import BLOCK_BYTES, END, Member, header_of, padding, read_members

LARGE = 9 * 2**30


def members(path: Path) -> dict[str, Member]:
    with path.open("rb") as file:
        return read_members(file, path.stat().st_size, str(path))


@pytest.mark.parametrize("ours", [True, False])
def test_a_file_of_nine_gibibytes_is_listed(tmp_path: Path, *, ours: bool) -> None:
    """Written as we do, with an extended header, and as GNU tar does, with a binary number. On disk it is a hole."""
    info = tarfile.TarInfo("blobs/sha256/" + "00" * 32)
    info.size = LARGE
    header = header_of(info.name, LARGE) if ours else info.tobuf(tarfile.GNU_FORMAT)
    path = tmp_path / "large.tar"
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + LARGE)
        file.seek(0, 2)
        file.write(END)
    assert members(path) == {info.name: Member(offset=len(header), size_bytes=LARGE)}


@given(st.dictionaries(st.text("abcdef0123456789", min_size=1, max_size=200), st.binary(max_size=2000), max_size=8))
def test_what_is_written_is_read_and_the_standard_library_reads_the_same(files: dict[str, bytes]) -> None:
    whole = b"".join(header_of(name, len(content)) + content + padding(len(content)) for name, content in files.items())
    whole += END
    found = read_members(io.BytesIO(whole), len(whole), "a tar")
    assert {name: whole[one.offset : one.offset + one.size_bytes] for name, one in found.items()} == files
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        assert {member.name: member.size for member in archive} == {name: len(files[name]) for name in files}


@given(st.integers(min_value=0, max_value=4 * BLOCK_BYTES), st.integers(min_value=0, max_value=255))
def test_a_header_with_any_byte_changed_is_refused_or_says_the_same(at: int, value: int) -> None:
    content = b"x" * 700
    whole = bytearray(header_of("index.json", len(content)) + content + padding(len(content)) + END)
    before = read_members(io.BytesIO(bytes(whole)), len(whole), "a tar")
    whole[at % len(whole)] = value
    try:
        found = read_members(io.BytesIO(bytes(whole)), len(whole), "a tar")
    except VaultError:
        return
    assert found == before
