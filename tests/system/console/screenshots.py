# SPDX-License-Identifier: Apache-2.0
"""Pictures of every page, light and dark, wide and narrow: ``make screenshots``. Looked at, never compared.

It makes an estate with the simulator, has it answer calls, and leaves a directive, a drill and some keys behind, lest
a page be empty.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.simulator.running import in_a_thread
from tests.simulator.server import Simulator
from tests.system.console import scene
from tests.system.console.browsing import NARROW, PAGES, SLOW_MS, WIDE, Console, chromium, window
from tests.system.estates import MODEL, Estate


@contextmanager
def lived_in(models: Path | None) -> Iterator[Estate]:
    """An estate in which something has happened. ``models``: the vault of another estate, where it is at hand."""
    folder = Path(tempfile.mkdtemp(prefix="freehold-screenshots-"))
    estate = Estate(folder / "estate")
    try:
        with in_a_thread(Simulator()) as simulator:
            estate.run("init")
            if models is not None:
                shutil.copytree(models, estate.files / "vault", dirs_exist_ok=True)
            scene.furnish(estate, simulator)
            estate.up()
            live_in(estate)
            yield estate
    finally:
        estate.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def live_in(estate: Estate) -> None:
    narrow = ("--service", "support", "--rate", "120/min", "--expires", "90d", "--data-class", "personal")
    estate.run("key", "create", "Support desk", *narrow)
    estate.run("key", "create", "Research notebooks", "--service", "research")
    old = estate.ask("key", "create", "Intranet search (old)")["key"]
    estate.run("key", "revoke", old["id"])
    scene.operator(estate, "Samir, data protection")
    order = ("--reason", "rehearsed withdrawal", "--source", "https://example.org/orders/17")
    estate.run("directive", "issue", "--provider", "mistral", "--effective", "2027-06-12T21:21:00Z", *order)
    with ThreadPoolExecutor(1) as meanwhile:
        drill = meanwhile.submit(
            estate.attempt, "drill", "run", "june-2026", "--service", "support", "--simulated", "--requests", "24"
        )
        while not drill.done():
            busy(estate)
    busy(estate)


def busy(estate: Estate) -> None:
    """Some calls at a time."""
    services = ("support", "support", "research", "default", "echo", "press")
    with ThreadPoolExecutor(3) as callers:
        list(callers.map(lambda service: scene.call(estate, service, stream=True), services))


def sub_pages(console: Console) -> Mapping[str, str]:
    """What is only reached from another page: the name of a picture, and the path."""
    found = {
        "policy-explain": "policy/explain?service=support&data_class=restricted",
        "policy-claims": "policy/claims",
        "seen-facts": "seen/facts/anthropic",
        "models-one": f"models/{MODEL}",
    }
    for name, within, links in (
        ("record-entry", "record?kind=call", 'main a[href^="/console/record/"]'),
        ("drills-card", "drills", 'main a[href^="/console/drills/drill_"]'),
    ):
        link = console.open(within).locator(links).first
        found[name] = (link.get_attribute("href") or "").removeprefix("/console/")
    return found


def take(browser: Browser, estate: Estate, out: Path) -> list[Path]:
    """Every page in four ways."""
    url, token = estate.first_answer["admin_url"], scene.operator(estate).token
    with window(browser, url) as console:
        console.page.goto(f"{url}/console/sign-in")
        _shoot(console.page, out / "sign-in-light-1280.png")
        console.sign_in(token)
        expect(console.page.get_by_role("heading", name="Now", level=1)).to_be_visible()
        session = console.context.storage_state()
        paths = {**{name: name for name in PAGES}, **sub_pages(console)}
    taken: list[Path] = []
    for scheme in ("light", "dark"):
        for size in (WIDE, NARROW):
            with window(browser, url, size=size, scheme=scheme, session=session) as console:
                for name, path in paths.items():
                    page = console.open(path)
                    _STAGED.get(name, _as_it_is)(page)
                    taken.append(_shoot(page, out / f"{name}-{scheme}-{size['width']}.png"))
                    if size is WIDE and (name, scheme) in _IN_README:
                        page.screenshot(path=out / f"console-{name}.png", animations="disabled")
    return taken


def _as_it_is(page: Page) -> None:
    page.wait_for_load_state("networkidle")


def _drawn(page: Page) -> None:
    expect(page.get_by_role("img", name="last").first).to_be_visible()


def _verified(page: Page) -> None:
    page.get_by_role("button", name="Verify in this browser").click()
    expect(page.locator("#verify-result .notice")).to_be_visible()


def _talked(page: Page) -> None:
    page.get_by_label("Service").select_option("support")
    page.get_by_label("Target", exact=True).select_option(scene.FIRST)
    page.get_by_label("Side by side with").select_option(scene.OWN)
    page.get_by_label("Message").fill("What is a freehold, in one sentence?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".said.model[aria-busy=false]")).to_have_count(2)


_IN_README = (("now", "light"), ("seen", "light"), ("record-entry", "dark"))  # copied to docs/pictures by hand
_STAGED = {"now": _drawn, "record-entry": _verified, "talk": _talked}


def _shoot(page: Page, path: Path) -> Path:
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=path, full_page=True, animations="disabled")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--vault", type=Path, help=f"a vault that has {MODEL} already")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=SLOW_MS)
    with lived_in(options.vault) as estate, sync_playwright() as playwright:
        browser = chromium(playwright)
        taken = take(browser, estate, options.out)
        browser.close()
    print(f"{len(taken)} pictures in {options.out}")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
