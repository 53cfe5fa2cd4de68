# SPDX-License-Identifier: Apache-2.0
"""What an API repeats of the assistant's last message does not reach the caller; an answer without a name gets one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.dialect.chatwire import Chat, Choice, Message
from freehold.dialect.fitting import Fitting


def through(fitting: Fitting, *pieces: str) -> str:
    """The text of a stream in these pieces, of which the last comes with the end."""
    chats = [Chat(choices=[Choice(0, delta=Message(content=piece))]) for piece in pieces]
    chats[-1].choices[0].finish_reason = "stop"
    return "".join(
        choice.said.content or "" for chat in chats for each in fitting.chunk(chat) for choice in each.choices
    )


def test_an_answer_without_a_name_gets_the_one_that_was_asked_for() -> None:
    unnamed, named = Chat(choices=[Choice(0, message=Message())]), Chat(model="big-1-2026")
    for chat in (unnamed, named):
        Fitting("big-1", "").answer(chat)
    assert (unnamed.model, named.model) == ("big-1", "big-1-2026")


def test_a_chunk_without_choices_is_not_handed_on() -> None:
    assert Fitting("big-1", "").chunk(Chat()) == []


@given(cuts=st.lists(st.integers(0, 9), max_size=4))
def test_what_is_repeated_is_taken_out_wherever_the_chunks_borders_lie(cuts: list[int]) -> None:
    whole, ends = "I am fine", sorted(cuts)
    pieces = [whole[begin:end] for begin, end in zip([0, *ends], [*ends, len(whole)], strict=True)]
    assert through(Fitting("m", "I am"), *pieces) == " fine"


@pytest.mark.parametrize("pieces", [["I", " was"], ["I a", "m"], ["fine", "I am"], ["", "I", ""]])
def test_what_is_not_repeated_stays(pieces: list[str]) -> None:
    assert through(Fitting("m", "I am not"), *pieces) == "".join(pieces)


def test_it_is_taken_out_once() -> None:
    assert through(Fitting("m", "ha"), "ha", "ha", "ha") == "haha"


def test_a_whole_answer_that_repeats_is_cut() -> None:
    chat = Chat(choices=[Choice(0, "stop", message=Message(content="I am fine"))])
    Fitting("m", "I am").answer(chat)
    assert chat.choices[0].said.content == " fine"


def test_an_answer_of_nothing_but_calls_is_left_as_it_is() -> None:
    chat = Chat(choices=[Choice(0, "tool_calls", message=Message(content=None))])
    Fitting("m", "I am").answer(chat)
    assert chat.choices[0].said.content is None
