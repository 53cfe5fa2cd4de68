# SPDX-License-Identifier: Apache-2.0
"""A scorecard as its page reads it: what the API sends is the scorecard, and nothing of it is lost on the way."""

import msgspec
from tests.unit.console.cards import CARD

from freehold.console.reading.drills import Card, DrillAnswer, card_of


def read() -> Card:
    answer = {"drill": {**msgspec.to_builtins(CARD), "digest": "sha256:1"}}
    return card_of(msgspec.convert(answer, DrillAnswer).drill)


def test_every_series_has_a_colour_and_what_was_not_answered_has_none() -> None:
    card = read()
    assert [(one.name, one.number, one.calls) for one in card.series] == [("paris", 1, 3), ("local", 2, 4), ("", 0, 1)]
    assert card.number_of("local") == 2


def test_the_figures_are_those_of_every_other_report() -> None:
    card = read()
    assert ("calls made", "8") in card.figures
    assert msgspec.to_builtins(card.scorecard) == {**msgspec.to_builtins(CARD), "digest": "sha256:1"}
    assert {mark.label for mark in card.wide.marks} == {mark.label for mark in card.narrow.marks} == {"1"}
