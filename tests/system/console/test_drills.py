# SPDX-License-Identifier: Apache-2.0
"""Drills, in a browser: one is watched while it runs, its scorecard is read, and two of them are compared."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.system.console import scene
from tests.system.console.browsing import NARROW, Console, findings, overflows
from tests.system.console.conftest import NewWindow
from tests.system.estates import Estate
from tests.system.waiting import wait_for

BRIEF = "name: brief\nduration_s: 2\nsteps:\n  - {at_s: 1, fault: refuse, targets: first}\n"


@pytest.fixture(scope="module")
def brief(house: Estate) -> str:
    """The id of a drill of two seconds."""
    (house.directory / "brief.yaml").write_text(BRIEF, encoding="utf-8")
    done = house.attempt("drill", "run", house.directory / "brief.yaml", "--simulated", "--requests", "6", "--json")
    assert done.returncode in (0, 1), done.stderr
    return str(drills(house)[0]["id"])


def drills(house: Estate) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = house.ask("drill", "list")["drills"]
    return listed


def choose(page: Page, scenario: str, requests: int) -> None:
    page.get_by_role("radio", name=scenario).check()
    page.get_by_label("Service", exact=True).select_option("support")
    page.get_by_label("How many calls").fill(str(requests))


def test_a_drill_is_watched_while_it_runs_and_its_scorecard_read(house: Estate, brief: str, console: Console) -> None:
    page = console.open("drills")
    choose(page, "silent-substitution", 24)
    page.get_by_role("button", name="Run the drill").click()
    picture = page.locator("#live-picture svg")
    expect(picture.locator("rect").first).to_be_visible()
    expect(page.locator("#live-happened li").first).to_contain_text(scene.FIRST)
    expect(page.get_by_role("button", name="Stop it")).to_be_visible()
    expect(picture).to_have_attribute("aria-label", re.compile(r"\d+ calls made"))
    assert findings(page) == []
    expect(page.get_by_text("The drill is over")).to_be_visible()
    link = page.get_by_role("link", name="Read the scorecard")
    expect(link).to_be_focused()
    link.click()
    expect(page.get_by_role("heading", name="silent-substitution", level=1)).to_be_visible()
    shown = house.ask("drill", "show", page.url.rpartition("/")[2])["drill"]
    expect(page.get_by_text(shown["digest"])).to_be_visible()
    expect(page.get_by_role("row", name="calls made")).to_contain_text("24")
    page.get_by_text("The same in a table").click()
    began = page.get_by_role("table", name="Calls by the second").locator("tbody td:nth-child(2)").all_inner_texts()
    assert sum(map(int, began)) == 24
    assert findings(page) == []


def test_two_drills_are_compared(brief: str, console: Console) -> None:
    page = console.open("drills")
    page.get_by_role("radio", name=f"{brief} as the first").check()
    page.get_by_role("button", name="Compare the two").click()
    expect(page.get_by_role("heading", name="Two drills", level=1)).to_be_visible()
    expect(page.get_by_role("table", name="Measure by measure").locator("tbody tr").first).to_be_visible()
    expect(page.get_by_role("heading", name="1st: brief")).to_be_visible()
    assert findings(page) == []


def test_a_drill_that_is_stopped_leaves_nothing_in_force(house: Estate, console: Console) -> None:
    before = len(drills(house))
    page = console.open("drills")
    choose(page, "june-2026", 24)
    page.get_by_role("button", name="Run the drill").click()
    expect(page.locator("#live-picture rect").first).to_be_visible()
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing of it stays in force")
    wait_for(lambda: b'"act":"drill.stop"' in entries(house), "its end is on record")
    assert len(drills(house)) == before


def test_a_drill_that_cannot_be_run_says_why(console: Console) -> None:
    page = console.open("drills")
    page.get_by_role("radio", name="june-2026").check()
    page.get_by_label("Service", exact=True).select_option("default")
    page.get_by_role("button", name="Run the drill").click()
    expect(page.get_by_role("alert")).to_contain_text("is about a target at a provider")
    console.said.clear()  # the browser notes the 409


def test_scorecards_can_be_read_by_everybody(brief: str, new_window: NewWindow) -> None:
    console = new_window(scheme="dark", size=NARROW)
    for path in ("drills", f"drills/{brief}", f"drills/compare?a={brief}&b={brief}"):
        page = console.open(path)
        assert findings(page) == []
        assert not overflows(page)


def entries(house: Estate) -> bytes:
    house.attempt("ledger", "verify")
    return b"".join(path.read_bytes() for path in (house.files / "ledger").rglob("*") if path.is_file())
