# SPDX-License-Identifier: Apache-2.0
"""Every link of the documentation leads somewhere, and every page can be reached."""

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.docs.pages import Page


def test_every_internal_link_leads_to_a_file_and_an_anchor_that_exist(pages: Mapping[str, Page], root: Path) -> None:
    broken = []
    for page in pages.values():
        for link, path, anchor in _internal(page):
            if not (root / path).exists():
                broken.append(f"{page.path}: [..]({link}): there is no {path}")
            elif anchor and path in pages and anchor not in pages[path].anchors:
                broken.append(f"{page.path}: [..]({link}): {path} has no heading with the anchor #{anchor}")
    assert not broken, "links that lead nowhere:\n" + "\n".join(broken)


def test_every_page_of_the_documentation_can_be_reached_from_its_index(pages: Mapping[str, Page]) -> None:
    reached, open_ends = set[str](), ["docs/index.md"]
    while open_ends:
        path = open_ends.pop()
        if path in reached or path not in pages:
            continue
        reached.add(path)
        open_ends.extend(target for _, target, _ in _internal(pages[path]))
    orphans = sorted(path for path in pages if path.startswith("docs/") and path not in reached)
    assert not orphans, (
        f"no page links to {', '.join(orphans)}: link each from docs/index.md or from a page that it leads to"
    )


def test_the_readme_leads_to_the_index(pages: Mapping[str, Page]) -> None:
    assert "docs/index.md" in {path for _, path, _ in _internal(pages["README.md"])}, (
        "README.md does not link docs/index.md"
    )


def _internal(page: Page) -> Iterator[tuple[str, str, str]]:
    """Each link of a page into the repository: as written, the path that it means, and the anchor."""
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.path), parts.path)) if parts.path else page.path
        yield link, path, parts.fragment
