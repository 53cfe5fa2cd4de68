# SPDX-License-Identifier: Apache-2.0
"""The pages about flows, drills and the law over an API that answers what a test says."""

import msgspec
import pytest
from tests.unit.console.cards import CARD
from tests.unit.console.conftest import FakeApi, Pages
from tests.unit.console.test_flows import answer, row
from tests.unit.console.test_policy_reading import cell

from freehold.console.interface import Page, Shown
from freehold.console.pages import drills, policy, seen
from freehold.errors import NotFound

MARKUP = "<img src=x onerror=alert(1)>"
DRILL = {**msgspec.to_builtins(CARD), "digest": "sha256:1"}


def page_of(path: str) -> Page:
    return next(page for page in (*seen.PAGES, *drills.PAGES, *policy.PAGES) if page.path == path)


async def test_a_service_whose_name_is_markup_is_text_in_picture_and_table(pages: Pages, api: FakeApi) -> None:
    api.answers["GET flows"] = answer(row(MARKUP, "US", service=MARKUP))
    told = await pages.show(page_of("seen"), pages.visit("seen"))
    assert MARKUP not in told
    assert told.count("&lt;img") >= 6


async def test_nothing_on_a_page_is_styled_or_scripted_in_line(pages: Pages, api: FakeApi) -> None:
    api.answers["GET flows"] = answer(row("claude", "US"), row("local", owned=True))
    told = await pages.show(page_of("seen"), pages.visit("seen"))
    assert " style=" not in told
    assert " onclick=" not in told
    assert "<script>" not in told


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({"period": "own", "since": "2026-06-12T00:00"}, {"from": "2026-06-12T00:00:00Z"}),
        ({"period": "own", "until": "2026-06-13T00:00"}, {"to": "2026-06-13T00:00:00Z"}),
        ({"period": "own"}, {}),
    ],
)
async def test_a_period_is_asked_for_as_it_was_typed(
    pages: Pages, api: FakeApi, query: dict[str, str], asked: dict[str, str]
) -> None:
    await pages.show(page_of("seen"), pages.visit("seen", query=query))
    assert api.asked[0] == ("GET flows", asked, "")


async def test_a_period_that_nobody_offers_is_the_usual_one(pages: Pages, api: FakeApi) -> None:
    await pages.show(page_of("seen"), pages.visit("seen", query={"period": "for ever"}))
    assert set(api.asked[0][1]) == {"from"}


async def test_what_is_missing_of_the_record_is_said(pages: Pages, api: FakeApi) -> None:
    api.answers["GET flows"] = answer(row("claude", "US"), whole=False, unknown_calls=3, damaged=["tile/entries/000"])
    told = await pages.show(page_of("seen"), pages.visit("seen"))
    assert "more entries than are counted" in told
    assert "Of 3 calls the record does not say" in told
    assert "tile/entries/000" in told


async def test_a_scorecard_is_shown_with_every_second_of_it(pages: Pages, api: FakeApi) -> None:
    api.answers["GET drills/drill_1"] = {"drill": {**DRILL, "scenario": MARKUP, "about": MARKUP}}
    told = await pages.show(page_of("drills/{id}"), pages.visit("drills/drill_1", {"id": "drill_1"}))
    assert MARKUP not in told
    assert told.count('<th scope="row" class="number">') == len(CARD.seconds)


async def test_one_scorecard_that_is_gone_leaves_the_other(pages: Pages, api: FakeApi) -> None:
    api.answers["GET drills/drill_1"] = {"drill": DRILL}
    api.answers["GET drills/drill_2"] = NotFound("there is no drill 'drill_2'")
    visit = pages.visit("drills/compare", query={"a": "drill_1", "b": "drill_2"})
    told = await pages.show(page_of("drills/compare"), visit)
    assert "june-2026" in told
    assert "there is no drill &#39;drill_2&#39;" in told


async def test_of_many_services_some_are_shown_and_each_can_be_chosen(pages: Pages, api: FakeApi) -> None:
    cells = [cell(f"s{number}", "public", "local", "owned") for number in range(40)]
    digests = {"set": "owned-only", "policy_digest": "sha256:0", "facts_digest": "sha256:1"}
    api.answers["GET policy/matrix"] = {"matrix": {**digests, "cells": cells}}
    told = await pages.show(page_of("policy"), pages.visit("policy"))
    assert "These are 12 of 40 services" in told
    told = await pages.show(page_of("policy"), pages.visit("policy", query={"service": "s33"}))
    assert told.count("<caption>s") == told.count("<caption>s33</caption>") == 1


async def test_an_explanation_is_asked_for_with_what_was_filled_in_alone(pages: Pages, api: FakeApi) -> None:
    visit = pages.visit("policy/explain", query={"service": "desk", "key": "", "backends": "local, provider:openai"})
    await pages.show(page_of("policy/explain"), visit)
    fields = {"service": "desk", "backends": ["local", "provider:openai"]}
    assert api.asked[0] == ("POST policy/explain", fields, "")


async def test_nothing_is_explained_before_somebody_asks(pages: Pages, api: FakeApi) -> None:
    await pages.show(page_of("policy/explain"), pages.visit("policy/explain"))
    assert not [asked for asked, _, _ in api.asked if asked.startswith("POST")]


async def test_claims_that_were_typed_are_tried_and_the_estates_own_told_beside_them(
    pages: Pages, api: FakeApi
) -> None:
    act = page_of("policy/claims").act
    assert act is not None
    visit = pages.visit("policy/claims", form={"claims": (f"no public data\n{MARKUP}",)})
    shown = await act(visit)
    assert isinstance(shown, Shown)
    told = await pages.layout.whole(shown, page_of("policy/claims"), visit)
    assert MARKUP not in told
    assert api.asked[:2] == [
        ("POST policy/prove", {"meaning": True}, ""),
        ("POST policy/prove", {"claims": ["no public data", MARKUP]}, ""),
    ]
