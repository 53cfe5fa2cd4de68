# SPDX-License-Identifier: Apache-2.0
import hashlib
from pathlib import Path

import pytest

from freehold.engine.build import Program, digest_of, server_of
from freehold.errors import EstateError


def test_the_digest_is_that_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "llama-server"
    for content in (b"one", b"another"):
        file.write_bytes(content)
        assert digest_of(file) == digest_of(file) == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_file_that_is_not_there_has_no_digest(tmp_path: Path) -> None:
    assert digest_of(tmp_path / "none") == digest_of(None) == ""


def test_a_binary_that_is_configured_is_the_one(tmp_path: Path) -> None:
    file = tmp_path / "server"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o700)
    assert Program(server=server_of(str(file), tmp_path)).file == file
    with pytest.raises(EstateError):
        server_of(str(tmp_path / "none"), tmp_path)


def test_without_one_it_is_the_packages_native_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    file = Program(server=server_of("", tmp_path)).file
    assert file is not None
    assert file.suffix == ".so"
    assert file.read_bytes()[:4] == b"\x7fELF"
