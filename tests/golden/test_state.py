# SPDX-License-Identifier: Apache-2.0
"""A state.db of any format that a release ever wrote is opened by this one, and nothing that was in it is lost.

A migration that is cut off, by a fault or by the death of its process, leaves the format that there was.
"""

import contextlib
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.admin import state as state_file
from freehold.admin.orders import Orders
from freehold.admin.state import _MIGRATIONS, State
from freehold.contract.call import DataClass
from freehold.errors import EstateError

GOLDEN = Path(__file__).parent / "state"
FORMATS = range(1, len(_MIGRATIONS) + 1)
RELEASED = {"0.1.0": 1}  # the format that each release wrote. One that is being made is added with its heading
_DIES = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.executescript("BEGIN IMMEDIATE; " + sys.argv[2])
print("in the middle", flush=True)
sys.stdin.read()
"""


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that is in the tables."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)  # noqa: S608 - its own names
            for name in names
            if not name.startswith("sqlite_")
        }


def format_of(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def written(number: int, path: Path) -> Path:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript((GOLDEN / f"format-{number}.sql").read_text(encoding="utf-8"))
    return path


@pytest.mark.parametrize("number", FORMATS)
def test_what_an_older_release_kept_is_there_after_the_migration(tmp_path: Path, number: int) -> None:
    with contextlib.closing(State(written(number, tmp_path / "state.db"))) as state:
        (key,) = state.api_keys()
        assert (key.id, key.label, key.services, key.data_class) == (
            "key_1",
            "billing",
            ("default",),
            DataClass.PERSONAL,
        )
        assert [operator.id for operator in state.operators()] == ["op_1"]
        assert state.next_snapshot_version() == 42
        if number >= 2:
            assert [(run.passed, run.total) for run in state.qualifications()] == [(3, 4)]
        if number >= 3:
            orders = Orders(state)
            assert [directive.name for directive in orders.directives()] == ["anthropic"]
            assert orders.reasons() == {"dir_1": "an order"}


@pytest.mark.parametrize("number", FORMATS)
def test_every_migration_ends_at_the_same_tables(tmp_path: Path, number: int) -> None:
    tables = []
    for name, path in (("old", written(number, tmp_path / "old.db")), ("new", tmp_path / "new.db")):
        State(path).close()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
            tables.append((name, [" ".join(sql.split()) for (sql,) in found if "sqlite_sequence" not in sql]))
    assert tables[0][1] == tables[1][1]


def test_each_format_is_kept(tmp_path: Path) -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"format-{number}.sql" for number in FORMATS}


def test_the_format_of_every_release_is_known_and_kept() -> None:
    changelog = (GOLDEN.parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)) == set(RELEASED)
    assert set(RELEASED.values()) <= set(FORMATS)


@pytest.mark.parametrize("number", FORMATS)
def test_no_row_of_any_table_is_lost_or_changed(tmp_path: Path, number: int) -> None:
    path = written(number, tmp_path / "state.db")
    before = rows(path)
    State(path).close()
    after = rows(path)
    assert {name: after[name] for name in before} == before
    assert any(before.values())


@pytest.mark.parametrize("number", FORMATS[:-1])
def test_a_migration_that_fails_leaves_what_there_was(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(number, tmp_path / "state.db")
    before = rows(path)
    broken = _MIGRATIONS[number] + " INSERT INTO nowhere VALUES (1);"  # noqa: S608 - nobody else wrote it
    monkeypatch.setattr(state_file, "_MIGRATIONS", (*_MIGRATIONS[:number], broken, *_MIGRATIONS[number + 1 :]))
    with pytest.raises(EstateError):
        State(path)
    assert (format_of(path), rows(path)) == (number, before)
    monkeypatch.undo()
    State(path).close()
    assert format_of(path) == len(_MIGRATIONS)


@pytest.mark.parametrize("number", FORMATS[:-1])
def test_a_process_that_dies_in_the_middle_of_one_leaves_what_there_was(tmp_path: Path, number: int) -> None:
    path = written(number, tmp_path / "state.db")
    before = rows(path)
    with subprocess.Popen(
        [sys.executable, "-c", _DIES, str(path), _MIGRATIONS[number]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == b"in the middle\n"
        dying.kill()
    assert (format_of(path), rows(path)) == (number, before)
    State(path).close()
    assert format_of(path) == len(_MIGRATIONS)


def test_a_read_only_look_at_an_older_format_changes_nothing(tmp_path: Path) -> None:
    path = written(1, tmp_path / "state.db")
    with contextlib.suppress(EstateError):
        State(path, read_only=True).close()
    assert format_of(path) == 1
