# SPDX-License-Identifier: Apache-2.0
"""What a reader may copy can be run: Python compiles, JSON parses, and every target of make exists and is told."""

import ast
import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from tests.docs.pages import Block, Page

_MADE = re.compile(r"\bmake ([a-z][a-z-]*)")


def test_python_in_the_documentation_compiles(blocks: list[Block]) -> None:
    for block in blocks:
        if block.language == "python":
            compile(block.text, block.place, "exec")


def test_what_python_in_the_documentation_takes_from_freehold_exists(blocks: list[Block]) -> None:
    missing = [
        f"{block.place}: {node.module} has no {alias.name}"
        for block in blocks
        if block.language == "python"
        for node in ast.walk(ast.parse(block.text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("freehold")
        for alias in node.names
        if not hasattr(importlib.import_module(node.module or ""), alias.name)
    ]
    assert not missing, "\n".join(missing)


def test_json_in_the_documentation_parses(blocks: list[Block]) -> None:
    for block in blocks:
        if block.language == "json":
            json.loads(block.text)


def test_every_target_of_make_that_is_named_exists(pages: Mapping[str, Page], root: Path) -> None:
    known = _targets(root)
    named = {(page.path, target) for page in pages.values() for target in _named(page)}
    missing = sorted(f"{path}: make {target}" for path, target in named if target not in known)
    assert not missing, "targets that the Makefile lacks:\n" + "\n".join(missing)


def test_every_target_of_make_is_told_to_contributors(pages: Mapping[str, Page], root: Path) -> None:
    untold = sorted(target for target in _targets(root) if f"`make {target}`" not in pages["CONTRIBUTING.md"].text)
    assert not untold, f"CONTRIBUTING.md does not tell {', '.join(f'`make {target}`' for target in untold)}"


def _targets(root: Path) -> set[str]:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    return {target for line in re.findall(r"^\.PHONY:(.*)$", makefile, re.MULTILINE) for target in line.split()}


def _named(page: Page) -> list[str]:
    """Targets in code; in prose 'make' is a verb."""
    inline = re.findall(r"`(make [^`]*)`", page.prose)
    return _MADE.findall("\n".join([*inline, *(block.text for block in page.blocks if block.language == "sh")]))
