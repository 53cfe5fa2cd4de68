# SPDX-License-Identifier: Apache-2.0
"""freehold-verify is told whole in docs/reference/verify.md, and every line of it that is shown can be typed."""

import argparse
import shlex
from collections.abc import Mapping

import pytest
from tests.docs.pages import Block, Page

from freehold.verify.main import parser

PAGE = "docs/reference/verify.md"


def _subjects() -> dict[str, argparse.ArgumentParser]:
    (action,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(action.choices)


@pytest.mark.parametrize("subject", _subjects())
def test_every_subject_is_told_with_its_options(subject: str, pages: Mapping[str, Page]) -> None:
    page = pages[PAGE]
    heading = next(heading for heading in page.headings if heading.startswith(f"`freehold-verify {subject} "))
    told = page.section(heading) + page.section("Options of all")
    options = {max(action.option_strings, key=len) for action in _subjects()[subject]._actions if action.option_strings}
    missing = [option for option in sorted(options - {"--help"}) if f"`{option}" not in told]
    assert not missing, f"{PAGE} does not tell {', '.join(missing)} of {subject}"


def test_every_line_of_it_in_the_documentation_can_be_typed(
    blocks: list[Block], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        (block, line.removeprefix("$ "))
        for block in blocks
        if block.language in ("sh", "console")
        for line in block.text.splitlines()
        if line.removeprefix("$ ").startswith("freehold-verify ")
    ]
    assert lines
    for block, line in lines:
        try:
            parser().parse_args(shlex.split(line, comments=True)[1:])
        except SystemExit:
            pytest.fail(f"{block.place}: {line!r}: {capsys.readouterr().err}")
