# SPDX-License-Identifier: Apache-2.0
"""Getting the program out of a bundle with the standard library alone."""

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tests.bundle_builder import tar_of
from tests.vault_builder import signer

from freehold.vault.bundle import Bundles, KnownFile, Wanted
from freehold.vault.bundle import starter as starter_module
from freehold.vault.bundle.format import Program
from freehold.vault.bundle.packing import BundledProgram
from freehold.vault.bundle.starter import SOURCE, this_platform
from freehold.vault.store import Store

STARTER = Path(starter_module.__file__)
PLATFORM, PYTHON = this_platform()


def known(title: str, path: Path, content: bytes) -> KnownFile:
    path.write_bytes(content)
    return KnownFile(
        title=title, path=path, digest=f"sha256:{hashlib.sha256(content).hexdigest()}", size_bytes=len(content)
    )


def bundle(
    folder: Path, *, source: bytes | None = None, platform: str = PLATFORM, python: str = PYTHON, glibc: str = ""
) -> tuple[Path, str]:
    """A bundle with a program of one wheel, and its digest."""
    content = tar_of({"pyproject.toml": b"[project]\n", "src/freehold/__init__.py": b""}) if source is None else source
    files = [
        known(SOURCE, folder / "source", content),
        known("wheels/a-1-py3-none-any.whl", folder / "wheel", b"wheel"),
    ]
    program = BundledProgram(program=Program(version="1", platform=platform, python=python, glibc=glibc), files=files)
    bundles = Bundles(Store(folder / "vault"))
    whole = bundles.pack(Wanted(origin="freehold.local/x", models=[], programs=[program]), signer())
    bundles.write(whole, folder / "bundle.tar")
    return folder / "bundle.tar", whole.digest


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """As on a machine that has nothing but Python."""
    command = [sys.executable, "-I", "-S", STARTER, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("as_folder", [False, True])
def test_the_source_is_unpacked_for_whoever_knows_the_digest(tmp_path: Path, *, as_folder: bool) -> None:
    place, digest = bundle(tmp_path)
    if as_folder:
        with tarfile.open(place) as archive:
            archive.extractall(tmp_path / "folder", filter="data")
        place = tmp_path / "folder"
    done = run("unpack", place, tmp_path / "program", digest)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "program" / "pyproject.toml").read_text() == "[project]\n"
    assert f"make up BUNDLE={place} DIGEST={digest}" in done.stdout


def test_the_wheels_for_this_machine_are_taken_out(tmp_path: Path) -> None:
    place, _ = bundle(tmp_path)
    assert run("wheels", place, tmp_path / "wheels").returncode == 0
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == ["a-1-py3-none-any.whl"]


def test_another_digest_is_refused(tmp_path: Path) -> None:
    place, _ = bundle(tmp_path)
    done = run("unpack", place, tmp_path / "program", "sha256:" + "00" * 32)
    assert done.returncode == 1
    assert "is another one, or was changed on its way" in done.stderr
    assert not (tmp_path / "program").exists()


def test_the_digest_of_something_else_in_it_is_refused(tmp_path: Path) -> None:
    place, digest = bundle(tmp_path)
    with tarfile.open(place) as archive:
        names = [member.name.rpartition("/")[2] for member in archive if "/" in member.name]
    for name in names:
        if f"sha256:{name}" != digest:
            assert run("unpack", place, tmp_path / "program", f"sha256:{name}").returncode == 1
    assert not (tmp_path / "program").exists()


def test_a_program_for_another_machine_says_for_which(tmp_path: Path) -> None:
    place, digest = bundle(tmp_path, platform="linux/riscv64", python="3.99")
    for arguments in (("unpack", place, tmp_path / "program", digest), ("wheels", place, tmp_path / "wheels")):
        done = run(*arguments)
        assert done.returncode == 1
        assert f"linux/riscv64 with Python 3.99, and this is {PLATFORM} with Python {PYTHON}" in done.stderr


def test_a_program_for_a_newer_system_says_which(tmp_path: Path) -> None:
    place, _ = bundle(tmp_path, glibc="2.999")
    assert "needs glibc 2.999, and this machine has 2." in run("wheels", place, tmp_path / "wheels").stderr


def test_a_bundle_that_was_changed_is_refused(tmp_path: Path) -> None:
    place, digest = bundle(tmp_path)
    content = place.read_bytes()
    assert content.count(b"[project]") == 1
    place.write_bytes(content.replace(b"[project]", b"[pr0ject]"))
    done = run("unpack", place, tmp_path / "program", digest)
    assert "is damaged" in done.stderr
    assert not (tmp_path / "program").exists()


@pytest.mark.parametrize("name", ["../evil", "/tmp/freehold-evil", "src/../../evil"])  # noqa: S108 - names in an archive
def test_a_source_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    place, digest = bundle(tmp_path, source=tar_of({name: b"evil"}))
    done = run("unpack", place, tmp_path / "program", digest)
    assert "leads out of it" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bundle.tar", "source", "wheel"}


def test_nothing_is_unpacked_over_what_is_there(tmp_path: Path) -> None:
    place, digest = bundle(tmp_path)
    (tmp_path / "program").mkdir()
    assert "is there already" in run("unpack", place, tmp_path / "program", digest).stderr


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_what_is_no_bundle_is_refused_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(content)
    done = run("wheels", tmp_path / "b.tar", tmp_path / "wheels")
    assert done.returncode == 1
    assert done.stderr.startswith("start.py: ")


def test_a_wrong_command_says_what_there_is() -> None:
    assert "python3 start.py unpack BUNDLE DIR sha256:HEX" in run("install").stderr
