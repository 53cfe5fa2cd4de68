# SPDX-License-Identifier: Apache-2.0
"""The frame of the console in a browser: who may come in, what others' pages can do, and who can use every page."""

import re
from http.client import HTTPConnection

import pytest
from playwright.sync_api import expect
from tests.system.console import scene
from tests.system.console.browsing import NARROW, PAGES, WIDE, Console, findings, overflows
from tests.system.console.conftest import NewWindow
from tests.system.console.scene import Operator
from tests.system.estates import Estate


def test_whoever_has_no_session_is_asked_for_a_token(new_window: NewWindow) -> None:
    page = new_window(session=None).page
    page.goto(new_window(session=None).url + "/console/keys")
    expect(page.get_by_label("Operator's token")).to_be_focused()
    assert findings(page) == []


def test_signing_in_leads_to_where_one_wanted_to_be(new_window: NewWindow, jeanne: Operator) -> None:
    console = new_window(session=None)
    page = console.page
    page.goto(f"{console.url}/console/keys?days=30")
    page.get_by_label("Operator's token").fill(jeanne.token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Keys and applications", level=1)).to_be_visible()
    assert page.url.endswith("/console/keys?days=30")
    (cookie,) = console.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_a_cookie_is_worth_nothing_after_sign_out(new_window: NewWindow, house: Estate) -> None:
    guest = scene.operator(house, "a guest")
    console = new_window(session=None)
    page = console.sign_in(guest.token)
    expect(page.get_by_role("heading", name="Now", level=1)).to_be_visible()
    stolen = console.context.storage_state()
    page.locator("details.who summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Operator's token")).to_be_visible()
    thief = new_window(session=stolen)
    thief.page.goto(f"{thief.url}/console/now")
    expect(thief.page.get_by_label("Operator's token")).to_be_visible()
    (cookie,) = [f"{one['name']}={one['value']}" for one in stolen["cookies"]]
    assert asked(house, "GET", "/admin/v1/keys", cookie=cookie) == 401


@pytest.mark.parametrize("name", PAGES)
def test_every_page_can_be_used_by_everybody(name: str, new_window: NewWindow) -> None:
    """No serious finding of axe, light or dark, wide or narrow; and nobody has to scroll sideways."""
    for scheme in ("light", "dark"):
        for size in (WIDE, NARROW):
            page = new_window(scheme=scheme, size=size).open(name)
            assert findings(page) == [], (scheme, size["width"])
            assert not overflows(page), (scheme, size["width"])


def test_the_navigation_is_walked_with_the_keyboard(console: Console) -> None:
    page = console.open("now")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    link = page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Record")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Record"))
    expect(page.locator("nav.side a[aria-current=page]")).to_have_text(re.compile("Record"))


def test_light_and_dark_are_switched_and_remembered(console: Console) -> None:
    page = console.open("now")
    light = page.evaluate("getComputedStyle(document.querySelector('header')).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    dark = page.evaluate("getComputedStyle(document.querySelector('header')).backgroundColor")
    assert light != dark
    page = console.open("keys")
    assert page.evaluate("getComputedStyle(document.querySelector('header')).backgroundColor") == dark


def test_pages_of_another_site_can_do_nothing(console: Console, house: Estate) -> None:
    """A page at another port of this machine is of the same site, so that its browser does send the cookie."""
    page = console.open("keys")
    (cookie,) = [f"{one['name']}={one['value']}" for one in console.context.cookies()]
    token = page.locator('meta[name="csrf"]').get_attribute("content") or ""
    own = f"http://127.0.0.1:{house.admin_port}"
    act = ("POST", "/admin/v1/keys")
    assert asked(house, *act, cookie=cookie) == 403  # without the token that pages carry
    assert asked(house, *act, cookie=cookie, origin=own) == 403
    assert asked(house, *act, cookie=cookie, origin="http://127.0.0.1:9", **{"x-freehold-csrf": token}) == 403
    assert asked(house, *act, cookie=cookie, **{"sec-fetch-site": "same-site", "x-freehold-csrf": token}) == 403
    assert asked(house, *act, cookie=cookie, host="attacker.example", **{"x-freehold-csrf": token}) == 403
    assert asked(house, "POST", "/console/keys", cookie=cookie, origin=own) == 403
    assert asked(house, *act, cookie=cookie, origin=own, **{"x-freehold-csrf": token}) == 200


def test_a_link_of_another_site_leads_in(console: Console) -> None:
    """Somebody's pager, say: its browser keeps the cookie back at first, and is asked to come again."""
    page = console.page
    page.route("http://pager.test/", lambda route: route.fulfill(body=f'<a href="{console.url}/console/keys">look</a>'))
    page.goto("http://pager.test/")
    page.get_by_role("link", name="look").click()
    expect(page.get_by_role("heading", name="Keys and applications", level=1)).to_be_visible()


def test_the_console_stands_in_no_frame(console: Console) -> None:
    page = console.page
    framing = f'<iframe src="{console.url}/console/keys"></iframe>'
    page.route("http://frames.test/", lambda route: route.fulfill(body=framing, content_type="text/html"))
    page.goto("http://frames.test/")
    frame = page.frames[-1]
    assert "Keys and applications" not in frame.content()
    console.said.clear()  # the browser says why it shows nothing


MARKUP = "<img src=x onerror=\"document.title='executed'\"><script>document.title='executed'</script>"


def test_markup_in_names_is_text(console: Console, house: Estate) -> None:
    made = house.ask("key", "create", MARKUP)["key"]
    try:
        page = console.open("keys")
        expect(page.get_by_role("rowheader", name=MARKUP)).to_be_visible()
        assert page.title() != "executed"
        assert page.locator("main img, main script").count() == 0
    finally:
        house.run("key", "revoke", made["id"])


def test_markup_in_an_error_is_text(console: Console) -> None:
    page = console.page
    page.goto(f"{console.url}/console/{MARKUP}")
    expect(page.get_by_role("alert")).to_contain_text("there is no page")
    assert page.title() != "executed"
    console.said.clear()  # the browser notes the 404


def asked(house: Estate, method: str, path: str, **headers: str) -> int:
    connection = HTTPConnection("127.0.0.1", house.admin_port, timeout=60)
    try:
        connection.request(method, path, body="{}" if path.startswith("/admin") else "", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
