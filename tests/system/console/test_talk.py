# SPDX-License-Identifier: Apache-2.0
"""Talk, in a browser: an answer as it comes, tools, a schema, a seam, two targets; and all of it on record."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.simulator.faults import Fault, FaultKind, Play
from tests.simulator.scripts import TALE
from tests.simulator.server import Simulator
from tests.system.console import scene
from tests.system.console.browsing import NARROW, Console, findings, overflows
from tests.system.console.conftest import NewWindow
from tests.system.console.scene import Operator
from tests.system.waiting import wait_for

MARKUP = "<img src=x onerror=\"document.title='executed'\"><script>document.title='executed'</script>"
TOOL = {
    "name": "weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def talk(console: Console, service: str = "support", **settings: str) -> Page:
    page = console.open("talk")
    page.get_by_label("Service").select_option(service)
    for label, value in settings.items():
        page.get_by_label(label.replace("_", " ")).select_option(value)
    return page


def say(page: Page, words: str = "What is a freehold?") -> None:
    page.get_by_label("Message").fill(words)
    page.get_by_role("button", name="Send", exact=True).click()


def answer(page: Page, number: int = 0) -> Locator:
    """One that is whole."""
    found = page.locator(".said.model").nth(number)
    expect(found).to_have_attribute("aria-busy", "false")
    return found


def fact(shown: Locator, name: str) -> Locator:
    return shown.locator("dt", has_text=re.compile(f"^{name}$")).locator("xpath=following-sibling::dd[1]")


def outcome_of(page: Page, shown: Locator) -> None:
    """Go by an answer's receipt to the entry that closed its call, which may come a moment later than the answer."""
    fact(shown, "receipt").get_by_role("link").click()
    link = page.locator("#says + dl a")
    wait_for(lambda: bool(page.reload() and link.count()), "the call's outcome is in the log")
    link.click()


def test_an_answer_is_shown_as_it_comes_and_stopping_it_is_on_record(
    console: Console, simulator: Simulator, jeanne: Operator
) -> None:
    simulator.play(Play(fault=Fault(kind=FaultKind.SILENCE, after=8), only="/anthropic"))
    page = talk(console, Target=scene.FIRST)
    say(page)
    shown = page.locator(".said.model")
    expect(shown.locator(".words")).to_contain_text("Grüße")
    expect(shown).to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name="Stop").click()
    expect(shown).to_contain_text("Stopped.")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(fact(shown, "on record under")).to_have_text(f"talk-{jeanne.id}")
    outcome_of(page, shown)
    expect(page.locator("[data-field=ending]")).to_have_text("cancelled")


def test_a_whole_answer_has_its_target_decision_and_receipt(console: Console, simulator: Simulator) -> None:
    page = talk(console)
    say(page)
    shown = answer(page)
    expect(shown.locator(".words")).to_have_text(TALE, use_inner_text=False)
    assert shown.locator(".words").text_content() == TALE
    expect(shown.get_by_role("heading")).to_have_text(scene.FIRST)
    expect(fact(shown, "answered by")).to_have_text(scene.FIRST)
    expect(fact(shown, "decision")).to_contain_text("allowed, dec_")
    fact(shown, "receipt").get_by_role("link").click()
    page.get_by_role("button", name="Verify in this browser").click()
    expect(page.locator("#verify-result")).to_contain_text("has signed.")


def test_markup_in_what_a_model_says_executes_nothing(console: Console, simulator: Simulator) -> None:
    page = talk(console, "echo")
    say(page, MARKUP)
    assert answer(page).locator(".words").text_content() == MARKUP
    assert page.locator("#turns img, #turns script").count() == 0
    assert page.title() != "executed"


def test_a_tool_is_called_and_what_it_gives_back_is_answered(console: Console, simulator: Simulator) -> None:
    simulator.play(Play(script="talk"))
    page = talk(console, "echo")
    page.get_by_text("Tools", exact=True).click()
    page.get_by_label("Functions (JSON)").fill(json.dumps([TOOL]))
    say(page, "What is the weather?")
    called = answer(page)
    expect(called.locator(".tool")).to_contain_text("calls weather")
    expect(called.locator(".tool pre")).to_contain_text('"city"')
    page.get_by_label("What weather gives back").fill(f"sunny {MARKUP}")
    assert findings(page) == []
    page.get_by_role("button", name="Send results").click()
    expect(answer(page, 1).locator(".words")).to_contain_text("sunny <img")
    assert page.locator("#turns img").count() == 0


def test_an_answer_is_asked_for_in_a_shape(console: Console, simulator: Simulator) -> None:
    simulator.play(Play(script="schema"))
    page = talk(console, "echo")
    page.get_by_text("Shape of the answer").click()
    page.get_by_label("JSON schema").fill(json.dumps({**TOOL["parameters"], "additionalProperties": False}))  # type: ignore[dict-item]
    say(page, "Which city?")
    expect(answer(page)).to_contain_text("JSON")
    assert json.loads(answer(page).locator(".words").text_content() or "").keys() == {"city"}


def test_what_is_no_json_is_said_before_anything_is_asked(console: Console) -> None:
    page = talk(console, "echo")
    page.get_by_text("Shape of the answer").click()
    page.get_by_label("JSON schema").fill("{")
    say(page)
    expect(page.get_by_role("alert")).to_contain_text("The schema is not JSON")
    expect(page.get_by_label("Message")).to_have_value("What is a freehold?")
    assert page.locator(".said").count() == 0


def test_the_seam_stands_where_another_target_took_over(console: Console, simulator: Simulator) -> None:
    simulator.play(Play(fault=Fault(kind=FaultKind.RESET, after=8), only="/anthropic"))
    page = talk(console)
    say(page)
    shown = answer(page)
    expect(shown.locator(".seam")).to_contain_text(f"from {scene.FIRST} to {scene.SECOND}")
    expect(fact(shown, "went on with")).to_have_text(scene.SECOND)
    words = shown.locator(".words").evaluate(
        "(said) => [...said.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join('')"
    )
    assert words == TALE
    assert findings(page) == []
    outcome_of(page, shown)
    expect(page.locator("table", has_text="Seams in the answer").get_by_role("row").nth(1)).to_contain_text(
        scene.SECOND
    )


def test_two_targets_answer_one_prompt_side_by_side(console: Console, simulator: Simulator) -> None:
    page = talk(console, Target=scene.FIRST, Side_by_side_with=scene.SECOND)
    say(page)
    for number, target in enumerate((scene.FIRST, scene.SECOND)):
        expect(fact(answer(page, number), "answered by")).to_have_text(target)
        assert answer(page, number).locator(".words").text_content() == TALE
    say(page, "And then?")
    expect(page.locator(".said.model")).to_have_count(4)
    assert answer(page, 3).locator(".words").text_content() == TALE


def test_a_call_that_nobody_may_see_is_refused_and_on_record(console: Console) -> None:
    page = talk(console, "echo", Data_class_of_this_call="restricted")
    say(page)
    shown = answer(page)
    expect(shown).to_contain_text("policy_denied")
    expect(fact(shown, "decision")).to_contain_text("refused, dec_")
    fact(shown, "receipt").get_by_role("link").click()
    expect(page.locator("[data-field=effect]")).to_have_text("refuse")


def test_a_provider_that_fails_is_told_and_the_next_question_can_be_asked(
    console: Console, simulator: Simulator
) -> None:
    simulator.play(Play(fault=Fault(kind=FaultKind.STATUS, status=500), only="/openai", times=1))
    page = talk(console, "echo")
    say(page, "One.")
    expect(answer(page).get_by_role("alert")).to_contain_text("Not answered")
    say(page, "Two.")
    assert answer(page, 1).locator(".words").text_content() == "Two."


@pytest.mark.parametrize("settings", [{}, {"scheme": "dark", "size": NARROW}])
def test_talking_can_be_done_by_everybody(new_window: NewWindow, simulator: Simulator, settings: Any) -> None:
    page = talk(new_window(**settings), Target=scene.FIRST, Side_by_side_with=scene.SECOND)
    say(page)
    answer(page)
    answer(page, 1)
    assert findings(page) == []
    assert not overflows(page)
