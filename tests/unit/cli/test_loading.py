# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from freehold.cli.loading import Loading

HEAVY = ("aiohttp", "cedarpy", "granian", "jsonschema_rs", "uvloop", "freehold.policy", "freehold.vault")


@pytest.mark.parametrize(
    "module", ["status", "down", "key", "operator", "chat", "target", "directive", "ledger", "witness"]
)
def test_a_command_to_an_estate_that_is_up_loads_nothing_that_only_a_start_needs(module: str) -> None:
    code = f"import sys, freehold.cli.main, freehold.cli.{module}; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not set(loaded.stdout.split()) & set(HEAVY)


def test_a_control_process_starts_without_what_only_a_drill_needs() -> None:
    code = "import sys, freehold.bootstrap.control; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "aiohttp" not in loaded.stdout.split()


def test_what_lies_elsewhere_is_listed_and_run_beside_what_is_here() -> None:
    @click.group(cls=Loading, modules={"down": "freehold.cli.down"})
    def group() -> None: ...

    @group.command()
    def here() -> None:
        click.echo("I am here")

    context = click.Context(group)
    assert isinstance(group, Loading)
    assert group.list_commands(context) == ["down", "here"]
    assert not group.commands.keys() - {"here"}, "nothing is loaded to be listed"
    assert "Stop everything" in CliRunner().invoke(group, ["down", "--help"]).output
    assert CliRunner().invoke(group, ["here"]).output == "I am here\n"
    assert CliRunner().invoke(group, ["nowhere"]).exit_code == 2
