# SPDX-License-Identifier: Apache-2.0
"""Commands, run in this process as a shell would run them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from freehold.admin.founding import found
from freehold.cli.main import main
from freehold.contract.estate import Estate

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("key", "list")``. The estate of the tests is never that of whoever runs them."""
    monkeypatch.delenv("FREEHOLD_ESTATE", raising=False)
    runner = CliRunner()
    return lambda *arguments, **options: runner.invoke(main, [str(argument) for argument in arguments], **options)


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    """An estate that is down."""
    estate = Estate(tmp_path / "estate")
    found(estate)
    return estate
