# SPDX-License-Identifier: Apache-2.0
"""The pages Now and Keys over an API that answers what a test says."""

from tests.unit.console.conftest import FakeApi, Pages

from freehold.console.interface import Moved, Shown
from freehold.console.pages import PAGES, PLACES, keys, now
from freehold.errors import Conflict, InvalidRequest, LedgerFull

MARKUP = "<img src=x onerror=alert(1)>"
KEY = {
    "id": "key_1", "label": MARKUP, "state": "active", "services": ["*"], "requests_per_minute": None,
    "data_class": "public", "created": "2026-11-23T03:54:28Z", "expires": None, "revoked": None, "etag": '"e1"',
}  # fmt: skip


def test_the_navigation_names_pages_that_there_are() -> None:
    paths = {page.path for page in PAGES}
    assert {place.path for place in PLACES} <= paths
    assert {page.within for page in PAGES if page.within} <= {place.path for place in PLACES}


async def test_every_page_without_names_opens_though_nothing_answers(pages: Pages) -> None:
    for page in PAGES:
        if "{" not in page.path and page.path != "now/again":
            html = await pages.show(page, pages.visit(page.path))
            assert "nobody answers here" in html, page.path
            assert "<h1>" in html


async def test_a_name_with_markup_is_text(pages: Pages, api: FakeApi) -> None:
    api.answers["GET keys"] = {"keys": [KEY], "next": None}
    html = await pages.show(keys.PAGES[0], pages.visit("keys"))
    assert MARKUP not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


async def test_a_long_list_is_shown_in_pages(pages: Pages, api: FakeApi) -> None:
    api.answers["GET keys"] = {"keys": [{**KEY, "id": f"key_{number}"} for number in range(100)], "next": "key_99"}
    html = await pages.show(keys.PAGES[0], pages.visit("keys", query={"after": "key_0"}))
    assert ("GET keys", {"limit": 100, "cursor": "key_0"}, "") in api.asked
    assert "/console/keys?days=7&amp;after=key_99" in html


async def test_a_key_is_made_as_the_form_says_and_its_secret_is_in_the_answer(pages: Pages, api: FakeApi) -> None:
    api.answers["POST keys"] = {"key": {"id": "key_2", "label": "desk", "secret": "fh_secret"}}
    form = {
        "act": ("create-key",), "label": (" desk ",), "services": ("support", "research"), "data_class": ("personal",),
        "requests_per_minute": ("120",), "expires_days": ("90",),
    }  # fmt: skip
    visit = pages.visit("keys", form=form)
    shown = await keys.act(visit)
    assert isinstance(shown, Shown)
    assert "fh_secret" in await pages.layout.whole(shown, keys.PAGES[0], visit)
    wanted = {
        "label": "desk", "data_class": "personal", "services": ["support", "research"],
        "requests_per_minute": "120", "expires_in_s": 90 * 86400,
    }  # fmt: skip
    assert api.asked[0] == ("POST keys", wanted, "")


async def test_without_services_a_key_is_for_every_one(pages: Pages, api: FakeApi) -> None:
    await keys.act(pages.visit("keys", form={"act": ("create-key",)}))
    assert api.asked[0][1]["services"] == ["*"]


async def test_what_is_wrong_is_said_and_the_form_keeps_what_was_written(pages: Pages, api: FakeApi) -> None:
    api.answers["POST keys"] = InvalidRequest("requests_per_minute: Expected 'int' >= 1", param="requests_per_minute")
    visit = pages.visit("keys", form={"act": ("create-key",), "label": ("desk",), "requests_per_minute": ("0",)})
    shown = await keys.act(visit)
    assert isinstance(shown, Shown)
    assert shown.status == 400
    html = await pages.layout.whole(shown, keys.PAGES[0], visit)
    assert "Expected &#39;int&#39; &gt;= 1" in html
    assert 'value="desk"' in html


async def test_days_that_are_no_number_are_refused_here(pages: Pages, api: FakeApi) -> None:
    shown = await keys.act(pages.visit("keys", form={"act": ("create-key",), "expires_days": ("soon",)}))
    assert isinstance(shown, Shown)
    assert (shown.status, api.asked[0][0]) == (400, "GET keys")


async def test_a_key_is_revoked_as_it_was_shown_and_the_second_operator_sees_a_conflict(
    pages: Pages, api: FakeApi
) -> None:
    form = {"act": ("revoke-key",), "id": ("key_1",), "etag": ('"e1"',)}
    api.answers["POST keys/key_1/revoke"] = {"key": KEY}
    assert await keys.act(pages.visit("keys", form=form)) == Moved(to="/console/keys?done=revoked")
    assert api.asked == [("POST keys/key_1/revoke", {}, '"e1"')]
    api.answers["POST keys/key_1/revoke"] = Conflict("key_1 is not any more as it was shown", etag='"e2"', changed=None)
    visit = pages.visit("keys", form=form)
    shown = await keys.act(visit)
    assert isinstance(shown, Shown)
    assert shown.status == 412
    assert "Somebody was faster" in await pages.layout.whole(shown, keys.PAGES[0], visit)


async def test_a_full_ledger_is_told_and_the_page_opens(pages: Pages, api: FakeApi) -> None:
    api.answers["GET status"] = LedgerFull("the disk under the ledger is down to its reserve")
    assert "the disk under the ledger is down to its reserve" in await pages.show(now.PAGES[0], pages.visit("now"))


async def test_the_script_of_now_is_told_what_the_page_would_say(pages: Pages, api: FakeApi) -> None:
    api.answers["GET status"] = LedgerFull("the disk under the ledger is down to its reserve")
    told = await now.look_again(pages.visit("now/again"))
    assert told.value == {
        "problem": "the disk under the ledger is down to its reserve",
        "troubles": [],
        "states": {},
        "services": [],
        "size": 0,
    }


async def test_directives_are_on_every_page(pages: Pages, api: FakeApi) -> None:
    known = {"kind": "provider", "name": "anthropic", "targets": ["claude"], "effective": "2026-11-23T21:00:00Z"}
    api.answers["GET directives"] = {
        "directives": [
            {"id": "dir_1", "state": "in force", **known},
            {"id": "dir_2", "state": "scheduled", **known},
            {"id": "dir_3", "state": "lifted", **known},
        ]
    }
    html = await pages.show(keys.PAGES[0], pages.visit("keys"))
    assert "by directive dir_1" in html
    assert "will be withdrawn at 2026-11-23 21:00:00 UTC" in html
    assert "dir_3" not in html
