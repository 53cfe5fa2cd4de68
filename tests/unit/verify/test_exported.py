# SPDX-License-Identifier: Apache-2.0
"""A tar is somebody else's file: only what a log consists of is taken out of it, and nothing outside is touched."""

import io
import tarfile
from pathlib import Path

import pytest

from freehold.errors import EstateError
from freehold.verify.exported import log_directory


def _tar(path: Path, members: list[tarfile.TarInfo], content: bytes = b"x") -> Path:
    with tarfile.open(path, "w") as tar:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return path


def _link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "name", ["../outside", "/outside", "tile/../../outside", "tile/0/../../../outside", "tile/0/0000", "notes.txt"]
)
def test_a_name_that_no_file_of_a_log_has_is_left_where_it_is(tmp_path: Path, name: str) -> None:
    with log_directory(_tar(tmp_path / "log.tar", [tarfile.TarInfo(name), tarfile.TarInfo("checkpoint")])) as log:
        assert [path.name for path in log.rglob("*")] == ["checkpoint"]
        assert not (log.parent / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_what_is_no_regular_file_is_left_where_it_is(tmp_path: Path, kind: bytes) -> None:
    with log_directory(_tar(tmp_path / "log.tar", [_link("checkpoint", "/etc/passwd", kind)])) as log:
        assert not list(log.iterdir())


def test_a_file_that_is_too_large_for_a_log_is_not_unpacked(tmp_path: Path) -> None:
    tar = _tar(tmp_path / "log.tar", [tarfile.TarInfo("tile/entries/000")], bytes(17_000_000))
    with pytest.raises(EstateError, match="larger than such a file"), log_directory(tar):
        pass


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100, bytes(100)])
def test_a_file_that_is_no_tar_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.tar").write_bytes(content)
    with pytest.raises(EstateError, match="cannot be unpacked"), log_directory(tmp_path / "log.tar"):
        pass


def test_what_was_unpacked_goes_again(tmp_path: Path) -> None:
    with log_directory(_tar(tmp_path / "log.tar", [tarfile.TarInfo("./checkpoint")])) as log:
        assert (log / "checkpoint").read_bytes() == b"x"
    assert not log.exists()


def test_a_directory_is_taken_as_it_is(tmp_path: Path) -> None:
    with log_directory(tmp_path) as log:
        assert log == tmp_path
