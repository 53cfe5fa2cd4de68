# SPDX-License-Identifier: Apache-2.0
"""One estate with the simulator and one browser for all tests of the console. Each test has a window of its own.

Tests leave the estate able to answer, with no directive that is not lifted. What a page complains of fails its test.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tests.simulator.server import Simulator
from tests.system.console import scene
from tests.system.console.browsing import SLOW_MS, Console, chromium, window
from tests.system.console.scene import Operator
from tests.system.estates import Estate

NewWindow = Callable[..., Console]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=SLOW_MS)
    with sync_playwright() as playwright:
        running = chromium(playwright)
        yield running
        running.close()


@pytest.fixture(scope="session")
def house(estate: Estate, running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """Services support, research, press, echo and default: two simulated providers and an engine."""
    own = Estate(tmp_path_factory.mktemp("console") / "estate")
    try:
        own.run("init")
        own.take_vault_of(estate)
        scene.furnish(own, running_simulator)
        own.up()
        yield own
    finally:
        own.destroy()


@pytest.fixture(scope="session")
def jeanne(house: Estate) -> Operator:
    """The operator who is signed in."""
    return scene.operator(house)


@pytest.fixture(scope="session")
def session(browser: Browser, house: Estate, jeanne: Operator) -> Any:
    """The cookies of somebody who has signed in."""
    with window(browser, house.first_answer["admin_url"]) as console:
        console.sign_in(jeanne.token)
        expect(console.page.get_by_role("heading", name="Now", level=1)).to_be_visible()
        return console.context.storage_state()


@pytest.fixture
def new_window(browser: Browser, house: Estate, session: Any) -> Iterator[NewWindow]:
    """Opens windows: ``size=``, ``scheme=``, ``session=None`` for nobody signed in."""
    with ExitStack() as opened:
        windows: list[Console] = []

        def open_one(**settings: Any) -> Console:
            made = window(browser, house.first_answer["admin_url"], **{"session": session, **settings})
            windows.append(opened.enter_context(made))
            return windows[-1]

        yield open_one
        assert [said for one in windows for said in one.said] == []


@pytest.fixture
def console(new_window: NewWindow) -> Console:
    """A window with somebody signed in."""
    return new_window()
