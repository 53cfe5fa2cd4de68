# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.unit.cli.conftest import Run

from freehold import __version__
from freehold.cli.main import CommandLine, main
from freehold.errors import EstateError, Fault, PolicyDenied, SettingsError


def commands_of(command: click.Command) -> dict[str, click.Command]:
    if not isinstance(command, click.Group):
        return {}
    context = click.Context(command)
    found = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return {name: inner for name, inner in found.items() if inner is not None}


def every(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in commands_of(command).items():
        yield from every(inner, *path, name)


COMMANDS = list(every(main))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_teaches(run: Run, path: tuple[str, ...]) -> None:
    shown = run(*path, "--help")
    assert shown.exit_code == 0
    assert "  Examples:\n    freehold " in shown.output
    assert len(shown.output) > 200


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    command: click.Command = main
    for name in path:
        command = commands_of(command)[name]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{' '.join(path)} does not explain {parameter.opts[0]}"


def test_the_commands_of_the_issue_are_there() -> None:
    expected = {"init", "up", "down", "status", "doctor", "chat", "reload"}
    groups = {
        "key": ("create", "list", "revoke"),
        "operator": ("create", "list", "revoke"),
        "vault": ("import", "list", "show", "verify"),
        "ledger": ("verify", "receipt"),
    }
    commands = commands_of(main)
    assert expected | groups.keys() <= commands.keys()
    for group, names in groups.items():
        assert set(names) <= commands_of(commands[group]).keys()


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").output == f"freehold, version {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("status", "--frobnicate"),
        ("key", "create", "--rate", "often"),
        ("key", "create", "--expires", "soon"),
        ("key", "create", "--data-class", "secret"),
        ("key", "revoke"),
        ("ledger", "receipt"),
        ("ledger", "receipt", "not-a-position"),
        ("ledger", "receipt", "a/1", "--check", "file"),
        ("init", "--port", "70000"),
    ],
)
def test_a_misspelt_command_is_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (EstateError("no estate here", hint="Make one."), 1, "freehold: no estate here\n  Make one.\n"),
        (SettingsError("line 3: unknown key", hint=""), 1, "freehold: line 3: unknown key\n"),
        (Fault("the engine broke"), 1, "freehold: the engine broke\n"),
        (PolicyDenied("not for this key", decision_id="dec_1"), 3, "freehold: not for this key\n"),
        (KeyboardInterrupt(), 130, "\n"),
        (OSError(28, "No space left on device"), 1, "freehold: No space left on device\n  Free space"),
        (OSError(36, "File name too long", "/x"), 1, "freehold: /x: File name too long\n  Name a shorter path.\n"),
        (UnicodeEncodeError("utf-8", "\udcff", 0, 1, ""), 1, "freehold: '\\udcff' is not UTF-8\n"),
    ],
)
def test_what_went_wrong_has_its_exit_code_and_words(problem: BaseException, code: int, said: str) -> None:
    @click.group(cls=CommandLine)
    def group() -> None: ...

    @group.command()
    def fail() -> None:
        raise problem

    outcome = CliRunner().invoke(group, ["fail"])
    assert outcome.exit_code == code
    assert outcome.stdout == ""
    assert outcome.stderr.startswith(said)


FINDS = """
import click
from freehold.cli.main import CommandLine

@click.group(cls=CommandLine)
def group() -> None: ...

@group.command()
@click.pass_context
def find(context):
    click.echo("it does not hold")
    context.exit(4)

group(["find"])
"""


@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [("| true; exit ${PIPESTATUS[0]}", 4, ""), (">&-", 4, ""), ("> /dev/full", 1, "No space left on device")],
    ids=["left", "closed", "full"],
)
def test_the_exit_code_is_the_finding_although_nobody_reads_it(
    tmp_path: Path, redirected: str, code: int, said: str
) -> None:
    (tmp_path / "find.py").write_text(FINDS)
    command = ["/bin/bash", "-c", f"'{sys.executable}' find.py {redirected}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("doctor",),
        ("reload",),
        ("chat", "--once", "hello"),
        ("key", "list"),
        ("key", "create"),
        ("operator", "list"),
        ("vault", "list"),
        ("vault", "verify"),
        ("ledger", "verify"),
        ("ledger", "receipt", "freehold.local/0/1"),
    ],
)
def test_without_an_estate_the_way_to_one_is_told(run: Run, tmp_path: object, arguments: tuple[str, ...]) -> None:
    outcome = run(*arguments, "--estate", tmp_path)
    assert outcome.exit_code == 1
    assert "is not an estate" in outcome.stderr
    assert "freehold init" in outcome.stderr
