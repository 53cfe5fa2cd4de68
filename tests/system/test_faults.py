# SPDX-License-Identifier: Apache-2.0
"""The table of faults, each cell a call through a vendor's SDK to a real estate. docs/reference/faults.md is made here.

``FREEHOLD_WRITE=1`` writes that page anew.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.simulator.running import in_a_thread
from tests.simulator.server import Simulator
from tests.system import seeing
from tests.system.cells import CANNOT, OWN, Cell, cells
from tests.system.estates import Estate
from tests.system.seeing import Result, wrong_with

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
CELLS = cells()
ROWS = list(dict.fromkeys((cell.phase.name, cell.fault, cell.stream) for cell in CELLS))
NAMES = {"chat": "Chat", "responses": "Responses", "messages": "Messages", "mistral": "Mistral"}
TABLE = "<!-- The tables are made by tests/system/test_faults.py. -->\n"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[int, Result]]:
    """What was seen of every cell, by its number."""
    own = Estate(tmp_path_factory.mktemp("table") / "estate")
    with in_a_thread(Simulator()) as broken, in_a_thread(Simulator()) as well:
        try:
            seeing.found(own, broken, well, CELLS)
            own.up()
            yield {result.cell.number: result for result in seeing.see(own, broken, well, CELLS)}
        finally:
            own.destroy()


@pytest.mark.parametrize(
    ("phase", "fault", "stream"), ROWS, ids=[f"{f}, {p}, {'streamed' if s else 'whole'}" for p, f, s in ROWS]
)
def test_a_fault_costs_no_caller_anything_that_another_target_can_give(
    results: Mapping[int, Result], phase: str, fault: str, stream: bool
) -> None:
    """Or it says so: where nobody can go on there is an error, and no proper end."""
    row = [cell for cell in CELLS if (cell.phase.name, cell.fault, cell.stream) == (phase, fault, stream)]
    wrong = {cell.name: wrong_with(results[cell.number]) for cell in row}
    assert not any(wrong.values()), "\n".join(f"{name}: {what}" for name, what in wrong.items() if what)


def test_the_page_shows_what_callers_saw(results: Mapping[int, Result]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    written = text[: text.index(TABLE)] + TABLE + "\n".join(_page(results)) + "\n"
    if os.environ.get("FREEHOLD_WRITE") == "1":
        PAGE.write_text(written, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == written, "FREEHOLD_WRITE=1 writes the page anew"


def _page(results: Mapping[int, Result]) -> Iterator[str]:
    yield f"\n{len(CELLS)} calls."
    taken = [cell for cell in CELLS if cell.second and cell.second != CANNOT and not cell.settings]
    for stream, title in ((False, "Not streamed"), (True, "Streamed")):
        yield from _table(title, [cell for cell in taken if cell.stream is stream], results)
    yield from _table("Nobody can go on", [cell for cell in CELLS if not cell.second], results)
    yield from _table("The other target has no `prefill`", [cell for cell in CELLS if cell.second == CANNOT], results)
    yield from _table("With `tool_hold = false`", [cell for cell in CELLS if cell.settings], results)


def _table(title: str, shown: Iterable[Cell], results: Mapping[int, Result]) -> Iterator[str]:
    rows: dict[tuple[str, str], dict[str, list[str]]] = {}
    for cell in shown:
        row = rows.setdefault((cell.phase.name, cell.fault), {caller: [] for caller in OWN})
        row[cell.caller].append(_shown(results[cell.number]))
    yield from (
        "",
        f"## {title}",
        "",
        f"| phase | fault | {' | '.join(NAMES.values())} |",
        "|---" * (2 + len(OWN)) + "|",
    )
    for (phase, fault), row in rows.items():
        yield f"| {phase} | {fault} | {' | '.join(', '.join(sorted(set(row[caller]))) for caller in OWN)} |"


def _shown(result: Result) -> str:
    if wrong_with(result):
        return "**wrong**"
    if result.way == "error":
        return f"`{result.outcome['error']}`" + (f" {result.status}" if result.status != 200 else " in the stream")
    return result.way
