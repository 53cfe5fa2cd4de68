# SPDX-License-Identifier: Apache-2.0
"""Withdraw, in a browser: what is previewed happens, nobody overwrites anybody, and streams finish elsewhere."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.simulator.faults import Fault, FaultKind, Play
from tests.simulator.scripts import TALE
from tests.simulator.server import Simulator
from tests.system import clients
from tests.system.console import scene
from tests.system.console.browsing import NARROW, Console, findings, overflows
from tests.system.console.conftest import NewWindow
from tests.system.console.scene import Operator
from tests.system.estates import Estate
from tests.system.simulated import ASK
from tests.system.waiting import wait_for

MARKUP = "<img src=x onerror=\"document.title='executed'\">"


@pytest.fixture(autouse=True)
def nothing_in_force(house: Estate, simulator: Simulator) -> Iterator[None]:
    """Every test leaves the estate as it found it."""
    yield
    assert [view for view in directives(house) if view["state"] != "lifted"] == []
    assert {view["state"] for view in house.ask("target", "list")["targets"]} == {"active"}


@pytest.fixture(scope="module")
def paul(house: Estate) -> Operator:
    """A second operator."""
    return scene.operator(house, f"Paul {MARKUP}")


@pytest.fixture
def two_signatures(house: Estate) -> Iterator[None]:
    """The estate asks for two operators."""
    settings = house.files / "freehold.toml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before.replace("# signatures = 1", "signatures = 2"), encoding="utf-8")
    house.run("reload")
    yield
    settings.write_text(before, encoding="utf-8")
    house.run("reload")


def directives(house: Estate) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = house.ask("directive", "list")["directives"]
    return listed


def state(house: Estate) -> str:
    """Of the first target."""
    (view,) = [view for view in house.ask("target", "list")["targets"] if view["target"] == scene.FIRST]
    return str(view["state"])


def fill(page: Page, name: str, kind: str = "a provider", reason: str = "an order of the state") -> None:
    """The form, as far as the preview."""
    page.get_by_label("What it names").select_option(label=kind)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Reason", exact=True).fill(reason)
    page.get_by_label("Where the order can be read").fill("https://example.org/orders/17")


def preview(console: Console, name: str, **more: str) -> Page:
    page = console.open("withdraw")
    fill(page, name, **more)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Before you confirm")).to_be_visible()
    return page


def lift_all(console: Console, times: int = 1) -> None:
    for _ in range(times):
        page = console.open("withdraw")
        page.get_by_role("link", name="Look and lift").first.click()
        page.get_by_role("button", name="Lift it").click()
        expect(page.get_by_text("The directive is lifted")).to_be_visible()


def test_a_live_stream_finishes_on_the_substitute(house: Estate, console: Console, simulator: Simulator) -> None:
    """The provider falls silent in the middle of an answer; the directive cuts it over."""
    simulator.play(Play(fault=Fault(kind=FaultKind.SILENCE, after=8), only="/anthropic"))
    with (
        clients.openai(house) as client,
        client.chat.completions.create(model="support", messages=ASK, max_tokens=2048, stream=True) as stream,
    ):
        pieces = iter(stream)
        said = next(piece.choices[0].delta.content for piece in pieces if piece.choices[0].delta.content)
        page = console.open("withdraw")
        fill(page, "anthropic")
        page.get_by_label("cut answers under way over").check()
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("tr[data-service=support] b")).to_have_text(scene.SECOND)
        assert findings(page) == []
        page.get_by_role("button", name="Issue it now").click()
        expect(page.get_by_text("The directive is issued.")).to_be_visible()
        rest = [piece.choices[0].delta.content or "" for piece in pieces if piece.choices]
        assert said + "".join(rest) == TALE
    expect(page.locator("#standing")).to_contain_text("anthropic")
    expect(page.get_by_role("row", name=scene.FIRST).get_by_text("withdrawn", exact=True)).to_be_visible()
    lift_all(console)
    expect(page.locator("#standing")).not_to_contain_text("anthropic")


def test_the_preview_is_what_then_happens(house: Estate, console: Console) -> None:
    page = preview(console, "FR", kind="a state: whoever it can compel")
    told: dict[str, str | None] = {}
    for row in page.locator("tr[data-service]").all():
        named = row.locator(".fallback b")
        told[row.get_attribute("data-service") or ""] = named.inner_text() if named.count() else None
    assert told == {"support": scene.OWN, "research": scene.OWN, "press": None, "echo": None}
    expect(page.get_by_text("would have nobody left to answer")).to_contain_text("echo")
    assert directives(house) == [] or all(one["state"] == "lifted" for one in directives(house))
    page.get_by_role("button", name="Issue it now").click()
    expect(page.get_by_text("The directive is issued.")).to_be_visible()
    for service, substitute in told.items():
        answer = scene.call(house, service)
        if substitute is None:
            assert (answer.status, answer.json["error"]["code"]) == (503, "no_target")
        else:
            assert answer.headers["freehold-target"] == substitute
    lift_all(console)
    assert scene.call(house, "support").headers["freehold-target"] == scene.FIRST


def test_a_stale_confirmation_is_a_conflict_and_no_overwrite(
    house: Estate, new_window: NewWindow, paul: Operator
) -> None:
    first, second = new_window(), new_window(session=None)
    second.sign_in(paul.token)
    expect(second.page.get_by_role("heading", name="Now", level=1)).to_be_visible()
    page, other = preview(first, "anthropic"), preview(second, "anthropic")
    before = len(directives(house))
    page.get_by_role("button", name="Issue it now").click()
    expect(page.get_by_text("The directive is issued.")).to_be_visible()
    other.get_by_role("button", name="Issue it now").click()
    expect(other.get_by_role("alert")).to_contain_text("somebody else acted meanwhile")
    assert len(directives(house)) == before + 1
    second.said.clear()  # the browser notes the 409
    held = first.open("withdraw")
    held.get_by_role("link", name="Look and lift").click()
    theirs = second.open("withdraw")
    theirs.get_by_role("link", name="Look and lift").click()
    held.get_by_role("button", name="Lift it").click()
    expect(held.get_by_text("The directive is lifted")).to_be_visible()
    theirs.get_by_role("button", name="Lift it").click()
    expect(theirs.get_by_role("alert")).to_contain_text("somebody else acted meanwhile")
    second.said.clear()
    assert MARKUP not in second.page.title()


@pytest.mark.usefixtures("two_signatures")
def test_two_operators_sign_what_they_were_shown(house: Estate, new_window: NewWindow, paul: Operator) -> None:
    first, second = new_window(), new_window(session=None)
    second.sign_in(paul.token)
    expect(second.page.get_by_role("heading", name="Now", level=1)).to_be_visible()
    page = preview(first, "anthropic")
    expect(page.get_by_text("It takes 2 operators")).to_be_visible()
    page.get_by_role("button", name="Sign and issue").click()
    expect(page.get_by_text("The directive is issued.")).to_be_visible()
    assert scene.call(house).headers["freehold-target"] == scene.FIRST
    page.get_by_role("link", name="Look and lift").click()
    expect(page.get_by_text("It waits for another operator")).to_be_visible()
    other = second.open("withdraw")
    other.get_by_role("link", name="Look and sign").click()
    assert findings(other) == []
    other.get_by_role("button", name="Sign the directive").click()
    expect(other.get_by_text("Your signature is on record.")).to_be_visible()
    assert scene.call(house).headers["freehold-target"] == scene.SECOND
    lift_all(second)
    assert scene.call(house).headers["freehold-target"] == scene.SECOND
    page = first.open("withdraw")
    page.get_by_role("link", name="Look and sign").click()
    page.get_by_role("button", name="Sign its lifting").click()
    expect(page.get_by_text("Your signature is on record.")).to_be_visible()
    assert scene.call(house).headers["freehold-target"] == scene.FIRST


def test_a_directive_is_scheduled_for_its_hour(house: Estate, console: Console) -> None:
    page = console.open("withdraw")
    fill(page, "anthropic")
    page.get_by_label("at an hour").check()
    page.get_by_label("The hour, in UTC").fill("2099-06-12T21:21")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Schedule it").click()
    expect(page.locator("#standing")).to_contain_text("will be withdrawn at 2099-06-12 21:21:00")
    assert scene.call(house).headers["freehold-target"] == scene.FIRST
    lift_all(console)


def test_what_looks_withdrawn_is_decided_by_a_person(house: Estate, console: Console, simulator: Simulator) -> None:
    """Two keys are refused, and the provider's other model answers."""
    other = house.ask("key", "create", "another application")["key"]
    simulator.play(Play(fault=Fault(kind=FaultKind.STATUS, status=404), only="/anthropic"))
    for key in (house.key, other["secret"]):
        assert scene.call(house, key=key).headers["freehold-target"] == scene.SECOND
    simulator.play(Play())
    assert scene.call(house, "press").status == 200
    wait_for(lambda: state(house) == "suspected", f"{scene.FIRST} is suspected")
    page = console.open("withdraw")
    expect(page.get_by_role("region", name="To be decided")).to_contain_text("refused 1 times with 404")
    assert findings(page) == []
    page.get_by_role("region", name="To be decided").get_by_role("link", name="Decide").click()
    expect(page.get_by_role("table", name="What speaks against it")).to_contain_text(other["id"])
    page.get_by_role("button", name=f"Restore {scene.FIRST}").click()
    expect(page.get_by_text("The target is back in service")).to_be_visible()
    assert scene.call(house).headers["freehold-target"] == scene.FIRST
    house.run("key", "revoke", other["id"])


def test_a_person_withdraws_and_restores_a_target(house: Estate, console: Console) -> None:
    page = console.open(f"withdraw/targets/{scene.FIRST}")
    expect(page.locator("tr[data-service=support] b").first).to_have_text(scene.SECOND)
    page.get_by_label("Reason", exact=True).fill(f"wrong bills {MARKUP}")
    page.get_by_role("button", name=f"Withdraw {scene.FIRST}").click()
    expect(page.get_by_text("The target is withdrawn.")).to_be_visible()
    expect(page.get_by_text(f"wrong bills {MARKUP}")).to_be_visible()
    assert scene.call(house).headers["freehold-target"] == scene.SECOND
    page.get_by_role("link", name=f"Restore {scene.FIRST}").click()
    page.get_by_role("button", name=f"Restore {scene.FIRST}").click()
    expect(page.get_by_text("The target is back in service")).to_be_visible()
    assert scene.call(house).headers["freehold-target"] == scene.FIRST


def test_markup_in_names_and_reasons_executes_nothing(house: Estate, console: Console) -> None:
    page = preview(console, MARKUP, kind="a model", reason=MARKUP)
    expect(page.get_by_text("It hits no target now.")).to_be_visible()
    page.get_by_role("button", name="Issue it now").click()
    expect(page.get_by_text("The directive is issued.")).to_be_visible()
    page.reload()
    expect(page.locator("#standing")).to_contain_text(MARKUP)
    assert page.title() != "executed"
    assert page.locator("main img, #standing img").count() == 0
    lift_all(console)


def test_what_was_typed_wrong_is_said_and_kept(console: Console) -> None:
    page = console.open("withdraw")
    fill(page, "Atlantis", kind="a state: whoever it can compel")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("'Atlantis' is no state")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Atlantis")
    expect(page.get_by_label("What it names")).to_have_value("authority")
    console.said.clear()  # the browser notes the 422


def test_withdrawing_can_be_done_by_everybody(new_window: NewWindow) -> None:
    for settings in ({}, {"scheme": "dark", "size": NARROW}):
        console = new_window(**settings)
        page = preview(console, "anthropic")
        assert findings(page) == []
        assert not overflows(page)
        page = console.open(f"withdraw/targets/{scene.FIRST}")
        assert findings(page) == []
        assert not overflows(page)
