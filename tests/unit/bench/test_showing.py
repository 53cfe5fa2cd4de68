# SPDX-License-Identifier: Apache-2.0
"""Tables, chart, files and comparison, of a run that never was."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bench.publish import BEGIN, END, replaced
from bench.report import Row
from bench.sections import calls, footprint, owned, streaming
from bench.showing.chart import DARK, LIGHT, Theme, draw
from bench.showing.comparing import changes, is_comparable, run_before
from bench.showing.numbers import numbers
from bench.showing.results import LATEST, Results, read, write
from bench.showing.table import changes_table, shown, tables

_RATES = {"direct": 100_000, "nginx": 35_000, "freehold": 7_000, "portkey": 700, "litellm": 70}


def _rows() -> dict[str, list[Row]]:
    def crossed(name: str, unit: str, side: str, load: int, value: float, *, prompt: str = "") -> Row:
        samples = [value * 0.99, value, value * 1.01]
        return Row(name=name, value=value, unit=unit, samples=samples, side=side, load=load, prompt=prompt)

    of_calls = [
        crossed(calls.RATE, "/s", side, load, rate / (2 if load == 1 else 1), prompt="600 B")
        for load in calls.CONNECTIONS
        for side, rate in _RATES.items()
    ]
    of_calls.append(Row(name=calls.SYNC, value=0.2, unit="ms", samples=[0.2, 0.2, 0.2]))
    of_calls.append(crossed(calls.ADDED_P50, "ms", "freehold", 1, 0.7, prompt="600 B"))
    of_streams = [
        Row(name=streaming.SUSTAINED, value=512, unit="", samples=[512, 512], side="freehold"),
        Row(name=streaming.MOST_EVENTS, value=40_000, unit="/s", samples=[40_000, 40_100], side="freehold"),
        Row(name=streaming.MOST_EVENTS, value=1_000, unit="/s", samples=[1_000, 1_010], side="litellm"),
        *(crossed(streaming.GAP, "ms", "freehold", load, 21.0 + load / 100) for load in streaming.STREAMS),
        *(crossed(streaming.ADDED_FIRST, "ms", "freehold", load, 1.0 + load / 10) for load in streaming.STREAMS),
    ]
    of_memory = [
        Row(name=footprint.AT_REST, value=42, unit="MB", side="freehold's gateway"),
        Row(name=footprint.GROWTH, value=0.4, unit="MB", side="freehold"),
    ]
    of_engine = [Row(name=owned.RATIO, value=0.99, unit="", samples=[0.98, 1.01], load=1, at_least=0.97)]
    return {"calls": of_calls, "streaming": of_streams, "memory": of_memory, "engine": of_engine}


def _results(rows: dict[str, list[Row]] | None = None, **facts: str) -> Results:
    rows = _rows() if rows is None else rows
    return Results(
        at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        command="python -m bench",
        quick=False,
        facts={"processor": "X <&> Y", "cores": "2", "disk": "ext4", **facts},
        rows=rows,
        numbers=numbers(rows),
    )


def test_every_line_of_the_promise_has_its_number_and_verdict() -> None:
    verdicts = {row.name: row.verdict for row in _results().numbers}
    assert len(verdicts) == 10
    assert verdicts["requests/s at 16 connections, over litellm"] == "goal"
    assert verdicts["requests/s at 16 connections, over nginx"] == "met"
    assert verdicts["added p50 at 1 connection, less the disk's own sync"] == "met"
    assert verdicts["paced streams sustained, gap p99 within 30 ms"] == "met"
    assert verdicts["tokens/s through the gateway, over the engine alone"] == "goal"


def test_sections_that_did_not_run_make_no_numbers() -> None:
    assert numbers({}) == []
    assert [row.name for row in numbers({"memory": _rows()["memory"]})] == [
        "the gateway's memory (PSS) at rest",
        footprint.GROWTH,
    ]


def test_ratios_are_of_the_same_round() -> None:
    rows = [
        Row(name=calls.RATE, value=1, unit="/s", samples=[100, 300], side="freehold", load=16, prompt="600 B"),
        Row(name=calls.RATE, value=1, unit="/s", samples=[10, 20], side="portkey", load=16, prompt="600 B"),
    ]
    (ratio,) = numbers({"calls": rows})
    assert list(ratio.samples) == [10, 15]


def test_tables_show_every_number_once() -> None:
    text = "\n".join(table.text() for table in tables(_results()))
    assert "What was promised" in text
    assert "at a time" in text
    assert text.count("35,000") == 3
    markdown = "\n\n".join(table.markdown() for table in tables(_results()))
    assert "| 16 | 100,000 | 35,000 | 7,000 | 700 | 70 |" in markdown


@pytest.mark.parametrize(
    ("value", "text"), [(0.0338, "0.0338"), (1.0, "1"), (12.345, "12.3"), (1234.5, "1,234"), (-0.51, "-0.51")]
)
def test_numbers_have_as_many_digits_as_mean_something(value: float, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_chart_is_sound_and_asks_nobody_for_anything(theme: Theme) -> None:
    picture = draw(_results(), theme)
    root = ET.fromstring(picture)  # noqa: S314 - our own
    assert root.tag.endswith("svg")
    assert "X &lt;&amp;&gt; Y" in picture
    assert theme.page in picture
    assert picture.count("http") == 1  # its namespace
    assert "script" not in picture


def test_a_chart_of_nothing_says_so() -> None:
    assert draw(_results({}), LIGHT).count("not measured in this run") == 3


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = _results()
    assert write(written, tmp_path) == tmp_path / LATEST
    again = read(tmp_path / LATEST)
    assert again is not None
    assert [row.label for row in again.numbers] == [row.label for row in written.numbers]
    assert again.at == written.at
    assert len([*tmp_path.glob("*.json")]) == 2


@pytest.mark.parametrize("text", ["", "{}", '{"at": "yesterday"}', '{"at": "2026-11-23T00:00:00+00:00", "rows": 1}'])
def test_a_file_of_another_version_is_no_run_to_compare_with(tmp_path: Path, text: str) -> None:
    (tmp_path / LATEST).write_text(text)
    assert read(tmp_path / LATEST) is None
    assert read(tmp_path / "nothing.json") is None


def _faster(rows: Sequence[Row], factor: float) -> dict[str, list[Row]]:
    return {
        "calls": [
            replace(row, value=row.value * factor, samples=[sample * factor for sample in row.samples]) for row in rows
        ]
    }


def test_only_what_moved_beyond_its_spread_is_told_as_better_or_worse() -> None:
    rows = [row for row in _rows()["calls"] if row.side == "freehold"]
    before, now = _results({"calls": rows}), _results(_faster(rows, 1.5))
    found = [*changes(before, now)]
    assert {change.word for change in found if change.row.unit == "/s"} == {"better"}
    assert {change.word for change in found if change.row.unit == "ms"} == {"worse"}
    assert [*changes(before, _results(_faster(rows, 1.001)))] == []
    assert "+50%" in changes_table(found, "then").text()


def test_runs_on_other_machines_or_of_another_length_are_not_compared() -> None:
    assert is_comparable(_results(), _results())
    assert not is_comparable(_results(), _results(cores="64"))
    assert not is_comparable(_results(python="CPython 3.11.7, built with"), _results(python="CPython 3.11.7, without"))
    assert not is_comparable(_results(), replace(_results(), quick=True))


def test_a_run_is_compared_with_the_newest_before_it_that_has_all_its_sections(tmp_path: Path) -> None:
    whole = _results()
    part = replace(whole, at=whole.at.replace(hour=13), rows={"memory": whole.rows["memory"]})
    quick = replace(whole, at=whole.at.replace(hour=14), quick=True)
    for results in (whole, part, quick):
        write(results, tmp_path)
    now = replace(whole, at=whole.at.replace(hour=15))
    assert getattr(run_before(now, tmp_path), "at", None) == whole.at
    assert getattr(run_before(replace(now, rows=part.rows), tmp_path), "at", None) == part.at
    assert run_before(whole, tmp_path) is None


def test_the_tables_of_a_page_are_replaced_and_nothing_else() -> None:
    page = f"# Page\n\n{BEGIN}\n\nold\n\n{END}\n\nafter\n"
    assert replaced(page, "new\n") == f"# Page\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"
    with pytest.raises(ValueError, match="lacks"):
        replaced("# Page\n", "new")
