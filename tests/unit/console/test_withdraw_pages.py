# SPDX-License-Identifier: Apache-2.0
"""The pages about withdrawals over an API that answers what a test says: nothing is done that was not shown."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.console.conftest import FakeApi, Pages
from tests.unit.console.test_withdrawal_reading import directive, target

from freehold.console.interface import Moved, Page, Shown, Visit
from freehold.console.pages import withdraw
from freehold.errors import Conflict, EstateError, LedgerUnavailable

MARKUP = "<img src=x onerror=alert(1)>"
ORDER = {"kind": ("model",), "name": ("claude-*",), "reason": ("order 17",), "source": ("https://example.org/17",)}
PREVIEW = {
    "targets": [{"target": MARKUP, "model": "m", "operator": "p", "unsure": True}],
    "services": [
        {"service": MARKUP, "aliases": [], "loses": ["a"], "left": ["b"], "forbidden": [], "stops": False},
        {"service": "alone", "aliases": [], "loses": ["a"], "left": [], "forbidden": [], "stops": True},
    ],
}


def page_of(path: str) -> Page:
    return next(page for page in withdraw.PAGES if page.path == path)


async def sent(pages: Pages, path: str, visit: Visit) -> Shown | Moved:
    act = page_of(path).act
    assert act is not None
    return await act(visit)


async def html(pages: Pages, shown: Shown | Moved, path: str, visit: Visit) -> str:
    assert isinstance(shown, Shown)
    return await pages.layout.whole(shown, page_of(path), visit)


def with_preview(api: FakeApi, **more: Any) -> None:
    answer: Mapping[str, object] = {"directive": directive(**more), "preview": PREVIEW, "etag": '"seen"'}
    api.answers["POST directives/preview"] = answer


async def test_a_preview_says_who_answers_next_and_carries_what_it_rests_on(pages: Pages, api: FakeApi) -> None:
    with_preview(api)
    visit = pages.visit("withdraw/preview", form=ORDER)
    told = await html(pages, await sent(pages, "withdraw/preview", visit), "withdraw/preview", visit)
    assert "alone</b> would have nobody left to answer" in told
    assert '<input type="hidden" name="etag" value="&#34;seen&#34;">' in told
    assert MARKUP not in told
    assert ("POST directives", {}, "") not in api.asked


async def test_what_was_shown_is_what_is_issued(pages: Pages, api: FakeApi) -> None:
    api.answers["POST directives"] = {"directive": directive()}
    visit = pages.visit("withdraw/issue", form={**ORDER, "cuts": ("yes",), "etag": ('"seen"',)})
    assert await sent(pages, "withdraw/issue", visit) == Moved(to="/console/withdraw?done=issued")
    fields = {"kind": "model", "name": "claude-*", "reason": "order 17", "source": "https://example.org/17"}
    assert api.asked == [("POST directives", {**fields, "cuts": True}, '"seen"')]


async def test_if_somebody_acted_meanwhile_it_is_shown_anew_and_not_done(pages: Pages, api: FakeApi) -> None:
    with_preview(api)
    api.answers["POST directives"] = Conflict("what this would do is not any more as it was shown", etag='"now"')
    visit = pages.visit("withdraw/issue", form={**ORDER, "etag": ('"stale"',)})
    shown = await sent(pages, "withdraw/issue", visit)
    assert isinstance(shown, Shown)
    assert shown.status == 412
    told = await html(pages, shown, "withdraw/issue", visit)
    assert "somebody else acted meanwhile" in told
    assert "&#34;seen&#34;" in told
    assert "stale" not in told


async def test_what_is_in_force_and_not_on_record_is_said(pages: Pages, api: FakeApi) -> None:
    api.answers["POST directives"] = LedgerUnavailable("directive dir_1 is issued, and not on record yet")
    visit = pages.visit("withdraw/issue", form=ORDER)
    told = await html(pages, await sent(pages, "withdraw/issue", visit), "withdraw/issue", visit)
    assert "is issued, and not on record yet" in told
    assert 'value="claude-*"' in told


@pytest.mark.parametrize(
    ("form", "asked", "to"),
    [
        (
            {"act": ("confirm",), "digest": ("sha256:0",)},
            ("POST directives/dir_1/confirm", {"digest": "sha256:0"}, '"1"'),
            "confirmed",
        ),
        ({"act": ("lift",)}, ("POST directives/dir_1/lift", {}, '"1"'), "lifted"),
    ],
)
async def test_a_directive_is_signed_and_lifted_as_it_was_shown(
    pages: Pages, api: FakeApi, form: dict[str, tuple[str, ...]], asked: object, to: str
) -> None:
    api.answers["POST directives/dir_1/confirm"] = api.answers["POST directives/dir_1/lift"] = {}
    visit = pages.visit("withdraw/directives/dir_1", {"id": "dir_1"}, form={**form, "etag": ('"1"',)})
    moved = await sent(pages, "withdraw/directives/{id}", visit)
    assert (moved, api.asked) == (Moved(to=f"/console/withdraw?done={to}"), [asked])


async def test_whoever_issued_a_directive_is_not_asked_to_sign_it_again(pages: Pages, api: FakeApi) -> None:
    waits = {"state": "unconfirmed", "to_sign": "sha256:0", "signatures": 2}
    path, visit = "withdraw/directives/{id}", pages.visit("withdraw/directives/dir_1", {"id": "dir_1"})
    api.answers["GET directives/dir_1"] = {"directive": directive(**waits, issued_by="op_1")}
    assert "It waits for another operator" in await pages.show(page_of(path), visit)
    api.answers["GET directives/dir_1"] = {"directive": directive(**waits, issued_by="op_2")}
    told = await pages.show(page_of(path), visit)
    assert "Sign the directive" in told
    assert '<input type="hidden" name="digest" value="sha256:0">' in told


async def test_a_name_in_an_address_cannot_reach_another_operation(pages: Pages, api: FakeApi) -> None:
    visit = pages.visit("withdraw/targets/x", {"name": "../operators/op_1/revoke?x"}, form={"act": ("restore",)})
    await sent(pages, "withdraw/targets/{name}", visit)
    assert api.asked[0][0] == "POST targets/..%2Foperators%2Fop_1%2Frevoke%3Fx/restore"


async def test_a_target_whose_words_are_markup_is_shown_as_text(pages: Pages, api: FakeApi) -> None:
    hostile = target(MARKUP, "suspected", why=[MARKUP], model=MARKUP, provider=MARKUP, services=[MARKUP])
    api.answers["GET targets/a"] = {"target": hostile}
    api.answers["POST targets/a/withdraw"] = {"target": hostile, "preview": PREVIEW, "etag": '"1"'}
    api.answers["POST targets/a/restore"] = EstateError(MARKUP)
    told = await pages.show(page_of("withdraw/targets/{name}"), pages.visit("withdraw/targets/a", {"name": "a"}))
    assert MARKUP not in told
    assert told.count("&lt;img") > 5


async def test_a_reason_that_was_erased_and_a_source_that_is_no_link(pages: Pages, api: FakeApi) -> None:
    odd = directive(reason="", source="javascript:alert(1)")
    api.answers["GET directives"] = {"directives": [odd], "next": None}
    told = await pages.show(page_of("withdraw"), pages.visit("withdraw"))
    assert "erased" in told
    assert 'href="javascript' not in told
