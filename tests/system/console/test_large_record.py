# SPDX-License-Identifier: Apache-2.0
"""The Record over a log of 100,000 entries: it pages, finds and verifies, and a page never has more than its rows."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.ledger_builder import DAY, act_bytes, admission_bytes, outcome_bytes, salt_of
from tests.simulator.server import Simulator
from tests.system import foreign
from tests.system.console import scene
from tests.system.console.browsing import Console, window
from tests.system.estates import Estate

from freehold.ledger.writing.log import Log, NewEntry
from freehold.signing.keys import load_signer

CALLS = 50_000
ROWS = 50
MARKUP = "<img src=x onerror=\"document.title='executed'\">"
ACT = 2 * CALLS  # the index of an act whose words are markup


@pytest.fixture(scope="module")
def large(running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An estate without a model of its own, whose log has 50,000 calls and one act."""
    own = Estate(tmp_path_factory.mktemp("large") / "estate")
    try:
        foreign.found(own, running_simulator, foreign.OPENAI)
        foreign.serve(own, "default", "openai")
        write(own)
        own.up()
        yield own
    finally:
        own.destroy()


def write(estate: Estate) -> None:
    signer = load_signer(str(estate.files / "keys" / "ledger.key"))
    log = Log(estate.files / "ledger", salts=estate.files / "salts", signer=signer, reserve_bytes=0)
    try:
        for first in range(0, 2 * CALLS, 1000):
            log.append([entry for at in range(first, first + 1000, 2) for entry in call(at)], DAY)
        act = act_bytes().replace(b'"key-1"', json.dumps(MARKUP).encode())  # which no ledger process would write
        log.append([NewEntry(act, b"")], DAY)
        log.publish()
    finally:
        log.close()


def call(at: int) -> tuple[NewEntry, NewEntry]:
    name = f"call-{at}"
    return NewEntry(admission_bytes(name), salt_of(at)), NewEntry(outcome_bytes(at, name), b"")


@pytest.fixture(scope="module")
def signed_in(browser: Browser, large: Estate) -> Iterator[Console]:
    with window(browser, large.first_answer["admin_url"]) as console:
        console.sign_in(scene.operator(large).token)
        expect(console.page.get_by_role("heading", name="Now", level=1)).to_be_visible()
        yield console


def indexes(page: Page) -> list[int]:
    return [int(text) for text in page.locator("tbody tr td:first-child").all_inner_texts()]


def test_its_pages_follow_each_other_without_a_gap(signed_in: Console) -> None:
    page = signed_in.open("record?kind=call")
    seen = indexes(page)
    for _ in range(4):
        page.get_by_role("link", name="Next rows").click()
        expect(page.locator("tbody tr td:first-child").first).to_have_text(str(seen[-1] - 2))
        seen += indexes(page)
    assert seen == list(range(2 * CALLS - 2, 2 * CALLS - 2 - 2 * 5 * ROWS, -2))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mentions=call-42", [42]),
        ("kind=call&cursor=9", [8, 6, 4, 2, 0]),
        ("kind=call&service=default&application=key-1&cursor=3", [2, 0]),
        (f"kind=act&cursor={ACT + 1}", [ACT]),
        ("service=nobody", []),
    ],
)
def test_what_is_searched_for_is_found_wherever_it_lies(signed_in: Console, query: str, found: list[int]) -> None:
    page = signed_in.open(f"record?{query}")
    listed = indexes(page)
    for _ in range(3):  # a search looks at so many entries, and then asks whether to go on
        if listed or not page.get_by_role("link", name="Next rows").count():
            break
        page.get_by_role("link", name="Next rows").click()
        page.wait_for_load_state()
        listed = indexes(page)
    assert listed == found


@pytest.mark.parametrize("index", [0, 65_535, 77_777])
def test_an_entry_of_it_is_verified_out_of_a_handful_of_files(signed_in: Console, index: int) -> None:
    asked: list[str] = []
    page = signed_in.open(f"record/{index}")
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Verify in this browser").click()
    expect(page.locator("#verify-result")).to_contain_text(f"Entry {index} is in the log of")
    assert page.locator("#ladder .sibling").count() == 17
    assert 0 < len([url for url in asked if "/ledger/files/" in url]) <= 9


def test_markup_in_an_entry_executes_nothing(signed_in: Console) -> None:
    page = signed_in.open(f"record/{ACT}")
    expect(page.locator("[data-field=subject]")).to_have_text(MARKUP)
    page.get_by_role("button", name="Verify in this browser").click()
    expect(page.locator("#verify-result")).to_contain_text("has signed.")
    page = signed_in.open(f"record?mentions=act-1&cursor={ACT + 1}")
    expect(page.locator("tbody tr").first).to_contain_text(MARKUP)
    assert page.locator("main img").count() == 0
    assert page.title() != "executed"


def test_nothing_was_complained_of(signed_in: Console) -> None:
    assert signed_in.said == []
