# SPDX-License-Identifier: Apache-2.0
"""Policy, in a browser: every cell says why, and a claim is proved or broken by a request that is shown."""

import pytest
from playwright.sync_api import expect
from tests.system.console import scene
from tests.system.console.browsing import NARROW, Console, findings, overflows
from tests.system.console.conftest import NewWindow
from tests.system.estates import Estate
from tests.system.waiting import wait_for


def test_every_cell_of_the_matrix_says_why(console: Console) -> None:
    page = console.open("policy")
    sheet = page.get_by_role("region", name="Decisions for support")
    row = sheet.get_by_role("row", name="restricted")
    row.get_by_role("link", name=f"why no: support, restricted, {scene.FIRST}").click()
    expect(page.get_by_text("may not see it").first).to_be_visible()
    expect(page.get_by_text("forbid restricted-stays-home")).to_be_visible()
    page.get_by_role("link", name="anthropic", exact=True).click()
    expect(page.get_by_role("heading", name="Simulated anthropic", level=1)).to_be_visible()


def test_a_call_that_was_made_is_explained(house: Estate, console: Console) -> None:
    decision = scene.call(house).headers["freehold-decision"]
    page = console.open("policy/explain")

    def explained() -> bool:
        page.get_by_label("Decision", exact=True).fill(decision)
        page.get_by_role("button", name="Explain").last.click()
        expect(
            page.get_by_text("The decision of a call for").or_(page.get_by_text("cannot be explained"))
        ).to_be_visible()
        return page.get_by_text("The decision of a call for").is_visible()

    wait_for(explained, "the decision is in a published bundle")
    expect(page.get_by_role("heading", name=scene.FIRST)).to_be_visible()


def test_claims_are_proved_or_broken_by_a_request_that_is_shown(console: Console) -> None:
    page = console.open("policy/claims")
    expect(page.get_by_text("The estate claims nothing")).to_be_visible()
    page.get_by_label("Claims, one a line").fill("no restricted data outside owned\nno public data under authority FR")
    page.get_by_role("button", name="Prove", exact=True).click()
    expect(page.get_by_text("proved", exact=True)).to_be_visible()
    expect(page.get_by_text("broken", exact=True)).to_be_visible()
    shown = page.get_by_role("table", name="A request that breaks it")
    expect(shown.get_by_role("row", name="authorities")).to_contain_text("FR")
    expect(shown.get_by_role("row", name="permitted by")).to_contain_text("eu-operators")
    assert findings(page) == []


def test_a_claim_that_cannot_be_read_says_where(console: Console) -> None:
    page = console.open("policy/claims")
    page.get_by_label("Claims, one a line").fill("<script>document.title='executed'</script>")
    page.get_by_role("button", name="Prove", exact=True).click()
    expect(page.get_by_text("is expected at column 1")).to_be_visible()
    assert page.title() != "executed"


@pytest.mark.parametrize("path", ["policy?providers=openai,mistral", "policy/explain?service=support", "policy/claims"])
def test_the_law_can_be_read_by_everybody(path: str, new_window: NewWindow) -> None:
    for settings in ({}, {"scheme": "dark", "size": NARROW}):
        page = new_window(**settings).open(path)
        assert findings(page) == []
        assert not overflows(page)
