# SPDX-License-Identifier: Apache-2.0
"""What a first start offers, where nobody sits at a terminal."""

from typing import Any

import pytest

from freehold.admin.client import AdminClient
from freehold.bootstrap.start import Up
from freehold.cli.offer import offer_tuning
from freehold.contract.estate import Estate


def begun(estate: Estate, *, first_key: str = "fh_x", model: str = "smollm2-135m-instruct", state: str = "ready") -> Up:
    status: dict[str, Any] = {"targets": [{"target": "local", "model": model, "state": state}]}
    return Up(client=AdminClient(estate.control_socket), status=status, first_key=first_key, supervisor=None)


def test_a_script_gets_one_line_with_the_command(estate: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    assert offer_tuning(estate, begun(estate)) is False
    said = capsys.readouterr().out.strip()
    assert said.startswith("freehold model tune smollm2-135m-instruct --auto ")
    assert "\n" not in said


@pytest.mark.parametrize("other", [{"first_key": ""}, {"model": "qwen3-8b"}, {"state": "failed"}])
def test_later_starts_and_other_models_are_not_bothered(
    estate: Estate, capsys: pytest.CaptureFixture[str], other: dict[str, str]
) -> None:
    assert offer_tuning(estate, begun(estate, **other)) is False
    assert capsys.readouterr().out == ""
