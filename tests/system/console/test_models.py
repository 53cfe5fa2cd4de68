# SPDX-License-Identifier: Apache-2.0
"""Models, in a browser: taken in with its progress, shown whole, approved as shown; a tuning begun and stopped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.gguf_builder import Gguf, text
from tests.system.console import scene
from tests.system.console.browsing import NARROW, Console, findings, overflows
from tests.system.console.conftest import NewWindow
from tests.system.estates import MODEL, Estate

MARKUP = "<img src=x onerror=\"document.title='executed'\">"


@pytest.fixture(scope="module", autouse=True)
def _(house: Estate) -> Iterator[None]:
    """The vault is left as it was found."""
    yield
    for model in house.ask("vault", "list")["models"]:
        if model["name"] != MODEL:
            house.run("vault", "remove", model["name"])


@pytest.fixture
def weights(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A model of a few bytes, another one for each test. Its title is markup."""
    file = tmp_path / f"{request.node.name[5:40].replace('_', '-').strip('-')}.gguf"
    named = Gguf().with_value("general.name", text(f"{MARKUP} {request.node.name}"))
    file.write_bytes(named.build())
    return file


def take_in(console: Console, weights: Path) -> Page:
    page = console.open("models")
    page.get_by_label("Source").fill(str(weights))
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(weights.stem)
    return page


def approve(page: Page, reason: str = "") -> None:
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_label("Approve it: why?").fill(reason)
    page.get_by_role("button", name="Approve").click()


def test_the_vault_and_what_runs_from_it_are_shown(console: Console) -> None:
    page = console.open("models")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=MODEL))
    expect(row).to_contain_text(scene.OWN)
    expect(row).to_contain_text("Apache-2.0")
    row.get_by_role("link").click()
    expect(page.locator("#custody")).to_contain_text("approved by")
    page.get_by_text("Its text,").click()
    expect(page.locator("pre", has_text="<|im_start|>")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name="Read it whole and compare").click()
    expect(page.get_by_text("is as it was imported")).to_be_visible()


def test_a_model_is_taken_in_and_approved_as_it_was_shown(house: Estate, console: Console, weights: Path) -> None:
    page = take_in(console, weights)
    expect(page.locator("#custody")).to_contain_text("nobody has approved it")
    assert page.locator("main img").count() == 0
    approve(page, f"read it {MARKUP}")
    expect(page.locator("#custody")).to_contain_text(f"read it {MARKUP}")
    shown = house.ask("vault", "show", weights.stem)
    assert shown["custody"]["may_run"]
    assert page.title() != "executed"


def test_what_changed_since_it_was_shown_is_a_conflict(console: Console, weights: Path) -> None:
    stale = take_in(console, weights)
    other = console.another()
    other.goto(stale.url)
    approve(other, "first")
    expect(other.locator("#custody")).to_contain_text("first")
    approve(stale, "second")
    expect(stale.get_by_text("Not approved.")).to_be_visible()
    expect(stale.get_by_text("conflict", exact=True)).to_be_visible()
    expect(stale.locator("#custody")).not_to_contain_text("second")
    console.said.clear()  # the browser may note the 412


def test_what_cannot_be_taken_in_is_said_where_it_was_asked_for(console: Console, tmp_path: Path) -> None:
    page = console.open("models")
    page.get_by_label("Source").fill(str(tmp_path / "nothing.gguf"))
    page.get_by_role("button", name="Import").click()
    expect(page.locator("#import").get_by_role("alert")).to_contain_text("nothing.gguf")
    console.said.clear()  # the browser notes the 422


def test_a_tuning_tells_how_far_it_is_and_can_be_stopped(console: Console) -> None:
    page = console.open(f"models/{MODEL}")
    page.get_by_label("q8_0").check()
    page.get_by_label("Quick: a quarter of the text").check()
    page.get_by_label("Keep", exact=True).select_option("nothing")
    page.get_by_role("button", name="Tune").click()
    expect(page.locator("#tunings progress")).to_be_visible()
    expect(page.locator("#tunings [data-told] p")).not_to_have_text("Beginning…")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped. Nothing was kept.")).to_be_visible()
    expect(page.get_by_role("button", name="Tune")).to_be_enabled()


def test_a_model_that_is_not_there_is_said_not_to_be(console: Console) -> None:
    page = console.open("models/nothing")
    expect(page.get_by_text("This model cannot be shown")).to_be_visible()
    console.said.clear()  # the browser notes the 404


@pytest.mark.parametrize("settings", [{}, {"scheme": "dark", "size": NARROW}])
def test_models_can_be_read_by_everybody(new_window: NewWindow, settings: Any) -> None:
    console = new_window(**settings)
    for path in ("models", f"models/{MODEL}"):
        page = console.open(path)
        assert findings(page) == []
        assert not overflows(page)
