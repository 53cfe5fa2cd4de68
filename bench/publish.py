# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.publish``: puts the newest run's tables into docs/performance.md, and its chart beside it.

No figure there is written by hand: what stands between the two marks is the run's, with its date, machine and command.
"""

import shutil
import sys
from pathlib import Path

from bench.peers.places import BENCH, OUT
from bench.showing.results import LATEST, read
from bench.suite import SECTIONS

PAGE = BENCH.parent / "docs" / "performance.md"
PICTURES = PAGE.parent / "pictures"
_PICTURE = """\
<picture>
  <source media="(prefers-color-scheme: dark)" srcset="pictures/bench-dark.svg">
  <img alt="Requests/s, gaps between events, time to the first event, by load and side" src="pictures/bench-light.svg">
</picture>"""
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def main() -> None:
    """Refuse all but a whole run: a quick one is a look and no result."""
    newest = read(OUT / LATEST)
    if newest is None:
        sys.exit("bench: there is no run to publish; 'make bench' makes one")
    if newest.quick or not all(newest.rows.get(name) for name in SECTIONS):
        sys.exit("bench: the newest run was not a whole one; 'make bench' makes one")
    text = (OUT / "latest.md").read_text(encoding="utf-8")
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), f"{_PICTURE}\n\n{text}"), encoding="utf-8")
    for name in ("light", "dark"):
        shutil.copy(OUT / f"chart-{name}.svg", PICTURES / f"bench-{name}.svg")
    print(f"bench: {PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE} has the newest run")


def replaced(page: str, tables: str) -> str:
    """The page with these tables between its marks. Raises ValueError if it has no such place."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{before}{begin}\n\n{tables.strip()}\n\n{end}{after}"


if __name__ == "__main__":
    main()
