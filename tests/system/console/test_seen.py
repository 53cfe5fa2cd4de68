# SPDX-License-Identifier: Apache-2.0
"""Who could see it, in a browser: the picture and the tables say the same, and every name leads to its facts."""

import pytest
from playwright.sync_api import Page, expect
from tests.system.console import scene
from tests.system.console.browsing import NARROW, Console, findings, overflows
from tests.system.console.conftest import NewWindow
from tests.system.estates import Estate
from tests.system.waiting import wait_for

CALLS = {"support": 3, "research": 2, "default": 1}


@pytest.fixture(scope="module", autouse=True)
def called(house: Estate) -> None:
    """Some calls to providers, and one that stayed at home."""
    for service, times in CALLS.items():
        for _ in range(times):
            assert scene.call(house, service).status == 200


def rows(page: Page) -> dict[tuple[str, str], int]:
    """Calls by service and backend, as the table tells them."""
    found: dict[tuple[str, str], int] = {}
    for row in page.get_by_role("table", name="Every flow").locator("tbody tr").all():
        cells = [cell.inner_text() for cell in row.locator("th, td").all()]
        found[cells[0], cells[2]] = int(cells[5].replace("\N{NARROW NO-BREAK SPACE}", ""))
    return found


def shown(console: Console) -> dict[tuple[str, str], int]:
    return rows(console.open("seen?period=1h"))


def test_the_flow_shows_who_saw_how_many_calls(console: Console) -> None:
    found = wait_for(lambda: found if ("default", scene.OWN) in (found := shown(console)) else None, "it is counted")
    assert found["support", scene.FIRST] >= CALLS["support"]
    assert found["research", scene.SECOND] >= CALLS["research"]
    page = console.page
    picture = page.locator("svg.sankey.wide-screens")
    expect(picture.get_by_role("link", name=scene.FIRST)).to_be_visible()
    expect(picture.get_by_role("link", name="yours alone")).to_be_visible()
    share = page.locator(".figures div", has_text="Share that stayed owned").locator("dd").inner_text()
    assert "%" in share
    assert share not in ("0 %", "100 %")
    expect(page.get_by_role("table", name="By state").get_by_role("row", name="FR")).to_be_visible()


def test_a_backend_in_the_picture_leads_to_its_facts_and_their_sources(console: Console) -> None:
    page = console.open("seen?period=1h")
    link = page.locator("svg.sankey.wide-screens").get_by_role("link", name=scene.FIRST)
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Simulated anthropic", level=1)).to_be_visible()
    chain = page.get_by_role("table", name="Who runs it, owns it and sees what is sent")
    chain.get_by_role("link", name="source [1]").first.click()
    expect(page.locator("#source-1")).to_have_text("Our contract with Simulated SAS")
    expect(page.locator("#source-1")).to_be_in_viewport()
    page.get_by_role("link", name="Back to the flow").click()
    expect(page.get_by_role("heading", name="Who could see it", level=1)).to_be_visible()


def test_facts_of_the_register_lead_to_where_they_are_known_from(console: Console) -> None:
    page = console.open("seen/facts/scaleway")
    source = page.locator("[id^=source-] a[href^='https://']").first
    expect(source).to_be_visible()
    assert source.get_attribute("rel") == "noreferrer noopener"
    expect(page.get_by_text("rule:").first).to_be_visible()


def test_a_period_without_calls_says_so(console: Console) -> None:
    page = console.open("seen?period=own&since=2020-01-01T00:00&until=2020-01-02T00:00")
    expect(page.get_by_text("Nobody saw a call between 2020-01-01 00:00:00 and 2020-01-02 00:00:00")).to_be_visible()


def test_a_period_that_cannot_be_is_said_on_the_page(console: Console) -> None:
    page = console.open("seen?period=own&since=yesterday")
    expect(page.get_by_text("The flow of calls cannot be shown")).to_be_visible()
    console.said.clear()  # the browser says that its field cannot show that


@pytest.mark.parametrize("path", ["seen?period=1h", "seen/facts/self", "seen/facts/openai"])
def test_flows_and_facts_can_be_used_by_everybody(path: str, new_window: NewWindow) -> None:
    for settings in ({}, {"scheme": "dark", "size": NARROW}):
        page = new_window(**settings).open(path)
        assert findings(page) == []
        assert not overflows(page)
