# SPDX-License-Identifier: Apache-2.0
"""The shipped alerts and configuration, and an estate's metrics, by Prometheus' own tool."""

import subprocess
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tests.system import programs
from tests.system.estates import Estate
from tests.system.waiting import LONG_S

SHIPPED = Path(__file__).parents[2] / "deploy" / "prometheus"


@pytest.fixture(scope="module")
def promtool() -> str:
    return programs.installed("promtool", "prometheus")


@pytest.mark.parametrize(
    "command",
    [
        ("check", "rules", "alerts.yaml"),
        ("check", "config", "prometheus.yaml"),
        ("test", "rules", "alerts.test.yaml"),
    ],
)
def test_what_is_shipped_for_prometheus_is_what_it_reads(promtool: str, command: tuple[str, ...]) -> None:
    done = subprocess.run([promtool, *command], cwd=SHIPPED, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_estates_metrics_are_what_prometheus_would_have(promtool: str, provided: Estate) -> None:
    connection = HTTPConnection("127.0.0.1", provided.admin_port, timeout=LONG_S)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status == 200
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
