# SPDX-License-Identifier: Apache-2.0
"""The public words, read once."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, Block, Page, read_page


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def pages() -> Mapping[str, Page]:
    """Every page that a reader may come upon, by its path."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return {page.path: page for page in map(read_page, sorted(paths))}


@pytest.fixture(scope="session")
def blocks(pages: Mapping[str, Page]) -> list[Block]:
    return [block for page in pages.values() for block in page.blocks]
