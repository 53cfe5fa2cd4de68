# SPDX-License-Identifier: Apache-2.0
"""Every command and option is in docs/reference/commands.md, and every command line that is shown can be typed."""

import re
import shlex
from collections.abc import Iterator, Mapping

import click
import pytest
from tests.docs.pages import Block, Page

from freehold.cli.main import main

PAGE = "docs/reference/commands.md"


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in sorted(command.list_commands(context)):
        below = command.get_command(context, name)
        if below is not None and not below.hidden:
            yield from _commands(below, (*path, name))


COMMANDS = dict(_commands(main, ("freehold",)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_is_told_with_its_options(path: tuple[str, ...], pages: Mapping[str, Page]) -> None:
    name = " ".join(path)
    text = next((pages[PAGE].text[at:] for at in _headings(pages[PAGE].text, name)), "")
    assert text, f"{PAGE} lacks a heading '`{name}`'"
    section = re.split(r"^#{1,6} ", text, maxsplit=2, flags=re.MULTILINE)[1]
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            option = max(parameter.opts, key=len)
            assert option in section, f"{PAGE}: the section of `{name}` does not tell {option}"


def test_every_command_line_in_the_documentation_can_be_typed(blocks: list[Block]) -> None:
    shown = [(block, line) for block in blocks if block.language in ("sh", "console") for line in _typed(block)]
    wrong = [f"{block.place}: {line!r}: {problem}" for block, line in shown if (problem := _refused(line))]
    assert not wrong, "command lines that freehold refuses:\n" + "\n".join(wrong)


def _headings(text: str, name: str) -> list[int]:
    return [match.start() for match in re.finditer(rf"^#+ .*`{re.escape(name)}[ `]", text, re.MULTILINE)]


def _typed(block: Block) -> Iterator[str]:
    """The command lines of a block: all of a script, and of a session those behind a prompt."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if block.language == "sh":
            yield line
        elif line.startswith("$ "):
            yield line.removeprefix("$ ")


def _refused(line: str) -> str:
    """Why the first ``freehold`` in a line cannot be typed so; empty if it can, or if there is none."""
    words = shlex.split(line, comments=True)
    starts = [at for at, word in enumerate(words) if word.rpartition("/")[2] == "freehold"]
    if not starts:
        return ""
    arguments = words[starts[0] + 1 :]
    ends = [at for at, word in enumerate(arguments) if word in {"|", ">", ">>", "&&", ";", "<", "2>&1", "&"}]
    arguments = arguments[: ends[0]] if ends else arguments
    return _refused_by(main, arguments, click.Context(main, info_name="freehold"))


def _refused_by(command: click.Command, arguments: list[str], context: click.Context) -> str:
    try:
        _, rest, _ = command.make_parser(context).parse_args(list(arguments))
    except click.UsageError as exc:
        return exc.format_message()
    if not isinstance(command, click.Group) or not arguments or arguments[-1] == "--help":
        return ""
    if not rest:
        return "names no command"
    below = command.get_command(context, rest[0])
    if below is None:
        return f"there is no command {rest[0]!r}"
    return _refused_by(below, rest[1:], click.Context(below, info_name=rest[0], parent=context))
