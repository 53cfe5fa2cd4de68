# SPDX-License-Identifier: Apache-2.0
"""Now and Keys in a browser: what changes is shown without loading anew, and what is wrong is said."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Dialog, expect
from tests.system.console import scene
from tests.system.console.browsing import Console, findings
from tests.system.console.conftest import NewWindow
from tests.system.estates import Estate

ORDER = ("--reason", "an order of the state", "--source", "https://example.org/orders/17")


def test_calls_are_drawn_as_they_come(console: Console, house: Estate) -> None:
    page = console.open("now")
    card = page.get_by_role("region", name="Service default")
    expect(card.get_by_text("local", exact=True)).to_be_visible()
    for _ in range(3):
        assert scene.call(house, "default", stream=True).status == 200
    drawn = card.get_by_role("img", name=re.compile(r"Calls a minute, last \d+ minutes: at most [1-9]"))
    expect(drawn).to_be_visible()
    expect(card.get_by_role("img", name=re.compile(r"First token, last \d+ minutes: at most .+ m?s"))).to_be_visible()
    expect(page.locator('[data-figure="calls"]')).not_to_have_text("0")
    assert findings(page) == []


def test_a_directive_and_who_answers_then_are_seen_without_loading_anew(console: Console, house: Estate) -> None:
    page = console.open("now")
    card = page.get_by_role("region", name="Service support")
    expect(card.locator("[data-now]")).to_contain_text(scene.FIRST)
    issued = house.ask("directive", "issue", "--provider", "anthropic", *ORDER)["directive"]
    try:
        banner = page.locator("#standing .banner")
        expect(banner).to_contain_text(f"Withdrawn: provider anthropic, by directive {issued['id']}")
        expect(card.locator("[data-now]")).to_contain_text(scene.SECOND)
        expect(card.locator("[data-then]")).to_have_text(f"If it left: {scene.OWN}")
        expect(page.locator(f'[data-target="{scene.FIRST}"] [data-state]')).to_have_text("withdrawn")
    finally:
        house.run("directive", "lift", issued["id"])
    expect(banner).to_have_count(0)
    expect(card.locator("[data-now]")).to_contain_text(scene.FIRST)


def test_a_clock_that_is_wrong_is_told(new_window: NewWindow) -> None:
    """The browser's, here: nobody but the machine's owner can set the estate's."""
    console = new_window()
    console.page.clock.install(time=datetime.now(UTC) + timedelta(minutes=10))
    page = console.open("now")
    page.clock.run_for(5000)
    expect(page.locator("#clock")).to_contain_text("minutes behind this browser's")


def test_a_key_is_made_used_and_revoked(console: Console, house: Estate) -> None:
    page = console.open("keys")
    page.get_by_label("Application", exact=True).fill("The <b>desk</b>")
    page.get_by_label("Requests a minute").fill("600")
    page.get_by_role("checkbox", name="default").check()
    page.get_by_role("button", name="Make the key").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("fh_")
    assert secret not in page.url
    assert findings(page) == []
    assert scene.call(house, "default", key=secret).status == 200
    assert scene.call(house, "support", key=secret).status in (403, 404)
    row = console.open("keys").get_by_role("row").filter(has_text="The <b>desk</b>").filter(has_text="active")
    expect(row).to_contain_text("default")
    expect(row).to_contain_text("600")
    page.once("dialog", _accept)
    row.get_by_role("button", name=re.compile("Revoke")).click()
    expect(page.get_by_text("The key is revoked")).to_be_visible()
    assert scene.call(house, "default", key=secret).status == 401


def test_of_two_operators_at_once_the_second_sees_a_conflict(new_window: NewWindow, house: Estate) -> None:
    made = house.ask("key", "create", "contested")["key"]
    first, second = new_window(), new_window()
    pages = [window.open("keys") for window in (first, second)]
    rows = [page.get_by_role("row").filter(has_text=made["id"]) for page in pages]
    for page in pages:
        page.once("dialog", _accept)
    rows[0].get_by_role("button", name="Revoke contested").click()
    expect(pages[0].get_by_text("The key is revoked")).to_be_visible()
    rows[1].get_by_role("button", name="Revoke contested").click()
    expect(pages[1].get_by_text("Somebody was faster, and nothing was changed")).to_be_visible()
    second.said.clear()  # the browser notes the 412


def test_whoever_is_revoked_is_out_at_once(new_window: NewWindow, house: Estate) -> None:
    guest = scene.operator(house, "a guest for a minute")
    console = new_window(session=None)
    console.sign_in(guest.token)
    expect(console.page.get_by_role("heading", name="Now", level=1)).to_be_visible()
    house.run("operator", "revoke", guest.id)
    expect(console.page.get_by_label("Operator's token")).to_be_visible()  # the page asks, and is sent away
    console.said.clear()  # the browser notes the 401


def _accept(dialog: Dialog) -> None:
    dialog.accept()
