# SPDX-License-Identifier: Apache-2.0
import json

import click
import pytest

from freehold.cli import output
from freehold.cli.options import EstateType, Rate, Span
from freehold.contract.estate import Estate
from freehold.errors import VerificationFailed


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("id", "what"), [("a", None), ("long one", ("x", "y"))], empty="none")
    lines = [line.rstrip() for line in click.unstyle(capsys.readouterr().out).splitlines()]
    assert lines == ["ID        WHAT", "a         -", "long one  x, y"]


def test_a_table_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("id",), [], empty="There is nothing yet.")
    assert capsys.readouterr().out == "There is nothing yet.\n"


def test_json_is_one_object_keyed_by_the_noun(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit("keys", [{"label": "Zoë"}])
    assert json.loads(capsys.readouterr().out) == {"keys": [{"label": "Zoë"}]}


def test_no_bar_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress() as show:
        show("importing", 5, 10)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (98_362_432, "98 MB"), (1_500_000, "1.5 MB"), (7_100_000_000, "7.1 GB")],
)
def test_sizes_are_in_decimal_units(size_bytes: int, text: str) -> None:
    assert output.size(size_bytes) == text


@pytest.mark.parametrize(
    ("text", "per_minute"), [("60/min", 60), ("60", 60), ("2/s", 120), ("600/h", 10), ("5 / min", 5)]
)
def test_rates_are_requests_per_minute(text: str, per_minute: int) -> None:
    assert Rate().convert(text, None, None) == per_minute


@pytest.mark.parametrize("text", ["", "0", "1/h", "-5", "5/day", "five", "1e9"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError):
        Rate().convert(text, None, None)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("45m", 2700), ("12h", 43200), ("30d", 2592000)])
def test_spans_are_seconds(text: str, seconds: float) -> None:
    assert Span().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "0d", "d", "30", "1y", "-1d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError):
        Span().convert(text, None, None)


def test_an_estate_option_is_an_absolute_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREEHOLD_ESTATE", "/srv/there")
    assert EstateType().convert("", None, None) == Estate.find("/srv/there")
    assert EstateType().convert("here", None, None).directory.is_absolute()


@pytest.mark.parametrize(
    ("now_s", "done_bytes", "said"),
    [
        (10.5, 50, ""),  # too early to tell
        (12.0, 20, ""),  # nothing came yet: those were there before
        (14.0, 40_000_020, ", 10 MB/s, 6 s left"),
        (14.0, 400_020, ", 100 kB/s, 16 min 36 s left"),
        (20.0, 100_000_000, ", 10.0 MB/s"),
    ],
)
def test_the_pace_is_of_what_came_since_the_work_began(now_s: float, done_bytes: int, said: str) -> None:
    begun = output._Begun("importing", 20, 10.0)
    assert begun.pace(done_bytes, 100_000_000, now_s) == said


def test_a_problem_that_quotes_somebody_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.report(VerificationFailed("the outcome is of call \x1b[2J\u202e", hint="Two lines:\n  one"))
    assert capsys.readouterr().err == "freehold: the outcome is of call \\x1b[2J\\u202e\n  Two lines:\n  one\n"
