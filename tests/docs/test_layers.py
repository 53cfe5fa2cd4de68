# SPDX-License-Identifier: Apache-2.0
"""The layers that the documentation shows are those that import-linter holds, and each folder of the house is told."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.docs.pages import Page


@pytest.mark.parametrize("path", ["CONTRIBUTING.md", "docs/adr/0002-the-spine-and-its-siblings.md"])
def test_the_layers_shown_are_those_that_are_checked(path: str, pages: Mapping[str, Page], root: Path) -> None:
    linter = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    expected = [_words(layer) for layer in linter["contracts"][0]["layers"]]
    shown = [
        [_words(layer) for layer in block.text.split(">")]
        for block in pages[path].blocks
        if block.text.startswith("cli")
    ]
    assert shown == [expected], f"{path}: the block that begins with 'cli' is not the layers of pyproject.toml"


def test_every_folder_of_the_house_is_told(pages: Mapping[str, Page], root: Path) -> None:
    source = root / "src" / "freehold"
    names = {path.stem for path in source.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    untold = sorted(
        name
        for name in names - {"__init__"}
        if f"`{name}/`" not in pages["docs/concepts.md"].text and f"`{name}.py`" not in pages["docs/concepts.md"].text
    )
    assert not untold, f"docs/concepts.md does not tell what {', '.join(untold)} of src/freehold is for"


def _words(layer: str) -> list[str]:
    return re.findall(r"[a-z_]+|\|", layer.replace("(", "").replace(")", ""))
