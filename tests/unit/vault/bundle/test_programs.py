# SPDX-License-Identifier: Apache-2.0
"""The program for a bundle: which wheels are asked for, and that the source is the same every time."""

import tarfile
from pathlib import Path

import pytest

from freehold.errors import VaultError
from freehold.vault.bundle.programs import WantedProgram, gather


class Taken:
    """Remembers what was asked for, and brings one wheel."""

    def __init__(self) -> None:
        self.lock = ""
        self.options: tuple[str, ...] = ()

    def __call__(self, lock: Path, options: tuple[str, ...], into: Path) -> None:
        self.lock, self.options = lock.read_text(), options
        into.mkdir()
        (into / "a-1-py3-none-any.whl").write_bytes(b"wheel")


def names(lock: str) -> set[str]:
    return {line.split("==")[0] for line in lock.splitlines() if line[:1].isalnum()}


def test_the_locks_are_read_for_the_machine_that_is_named(tmp_path: Path) -> None:
    taken = Taken()
    gather(WantedProgram(platform="linux/arm64", python="3.13", extras=("detector",)), taken, tmp_path / "scratch")
    assert {"click", "numpy", "phonenumberslite"} <= names(taken.lock)
    assert "typing-extensions" not in names(taken.lock)  # which only older versions of Python need
    assert "colorama" not in names(taken.lock)  # which only Windows needs
    assert ";" not in taken.lock
    assert "--hash=sha256:" in taken.lock
    assert taken.options.index("--platform=manylinux_2_17_aarch64") < taken.options.index(
        "--platform=manylinux_2_28_aarch64"
    )
    assert "--python-version=3.13" in taken.options


def test_older_python_gets_what_it_needs(tmp_path: Path) -> None:
    taken = Taken()
    gather(WantedProgram(platform="linux/amd64", python="3.11"), taken, tmp_path / "scratch")
    assert "typing-extensions" in names(taken.lock)


def test_source_starter_and_wheels_are_its_files(tmp_path: Path) -> None:
    one = gather(WantedProgram(platform="linux/amd64", python="3.11"), Taken(), tmp_path / "one")
    two = gather(WantedProgram(platform="linux/amd64", python="3.11"), Taken(), tmp_path / "two")
    assert [file.title for file in one.files] == ["source.tar", "start.py", "wheels/a-1-py3-none-any.whl"]
    assert [file.digest for file in one.files] == [file.digest for file in two.files]
    with tarfile.open(one.files[0].path) as archive:
        members = archive.getmembers()
    found = {member.name for member in members}
    assert {"Makefile", "pyproject.toml", "requirements/run.lock", "src/freehold/assess/bom/run.lock"} <= found
    assert all(member.isreg() for member in members)
    assert not any("__pycache__" in name or "/." in name or ".egg-info" in name for name in found)


def test_what_the_wheels_need_of_the_system_is_said(tmp_path: Path) -> None:
    def take(lock: Path, options: tuple[str, ...], into: Path) -> None:
        into.mkdir()
        for name in ("a-1-py3-none-any", "b-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64"):
            (into / f"{name}.whl").write_bytes(b"wheel")
        (into / "c-1-cp311-abi3-manylinux_2_31_x86_64.whl").write_bytes(b"wheel")

    gathered = gather(WantedProgram(platform="linux/amd64", python="3.11"), take, tmp_path / "scratch")
    assert gathered.program.glibc == "2.31"


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (WantedProgram(platform="plan9/amd64", python="3.11"), "a platform is linux/amd64 or linux/arm64"),
        (WantedProgram(platform="linux/amd64", python="2.7"), "with Python '2.7'"),
        (WantedProgram(platform="linux/amd64", python="3.11", extras=("../dev",)), "no extra '../dev' with a lock"),
        (WantedProgram(platform="linux/amd64", python="3.11", extras=("dev",)), "there are: detector"),
    ],
)
def test_what_there_is_not_is_named(wanted: WantedProgram, why: str, tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=why):
        gather(wanted, Taken(), tmp_path / "scratch")
