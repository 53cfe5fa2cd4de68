# SPDX-License-Identifier: Apache-2.0
"""The Record, in a browser: found, verified by the browser itself, and not verified where a file was tampered with."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.attack.ledger.signing_by_hand import OWN
from tests.simulator.server import Simulator
from tests.system.console import scene
from tests.system.console.browsing import NARROW, Console, findings, overflows
from tests.system.console.conftest import NewWindow
from tests.system.console.scene import Operator
from tests.system.estates import Estate
from tests.system.waiting import wait_for

MARKUP = "<img src=x onerror=\"document.title='executed'\">"


@pytest.fixture
def call(house: Estate, simulator: Simulator) -> int:
    """The index of a call that is on record, with its outcome."""
    answered = scene.call(house)
    position = answered.headers["freehold-receipt"]
    wait_for(lambda: house.attempt("ledger", "receipt", position).returncode == 0, "the call is published")
    return int(position.rpartition("/")[2])


@contextmanager
def tampered(file: Path, at: int) -> Iterator[None]:
    """One bit of a file on the disk is another one."""
    sound = file.read_bytes()
    changed = bytearray(sound)
    changed[at] ^= 1
    file.write_bytes(changed)
    try:
        yield
    finally:
        file.write_bytes(sound)


def newest(house: Estate, pattern: str) -> Path:
    """The widest of partial tiles: the one that the checkpoint speaks of."""
    return max((house.files / "ledger").glob(pattern), key=lambda path: int(path.name))


def verify(page: Page) -> Locator:
    page.get_by_role("button", name="Verify in this browser").click()
    return page.locator("#verify-result .notice")


def test_a_call_is_found_opened_and_verified(console: Console, call: int) -> None:
    page = console.open("record")
    page.get_by_label("Service").select_option("support")
    page.get_by_label("Decision").select_option("allowed")
    page.get_by_label("What", exact=True).select_option("calls")
    page.get_by_role("button", name="Search").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=str(call), exact=True))
    expect(row).to_contain_text(scene.FIRST)
    assert findings(page) == []
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Admission {call}")
    expect(page.locator("#ladder svg.open")).to_be_visible()
    expect(verify(page)).to_contain_text(f"Entry {call} is in the log of")
    expect(page.locator("#ladder svg.proved .head .hash")).to_be_visible()
    assert findings(page) == []


def test_the_search_narrows_by_what_was_asked(house: Estate, console: Console, call: int, jeanne: Operator) -> None:
    page = console.open(f"record?kind=act&mentions={jeanne.id}")
    rows = page.locator("tbody tr")
    expect(rows.first).to_be_visible()
    assert all(jeanne.id in text for text in rows.all_inner_texts())
    page = console.open("record?service=echo&from=2099-01-01T00:00")
    expect(page.get_by_text("Nothing fits.")).to_be_visible()
    expect(page.get_by_label("Service")).to_have_value("echo")
    page.get_by_role("link", name="Everything").click()
    expect(page.get_by_role("link", name=str(call), exact=True)).to_be_visible()


@pytest.mark.parametrize(
    "damage",
    [
        ("tile/0/000.p/*", 0, "and tile/0/000.p/"),
        ("tile/0/000.p/*", -1, "tile/0/000.p/"),
        ("tile/entries/000.p/*", -1, "in tile/entries/000.p/"),
    ],
)
def test_a_tile_that_is_tampered_with_on_the_disk_is_found_by_the_browser(
    house: Estate, console: Console, call: int, damage: tuple[str, int, str]
) -> None:
    pattern, at, said = damage
    page = console.open(f"record/{call}")
    with tampered(newest(house, pattern), at):
        expect(verify(page)).to_contain_text("It does not hold.")
        expect(page.locator("#verify-result")).to_contain_text(said)
        expect(page.locator("#ladder svg.broken")).to_be_visible()
        console.open(f"record/{call}")
        console.open("record")
    expect(verify(console.open(f"record/{call}"))).to_contain_text("has signed.")
    console.said.clear()  # of pages that the API had no answer for


def test_another_head_than_the_log_has_signed_is_found(house: Estate, console: Console, call: int) -> None:
    page = console.open(f"record/{call}")
    checkpoint = house.files / "ledger" / "checkpoint"
    with tampered(checkpoint, checkpoint.read_bytes().index(b"\n") + 1):
        expect(verify(page)).to_contain_text("does not fit the checkpoint")
        console.open("record")
    console.said.clear()


def test_a_key_of_somebody_else_proves_nothing_and_the_own_one_is_remembered(
    house: Estate, console: Console, call: int
) -> None:
    page = console.open(f"record/{call}")
    own = page.get_by_label("Verifier key that you trust").input_value()
    assert own == house.vkey.read_text(encoding="utf-8").strip()
    page.get_by_label("Verifier key that you trust").fill(OWN.vkey)
    expect(verify(page)).to_contain_text("is not signed by estate.example/ledger+007c5d44")
    assert console.open(f"record/{call}").get_by_label("Verifier key that you trust").input_value() == own


def test_the_key_of_another_log_whose_receipt_was_checked_is_not_offered_for_this_one(
    console: Console, house: Estate, call: int
) -> None:
    page = console.open("record")
    page.evaluate("(vkey) => localStorage.setItem('freehold-vkey', vkey)", OWN.vkey)
    offered = console.open(f"record/{call}").get_by_label("Verifier key that you trust")
    expect(offered).to_have_value(house.vkey.read_text(encoding="utf-8").strip())


def test_a_page_that_shows_something_else_than_the_log_has_does_not_pass(console: Console, call: int) -> None:
    page = console.open(f"record/{call}")
    page.locator("[data-field=service]").evaluate("(cell) => { cell.textContent = 'research'; }")
    expect(verify(page)).to_contain_text("shows service as research, and the log has support")


def test_a_receipt_is_downloaded_and_checked_in_the_browser(
    house: Estate, console: Console, call: int, tmp_path: Path
) -> None:
    page = console.open(f"record/{call}")
    with page.expect_download() as begun:
        page.get_by_role("link", name="Receipt", exact=True).click()
    file = tmp_path / "receipt.json"
    begun.value.save_as(file)
    assert begun.value.suggested_filename == f"receipt-{call}.json"
    house.run("ledger", "receipt", "--check", file, "--vkey", house.vkey)
    page = console.open("record")
    page.get_by_label("Verifier key").fill(house.vkey.read_text(encoding="utf-8").strip())
    page.get_by_label("Receipt (JSON)").set_input_files(file)
    page.get_by_role("button", name="Check it").click()
    result = page.locator("#check-result")
    expect(result).to_contain_text("The receipt holds")
    expect(result).to_contain_text(f"admission {call}")
    assert findings(page) == []
    receipt = json.loads(file.read_text(encoding="utf-8"))
    receipt["admission"]["entry"] = receipt["admission"]["entry"].replace("support", "research")
    file.write_text(json.dumps(receipt), encoding="utf-8")
    page.get_by_label("Receipt (JSON)").set_input_files(file)
    page.get_by_role("button", name="Check it").click()
    expect(result).to_contain_text("It does not hold.")


def test_an_entry_that_is_not_there_is_said_not_to_be(console: Console) -> None:
    page = console.open("record/99999999")
    expect(page.get_by_text("This entry cannot be shown")).to_be_visible()
    console.said.clear()  # the browser notes the 404


def test_markup_in_what_is_searched_for_is_text(console: Console) -> None:
    page = console.open("record")
    page.get_by_label("Mentions").fill(MARKUP)
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_label("Mentions")).to_have_value(MARKUP)
    assert page.locator("main img").count() == 0
    assert page.title() != "executed"
    console.said.clear()


@pytest.mark.parametrize("settings", [{}, {"scheme": "dark", "size": NARROW}])
def test_the_record_can_be_read_by_everybody(new_window: NewWindow, call: int, settings: Any) -> None:
    console = new_window(**settings)
    page = console.open("record?kind=call")
    expect(page.locator("tbody tr").first).to_be_visible()
    assert findings(page) == []
    assert not overflows(page)
    page = console.open(f"record/{call}")
    expect(verify(page)).to_be_visible()
    assert findings(page) == []
    assert not overflows(page)
