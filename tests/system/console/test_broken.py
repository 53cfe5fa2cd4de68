# SPDX-License-Identifier: Apache-2.0
"""What the console shows of an estate that is not well: every page opens, and says what is the matter."""

import os
import signal

from playwright.sync_api import Browser, expect
from tests.system.conftest import NewEstate
from tests.system.console import scene
from tests.system.console.browsing import PAGES, Console, findings, window
from tests.system.estates import Estate
from tests.system.waiting import wait_for


def test_a_full_ledger_is_told_and_every_page_opens(browser: Browser, new_estate: NewEstate) -> None:
    full = new_estate()
    token = scene.operator(full).token
    full.set("ledger", "reserve_mb = 90000000")
    full.attempt_up()  # up it is, and says that it answers no question
    with window(browser, f"http://127.0.0.1:{full.admin_port}") as console:
        page = console.sign_in(token)
        expect(page.get_by_text("The ledger is full: the disk under it is down to its reserve")).to_be_visible()
        assert findings(page) == []
        for name in PAGES:
            console.open(name)


def test_a_ledger_that_is_stuck_is_told_and_keeps_no_page_from_opening(console: Console, house: Estate) -> None:
    page = console.open("now")
    stuck = house.process("ledger")
    trouble = page.get_by_text("The ledger does not answer, so no call is served")
    expect(trouble).to_have_count(0)
    os.kill(stuck, signal.SIGSTOP)
    try:
        expect(trouble).to_be_visible()  # without loading anew
        for name in PAGES:
            console.open(name)
        console.open("now")
        expect(trouble).to_be_visible()
    finally:
        os.kill(stuck, signal.SIGCONT)
    expect(trouble).to_have_count(0)


def test_a_control_process_that_is_stuck_is_told_by_the_page_itself(console: Console, house: Estate) -> None:
    page = console.open("now")
    live = page.locator("#live")
    expect(live).to_have_attribute("data-state", "live")
    stuck = house.process("control")
    os.kill(stuck, signal.SIGSTOP)
    try:
        expect(live).to_have_text("The estate does not answer; what is shown is old")
    finally:
        os.kill(stuck, signal.SIGCONT)
    expect(live).to_have_attribute("data-state", "live")


def test_an_engine_that_dies_is_seen_to_come_back(console: Console, house: Estate) -> None:
    page = console.open("now")
    state = page.locator(f'[data-target="{scene.OWN}"] [data-state]')
    expect(state).to_have_text("ready")
    house.kill(house.process("engine local"))
    wait_for(lambda: any(one.get("restarts") for one in house.status()["targets"]), "the engine was started again")
    page = console.open("now")
    expect(page.locator(f'[data-target="{scene.OWN}"]')).to_contain_text("restarted")
    expect(state).to_have_text("ready")
