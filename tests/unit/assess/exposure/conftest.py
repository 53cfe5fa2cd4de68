# SPDX-License-Identifier: Apache-2.0
"""Code bases of a few lines, assessed in this process."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from freehold.assess.exposure.assessment import Assessment, assess
from freehold.policy.facts import Register, load_register

TODAY = date(2026, 11, 23)
Assess = Callable[[Mapping[str, str | bytes]], Assessment]
Found = set[tuple[str, int, str, str]]


@pytest.fixture(scope="session")
def register() -> Register:
    return load_register()


@pytest.fixture
def assessed(tmp_path: Path, register: Register) -> Assess:
    """``assessed({"app.py": "import openai"})``"""

    def of(files: Mapping[str, str | bytes]) -> Assessment:
        root = tmp_path / "code"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return assess([root], register, TODAY, processes=1)

    return of


def places(assessment: Assessment) -> Found:
    """Exposures as (file, line, kind, provider)."""
    return {(one.found.file, one.found.line, one.found.kind.value, one.found.provider) for one in assessment.exposures}


@pytest.fixture
def found(assessed: Assess) -> Callable[[Mapping[str, str | bytes]], Found]:
    return lambda files: places(assessed(files))


@pytest.fixture
def in_file(assessed: Assess) -> Callable[[str, str | bytes], set[tuple[int, str, str]]]:
    """``in_file("app.py", "import openai")``: (line, kind, provider)."""

    def of(name: str, content: str | bytes) -> set[tuple[int, str, str]]:
        return {(line, kind, provider) for _, line, kind, provider in places(assessed({name: content}))}

    return of
