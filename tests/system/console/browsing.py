# SPDX-License-Identifier: Apache-2.0
"""A browser on the console: Debian's Chromium, driven by Playwright. Nothing waits for a clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, ViewportSize, expect
from tests.system import programs

WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 390, "height": 844}
PAGES = ("now", "seen", "withdraw", "drills", "policy", "record", "models", "talk", "keys")
SLOW_MS = 60_000.0  # ends what hangs; machines are busy
_AXE = Path(__file__).with_name("axe") / "axe.min.js"
_SERIOUS = ("serious", "critical")


def chromium(playwright: Playwright) -> Browser:
    """The browser, without its sandbox: tests may be run by root. It can reach this machine alone."""
    program = programs.installed("chromium")
    here_alone = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    quiet = ("--no-sandbox", "--disable-background-networking", here_alone)
    return playwright.chromium.launch(executable_path=program, args=list(quiet))


class Console:
    """One browser window on one estate's console. ``said`` is what its pages complained of, which should be nothing."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.context = context
        self.said: list[str] = []
        context.set_default_timeout(SLOW_MS)
        self.page = self.another()

    def another(self) -> Page:
        """Another page of the same session."""
        page = self.context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.said.append(f"{error}"))
        return page

    def open(self, path: str) -> Page:
        """A page by its path under /console/, once it is drawn."""
        self.page.goto(f"{self.url}/console/{path}")
        expect(self.page.locator("main h1")).to_be_visible()
        return self.page

    def sign_in(self, token: str) -> Page:
        self.page.goto(f"{self.url}/console/sign-in")
        self.page.get_by_label("Operator's token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()
        return self.page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)


@contextmanager
def window(
    browser: Browser,
    url: str,
    *,
    size: ViewportSize = WIDE,
    scheme: Literal["light", "dark"] = "light",
    session: Any = None,
) -> Iterator[Console]:
    """A window of its own. ``session`` is the storage of one in which somebody has signed in."""
    context = browser.new_context(
        viewport=size, color_scheme=scheme, storage_state=session, reduced_motion="reduce", service_workers="block"
    )
    try:
        yield Console(context, url)
    finally:
        context.close()


def findings(page: Page) -> list[str]:
    """What axe finds serious, or worse, in a page as it is now."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in result["violations"]
        if found["impact"] in _SERIOUS
        for node in found["nodes"]
    ]


def overflows(page: Page) -> bool:
    """Whether one has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
