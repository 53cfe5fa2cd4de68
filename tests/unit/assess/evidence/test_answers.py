# SPDX-License-Identifier: Apache-2.0
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.assess.evidence.answers import Answer, add_answer, answers_path, newest, read_answers
from freehold.errors import EstateError

AT = "2026-11-23T09:00:00Z"
_LINES = st.text(min_size=1, max_size=80).filter(lambda text: text.isprintable() and bool(text.strip()))


def answer(value: str = "3", **more: str) -> Answer:
    fields = {"id": "SOV-3.q1", "by": "A. Weber", "source": "a contract", "at": AT, **more}
    return Answer(value=value, **fields)


def test_without_a_file_there_are_no_answers(tmp_path: Path) -> None:
    assert read_answers(answers_path(tmp_path)) == ((), "")


def test_answers_are_kept_in_their_order_and_the_last_one_counts(tmp_path: Path) -> None:
    path = answers_path(tmp_path)
    for value in ("1", "2"):
        add_answer(path, answer(value))
    add_answer(path, answer("4", about="mistral"))
    found, digest = read_answers(path)
    assert [one.value for one in found] == ["1", "2", "4"]
    assert digest.startswith("sha256:")
    assert {about: one.value for (_, about), one in newest(found).items()} == {"self": "2", "mistral": "4"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_person_wrote_into_the_file_stays(tmp_path: Path) -> None:
    path = answers_path(tmp_path)
    add_answer(path, answer())
    path.write_text("# checked with the lawyers\n" + path.read_text())
    add_answer(path, answer("1"))
    assert path.read_text().startswith("# checked with the lawyers\n")
    assert len(read_answers(path)[0]) == 2


@given(by=_LINES, source=_LINES)
def test_any_line_of_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, by: str, source: str) -> None:
    path = answers_path(tmp_path_factory.mktemp("estate"))
    add_answer(path, answer(by=by, source=source))
    (found,), _ = read_answers(path)
    assert (found.by, found.source) == (by, source)


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "two\nlines"},
        {"source": "a bell\a"},
        {"by": " "},
        {"source": "x" * 501},
        {"at": "today"},
        {"at": "2026-11-23"},
    ],
)
def test_a_text_that_is_no_line_and_a_time_that_is_none_are_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(EstateError):
        add_answer(answers_path(tmp_path), answer(**wrong))
    assert not answers_path(tmp_path).exists()


@pytest.mark.parametrize(
    "text",
    [
        "not toml [",
        "[[answer]]\nid = 3\n",
        "[[answer]]\nid = 'SOV-1.q1'\nvalue = '1'\n",
        f"[[answer]]\nid = 'a'\nvalue = '1'\nby = 'b'\nsource = 's'\nat = '{AT}'\nwho = 'x'\n",
        "[[answer]]\nid = 'a'\nvalue = '1'\nby = 'b'\nsource = 's'\nat = 'soon'\n",
        "answers = []\n",
        "a = " + "[" * 100_000,
    ],
)
def test_a_file_that_says_anything_else_is_refused_and_named(tmp_path: Path, text: str) -> None:
    path = answers_path(tmp_path)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(EstateError, match=r"answers\.toml"):
        read_answers(path)
    with pytest.raises(EstateError):
        add_answer(path, answer())
    assert path.read_text() == text


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = answers_path(tmp_path)
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(EstateError, match="UTF-8"):
        read_answers(path)
